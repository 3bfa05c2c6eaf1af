"""How the portal speaks HTTP and WebSocket."""

from __future__ import annotations

from typing import Any

import uvicorn
from django.conf import settings

from consoleproxy.server import ConsoleSocket


def uvicorn_config(application: Any) -> uvicorn.Config:
    """No deflate and large reads: consoles carry pixels (`bench/console`)."""
    host, port = settings.LISTEN
    return uvicorn.Config(
        application,
        host=host,
        port=port,
        loop="uvloop",
        http="httptools",
        ws=ConsoleSocket,
        ws_per_message_deflate=False,
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=3,
        proxy_headers=False,
        ws_max_size=4 * 2**20,
    )
