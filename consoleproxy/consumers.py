"""A browser comes with a ticket; what it may not see looks like nothing at all (HTTP 403)."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from typing import Any

from channels.consumer import AsyncConsumer
from channels.db import database_sync_to_async

from accounts.services import sessions
from agent.protocol import AgentError, ConsoleAddress
from consoleproxy import relay, screens, tickets, watch
from consoleproxy.models import ConsoleSession
from consoleproxy.server import CARRY
from core import origins

log = logging.getLogger(__name__)

PROXY = f"{socket.gethostname()}-{os.getpid()}"


class ConsoleConsumer(AsyncConsumer):
    """Accept, ticket and rights here; then ``relay`` carries the bytes."""

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        self.scope = scope
        await receive()  # websocket.connect
        ticket = scope["url_route"]["kwargs"]["ticket"]
        try:
            row = await self._redeem(ticket)
            pipe = await self._open(row)
        except (tickets.Refused, AgentError, OSError) as reason:
            log.info("console refused: %s", reason)
            await send({"type": "websocket.close", "code": 4403})
            return
        protocols = scope.get("subprotocols") or []
        await send(
            {
                "type": "websocket.accept",
                "subprotocol": "binary" if "binary" in protocols else None,
            }
        )
        await self._carry(row, pipe, receive, send)

    async def _redeem(self, ticket: str) -> ConsoleSession:
        if not origins.same_origin(self.scope):
            raise tickets.Refused("the page comes from another origin")
        token = origins.cookie(self.scope, "JSESSIONID")
        address = origins.client_address(self.scope)
        return await database_sync_to_async(_redeem)(ticket, token, address)

    async def _open(self, row: ConsoleSession) -> socket.socket:
        address = await database_sync_to_async(_where)(row)
        try:
            if row.kind == "serial":
                return await relay.connect("", 0, address.serial_path)
            end = await relay.connect(address.vnc_host, address.vnc_port, "")
            await relay.sign_in(end, address.vnc_password)
            return end
        except OSError:
            await database_sync_to_async(tickets.close)(row.pk)
            raise

    async def _carry(
        self, row: ConsoleSession, pipe: socket.socket, receive: Any, send: Any
    ) -> None:
        carrying = asyncio.ensure_future(self._talk(row, pipe, receive, send))
        watch.watch(row.pk, carrying)
        ended_by = "rights"
        try:
            ended_by = await carrying
        except asyncio.CancelledError:
            log.info("console session %s was ended", row.uuid)
        finally:
            watch.forget(row.pk)
            await database_sync_to_async(tickets.close)(row.pk)
        if ended_by != "browser":
            # 4408: the machine went away, the page tries again; 4403: not allowed any more.
            code = 4408 if ended_by == "machine" else 4403
            await send({"type": "websocket.close", "code": code})

    async def _talk(self, row: ConsoleSession, pipe: socket.socket, receive: Any, send: Any) -> str:
        """Until one side ends; says which. Closes ``pipe``."""
        with pipe:
            try:
                typed = await relay.welcome(receive, send) if row.kind == "vnc" else b""
            except (relay.Gone, OSError) as reason:
                log.info("console not begun by the browser: %s", reason)
                return "browser"
            if carry := self.scope.get("extensions", {}).get(CARRY):
                return await carry(pipe, typed)
            return await relay.carry(pipe, receive, send, typed)


def _redeem(ticket: str, token: str, address: str) -> ConsoleSession:
    caller = sessions.find(token, address)
    if caller is None:
        raise tickets.Refused("nobody is signed in")
    return tickets.redeem(ticket, caller.session, address=address, proxy=PROXY)


def _where(row: ConsoleSession) -> ConsoleAddress:
    """A machine that moved or stopped meanwhile is refused."""
    try:
        host = row.machine.host
        if host is not None and host.link == "remote":
            # Its loopback is not ours: behind the same port here is another machine, or nothing.
            raise tickets.Refused(f"host {host} is elsewhere; a gateway there shows its screens")
        return screens.where(row)
    except (tickets.Refused, AgentError):
        tickets.close(row.pk)
        raise
