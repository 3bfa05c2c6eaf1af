"""What a listed proxy says of the browser's request: by which scheme and name it came.

Without it a portal behind TLS would take its pages for plain HTTP: cookies without Secure,
and forms refused, because their Origin says https.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from core import proxies

Application = Callable[..., Iterable[bytes]]


class Forwarded:
    """A WSGI application around another. The headers of anybody else count for nothing (R14)."""

    def __init__(self, inner: Application) -> None:
        self.inner = inner

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if proxies.is_trusted(environ.get("REMOTE_ADDR", "")):
            scheme = _nearest(environ, "HTTP_X_FORWARDED_PROTO").lower()
            if scheme in ("http", "https"):
                environ["wsgi.url_scheme"] = scheme
            host = _nearest(environ, "HTTP_X_FORWARDED_HOST")
            if host:
                environ["HTTP_HOST"] = host
        return self.inner(environ, start_response)


def _nearest(environ: dict[str, Any], name: str) -> str:
    """Of several proxies' words those of the nearest, which came last."""
    return str(environ.get(name, "")).rsplit(",", 1)[-1].strip()
