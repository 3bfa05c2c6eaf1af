"""The portal's own consumer and relay behind the portal's own server settings, without the
ticket: accept and bytes are what is measured. ``python -m bench.console.portal MACHINE_PORT``
prints the port it listens on."""

from __future__ import annotations

import os
import socket
import sys
from types import SimpleNamespace
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cloudportal.settings_test")

import django  # noqa: E402

django.setup()

import asyncio  # noqa: E402

import uvicorn  # noqa: E402
import uvloop  # noqa: E402
from channels.routing import URLRouter  # noqa: E402
from django.urls import re_path  # noqa: E402

from cloudportal.web import uvicorn_config  # noqa: E402
from consoleproxy import consumers, relay, tickets, watch  # noqa: E402

MACHINE_PORT = int(sys.argv[1])


class Open(consumers.ConsoleConsumer):
    async def _redeem(self, ticket: str) -> Any:
        return SimpleNamespace(pk=id(self), kind="serial", uuid="")

    async def _open(self, row: Any) -> socket.socket:
        return await relay.connect("127.0.0.1", MACHINE_PORT, "")


tickets.close = lambda row_id: None
watch.watch = lambda row_id, carrying: None

application = URLRouter([re_path(r"^console/ws/(?P<ticket>\w+)$", Open.as_asgi())])


def main() -> None:
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    print(listener.getsockname()[1], flush=True)
    server = uvicorn.Server(uvicorn_config(application))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(server.serve(sockets=[listener]))


if __name__ == "__main__":
    main()
