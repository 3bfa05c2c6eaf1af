"""Where the agents of other machines dial in (the frames are in ``infra.remote``)."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer

from core.errors import CloudError
from infra import remote
from infra.services import enrolment

log = logging.getLogger(__name__)

HELLO_WITHIN_S = 10
#: WebSocket close codes of ours: 4401 not recognised, 4400 not our language.
NOT_RECOGNISED, NOT_UNDERSTOOD = 4401, 4400


class AgentConsumer(AsyncWebsocketConsumer):
    """One agent. Nothing is written, and nothing answered, before it has shown who it is."""

    link: remote.RemoteLink | None = None
    host_uuid = ""
    _impatience: asyncio.TimerHandle | None = None

    async def connect(self) -> None:
        # A browser never speaks this; one that is led here by another site is turned away.
        if any(name == b"origin" for name, _ in self.scope["headers"]):
            await self.close()
            return
        await self.accept()
        loop = asyncio.get_running_loop()
        self._impatience = loop.call_later(
            HELLO_WITHIN_S, lambda: loop.create_task(self.close(NOT_RECOGNISED))
        )

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        try:
            frame = json.loads(text_data or "")
            if not isinstance(frame, dict):
                raise ValueError("a frame is an object")
            if self.link is None:
                await self._hello(frame)
            else:
                self.link.receive(frame)
        except (ValueError, KeyError, TypeError) as error:
            log.warning("agent %s: bad frame: %s", self.host_uuid or "(unknown)", error)
            await self.close(NOT_UNDERSTOOD)

    async def disconnect(self, code: int) -> None:
        if self._impatience is not None:
            self._impatience.cancel()
        if self.link is not None:
            remote.disconnected(self.host_uuid, self.link)

    async def _hello(self, frame: dict[str, Any]) -> None:
        if frame.get("type") != "hello" or self.host_uuid:
            raise ValueError("an agent begins with one hello")
        self.host_uuid = "(asking)"
        try:
            host, secret = await database_sync_to_async(enrolment.hello)(frame)
        except CloudError as error:
            await self._say({"type": "refused", "message": error.message})
            await self.close(NOT_RECOGNISED)
            return
        if self._impatience is not None:
            self._impatience.cancel()
        self.host_uuid = str(host.uuid)
        self.link = remote.RemoteLink(host.name, self._say, self.close, asyncio.get_running_loop())
        await self._say({"type": "welcome", "host": self.host_uuid, "secret": secret})
        remote.connected(self.host_uuid, self.link)

    async def _say(self, frame: dict[str, Any]) -> None:
        await self.send(text_data=json.dumps(frame))
