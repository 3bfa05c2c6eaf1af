"""What every page of a signed-in reader holds: side bar, scope, tray, dress."""

from __future__ import annotations

import functools
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import translation

from frontend import nav
from frontend.views.tasks import open_count


def shell(request: HttpRequest) -> dict[str, Any]:
    cookies = request.COOKIES
    dress = {
        "theme": cookies.get("theme") if cookies.get("theme") in ("light", "dark") else "system",
        "density": "roomy" if cookies.get("density") == "roomy" else "dense",
        "sidebar": "narrow" if cookies.get("sidebar") == "narrow" else "wide",
        "language": translation.get_language() or "en",
        "languages": settings.LANGUAGES,
    }
    reader = getattr(request, "reader", None)
    if reader is None:
        return {"dress": dress}
    return {
        "dress": dress,
        "reader": reader,
        "caller": reader.caller,
        "nav": Lazy(lambda: nav.groups_for(reader)),
        "thumb": Lazy(lambda: nav.thumb_links(reader)),
        "open_jobs": Lazy(lambda: open_count(reader)),
        "here": request.path.strip("/").split("/")[0] or "overview",
    }


class Lazy:
    """Made only by the page that draws it: a fragment has no side bar to ask for."""

    def __init__(self, make: Any) -> None:
        self._make = functools.cache(make)

    def __call__(self) -> Any:
        return self._make()
