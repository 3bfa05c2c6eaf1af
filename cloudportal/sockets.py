"""Every WebSocket the portal answers. Each consumer checks Origin and who it is itself."""

from __future__ import annotations

from typing import Any

from channels.exceptions import DenyConnection
from django.urls import re_path

from consoleproxy.routing import websocket_urlpatterns as console
from frontend.routing import websocket_urlpatterns as pages
from infra.routing import websocket_urlpatterns as agents


async def nowhere(scope: dict[str, Any], receive: Any, send: Any) -> None:
    raise DenyConnection


websocket_urlpatterns = [*console, *pages, *agents, re_path(r"", nowhere)]
