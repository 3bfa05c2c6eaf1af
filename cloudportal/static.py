"""Static files of the apps and of the npm packages that the pages load, with caching.

The finders' answer is remembered: a file is looked up on disk once in the life of a process.
Only kinds of file that a page can use are served from npm packages.
"""

from __future__ import annotations

import functools
import mimetypes
import posixpath
from pathlib import Path

from django.contrib.staticfiles import finders
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseNotModified
from django.utils.http import http_date, parse_http_date_safe

_KINDS = {
    ".css", ".gif", ".ico", ".jpg", ".js", ".json", ".map", ".mjs", ".png", ".svg", ".ttf",
    ".webp", ".woff", ".woff2",
}  # fmt: skip
_SMALL = 2 * 2**20

mimetypes.add_type("text/javascript", ".js")
mimetypes.add_type("text/javascript", ".mjs")
mimetypes.add_type("font/woff2", ".woff2")


@functools.lru_cache(maxsize=2048)
def _find(path: str) -> Path | None:
    clean = posixpath.normpath(path).lstrip("/")
    if clean.startswith("..") or Path(clean).suffix not in _KINDS:
        return None
    found = finders.find(clean)
    return Path(found) if found else None


def serve(request: HttpRequest, path: str) -> HttpResponse | FileResponse:
    file = _find(path)
    if file is None or not file.is_file():
        raise Http404
    status = file.stat()
    since = parse_http_date_safe(request.headers.get("If-Modified-Since", ""))
    if since is not None and int(status.st_mtime) <= since:
        return HttpResponseNotModified()
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    if status.st_size <= _SMALL:
        response: HttpResponse | FileResponse = HttpResponse(file.read_bytes(), content_type=kind)
    else:
        response = FileResponse(file.open("rb"), content_type=kind)
    response["Last-Modified"] = http_date(status.st_mtime)
    response["Cache-Control"] = "public, max-age=3600"
    return response
