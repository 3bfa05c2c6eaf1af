"""The all-in-one process: web server, workers, monitor of hosts, and this machine's agent."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable

import uvicorn
import uvloop

from cloudportal import hosts
from cloudportal.unguarded import integration_port
from cloudportal.web import calm_garbage_collection, uvicorn_config
from consoleproxy import tickets
from core import live
from infra import agents
from infra.services.monitor import Monitor
from jobs.worker import WorkerProcess

log = logging.getLogger(__name__)


class Portal:
    """Everything the all-in-one shape runs, in the order it starts and stops."""

    def __init__(self, *, job_threads: int = 8) -> None:
        self.worker = WorkerProcess(job_threads)
        self.monitor = Monitor()

    def start(self) -> None:
        """Workers first: jobs that a crash left behind go on while the rest starts."""
        hosts.plug_in()
        tickets.close_all_of(socket.gethostname())
        self.worker.start()
        self.monitor.start()

    def serve(self, ready: Callable[[], None]) -> None:
        """Until SIGINT or SIGTERM. ``ready`` is called once the port answers."""
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._serve(ready))

    async def _serve(self, ready: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        live.serve_from(loop)
        server = uvicorn.Server(uvicorn_config("cloudportal.asgi:application"))
        waiting = loop.create_task(_when_started(server, ready))
        calm_garbage_collection()
        try:
            async with integration_port():
                await server.serve()
        finally:
            live.serve_from(None)
            waiting.cancel()

    def stop(self) -> None:
        """Guests go on; jobs are resumed by the next process."""
        self.monitor.stop()
        self.worker.stop()
        agents.close_links()


async def _when_started(server: uvicorn.Server, ready: Callable[[], None]) -> None:
    while not server.started:
        await asyncio.sleep(0.01)
    ready()


def port_is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
