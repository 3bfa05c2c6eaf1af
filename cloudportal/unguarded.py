"""The integration port: calls without authentication, as root (``integration.api.port``).

Nothing listens while the setting is 0. Only this machine's own programs reach it: whoever
needs it from elsewhere tunnels there, and is authenticated by the tunnel.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterator

import uvicorn
from asgiref.sync import sync_to_async

from api.integration import application
from api.settings import INTEGRATION_PORT
from cloudportal.bridge import WsgiPool

log = logging.getLogger(__name__)


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # the portal's own server ends both


@contextlib.asynccontextmanager
async def integration_port() -> AsyncIterator[None]:
    """Bound for as long as the context lasts, when the operator wants it."""
    port = await sync_to_async(INTEGRATION_PORT.get)()
    if not port:
        yield
        return
    log.warning("calls at 127.0.0.1:%d need no authentication (integration.api.port)", port)
    server = _Server(
        uvicorn.Config(
            WsgiPool(application, threads=2), host="127.0.0.1", port=port, http="httptools",
            ws="none", lifespan="off", access_log=False, log_config=None, server_header=False,
            timeout_graceful_shutdown=3, proxy_headers=False,
        )
    )  # fmt: skip
    serving = asyncio.create_task(server.serve())
    try:
        yield
    finally:
        server.should_exit = True
        await serving
