"""The portal's own web server with two bare views beside it, in a process of its own.

``python -m bench.http.server [--threads 8] [--hold-still]``; environment as of ``manage.py up``.
"""

from __future__ import annotations

import argparse
import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cloudportal.settings")

import django  # noqa: E402

django.setup()

import orjson  # noqa: E402
import uvicorn  # noqa: E402
from django.http import HttpRequest, HttpResponse  # noqa: E402
from django.urls import path  # noqa: E402
from django.views.decorators.csrf import csrf_exempt  # noqa: E402

from accounts.models import ApiKey  # noqa: E402
from api.renderers import JSON  # noqa: E402
from cloudportal import urls  # noqa: E402
from cloudportal.web import calm_garbage_collection, uvicorn_config  # noqa: E402
from infra.models import Zone  # noqa: E402

_FIXED = orjson.dumps({"listzonesresponse": {"count": 1, "zone": [{"id": "x" * 36}]}})


@csrf_exempt
def bare(request: HttpRequest) -> HttpResponse:
    """Django, its middleware and a fixed answer: what the server can do at all."""
    return HttpResponse(_FIXED, content_type="application/json; charset=UTF-8")


@csrf_exempt
def handwritten(request: HttpRequest) -> HttpResponse:
    """``listZones`` written out by hand for one caller: the same look-ups and the same fields,
    without signature, rights, parameters, scope or pages."""
    key = request.GET["apiKey"]
    ApiKey.objects.select_related("user__account__domain", "user__account__role").get(key=key)
    zones: list[dict[str, Any]] = list(
        Zone.objects.order_by("pk")[:500].values(
            "uuid", "name", "dns1", "dns2", "internal_dns1", "internal_dns2", "network_type",
            "allocation_state", "guest_cidr", "dhcp_provider", "local_storage_enabled", "created",
        )
    )  # fmt: skip
    reply = {"listzonesresponse": {"count": len(zones), "zone": zones}}
    return HttpResponse(JSON.render(reply), content_type="application/json; charset=UTF-8")


urls.urlpatterns = [path("bare", bare), path("handwritten", handwritten), *urls.urlpatterns]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=0, help="of the pool; 0: as the portal's")
    options = parser.parse_args()
    from cloudportal import asgi

    if options.threads:
        asgi.http.pool._max_workers = options.threads
    calm_garbage_collection()
    uvicorn.Server(uvicorn_config(asgi.application)).run()


if __name__ == "__main__":
    main()
