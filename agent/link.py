"""The line from a host to its portal: one WebSocket that the host dials and keeps open.

The frames are JSON texts, described where the portal reads them (``infra/remote.py``): the
agent says ``hello`` (with a one-time token the first time, with its own credential after),
hears ``welcome`` or ``refused``, then ``call`` and ``cancel``, and answers with ``progress``,
``result``, ``error`` and ``event``. Calls that run when the line breaks go on to their end:
each is harmless to repeat, and the portal asks again.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import random
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from agent import protocol as p
from agent.execution import Agent
from agent.tasks import Task

log = logging.getLogger("agent.link")

WORKERS = 32
WELCOME_WITHIN_S = 20.0
# A stopped portal closes the line; a cut cable does not, but two missed pings do.
PING_EVERY_S = 15.0
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 30.0
MOST_FRAME_BYTES = 32 * 2**20


class Refused(Exception):
    """The portal does not know this host; trying again changes nothing."""


@dataclass(frozen=True, slots=True)
class Credential:
    host: str
    secret: str


class CredentialFile:
    """Who this host is to its portal; readable by the agent's user only."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Credential | None:
        try:
            found = json.loads(self._path.read_text())
            return Credential(str(found["host"]), str(found["secret"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, credential: Credential) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "w") as file:
            file.write(json.dumps(asdict(credential)))
        fresh.replace(self._path)


class Link:
    """``run`` dials, serves, and dials again until it is cancelled or the portal refuses."""

    def __init__(
        self,
        agent: Agent,
        url: str,
        credentials: CredentialFile,
        *,
        token: str = "",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._agent = agent
        self._url = url
        self._credentials = credentials
        self._token = token
        self._tls = tls
        self._pool = ThreadPoolExecutor(WORKERS, "agent-call")
        self._line: _Line | None = None
        self._running: set[Task] = set()

    async def run(self) -> None:
        """Raises Refused when the portal will have nothing of this host."""
        loop = asyncio.get_running_loop()

        def heard(event: p.DomainEvent) -> None:
            loop.call_soon_threadsafe(self._on_event, event)

        self._agent.listen(heard)
        try:
            await self._keep_dialling()
        finally:
            for task in list(self._running):
                task.stop(p.HostUnavailable("The agent is being stopped."))
            self._pool.shutdown(wait=False, cancel_futures=True)

    async def _keep_dialling(self) -> None:
        wait = FIRST_WAIT_S
        while True:
            began = time.monotonic()
            try:
                await self._serve_once()
            except (OSError, ConnectionClosed, InvalidHandshake, TimeoutError) as error:
                log.warning("no line to %s: %s", self._url, error or type(error).__name__)
            except InvalidURI as error:
                raise Refused(f"{self._url} is not the address of a portal.") from error
            if time.monotonic() - began > LONGEST_WAIT_S:
                wait = FIRST_WAIT_S
            await asyncio.sleep(wait * random.uniform(0.5, 1.0))
            wait = min(LONGEST_WAIT_S, wait * 2)

    async def _serve_once(self) -> None:
        async with connect(
            self._url,
            ssl=self._tls,
            proxy=None,
            max_size=MOST_FRAME_BYTES,
            ping_interval=PING_EVERY_S,
            ping_timeout=PING_EVERY_S,
        ) as socket:
            await self._introduce(socket)
            log.info("connected to %s", self._url)
            self._line = _Line(socket, self._agent, self._pool, self._running)
            try:
                # The portal may have missed events while there was no line.
                self._on_event(p.DomainEvent("", "PowerUnknown", "resync", at=time.time()))
                await self._line.serve()
            finally:
                self._line.closed()
                self._line = None

    async def _introduce(self, socket: ClientConnection) -> None:
        known = self._credentials.read()
        hello: dict[str, Any] = {"type": "hello", "version": p.VERSION}
        if known is not None:
            hello |= asdict(known)
        elif self._token:
            call = p.Call("host.facts", p.Nothing())
            facts = await asyncio.to_thread(self._agent.execute, call)
            hello |= {"token": self._token, "facts": p.to_wire(facts)}
        else:
            raise Refused("This host has no credential yet; start it with an enrolment token.")
        await socket.send(json.dumps(hello))
        async with asyncio.timeout(WELCOME_WITHIN_S):
            answer = json.loads(await socket.recv())
        if answer.get("type") != "welcome":
            raise Refused(str(answer.get("message", "The portal did not say why.")))
        if answer.get("secret"):
            self._credentials.write(Credential(str(answer["host"]), str(answer["secret"])))

    def _on_event(self, event: p.DomainEvent) -> None:
        if self._line is not None:
            self._line.say({"type": "event", "event": p.to_wire(event)})


class _Line:
    """One open connection: calls come in, answers go out in the order they arise."""

    def __init__(
        self,
        socket: ClientConnection,
        agent: Agent,
        pool: ThreadPoolExecutor,
        running: set[Task],
    ) -> None:
        self._socket = socket
        self._agent = agent
        self._pool = pool
        self._running = running
        self._loop = asyncio.get_running_loop()
        self._outgoing: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._tasks: dict[int, Task] = {}
        self._open = True

    def say(self, frame: dict[str, Any]) -> None:
        if self._open:
            self._outgoing.put_nowait(frame)

    def closed(self) -> None:
        self._open = False

    async def serve(self) -> None:
        sender = asyncio.create_task(self._send_all())
        try:
            async for text in self._socket:
                self._receive(json.loads(text))
        except (ValueError, KeyError, TypeError) as error:
            log.warning("the portal sent what is no frame: %s", error)
        finally:
            sender.cancel()

    async def _send_all(self) -> None:
        try:
            while True:
                await self._socket.send(json.dumps(await self._outgoing.get()))
        except ConnectionClosed:
            pass  # ``serve`` ends by the same.

    def _receive(self, frame: dict[str, Any]) -> None:
        kind = frame.get("type")
        if kind == "call":
            self._pool.submit(self._execute, int(frame["id"]), frame)
        elif kind == "cancel":
            task = self._tasks.get(int(frame["id"]))
            if task is not None:
                task.stop()

    # -- in a thread of the pool -------------------------------------------------------

    def _execute(self, number: int, frame: dict[str, Any]) -> None:
        try:
            result = self._agent.execute(
                _read_call(frame),
                lambda percent, note="": self._answer(
                    number, {"type": "progress", "percent": percent, "note": note}
                ),
                lambda task: self._began(number, task),
            )
            self._answer(number, {"type": "result", "result": p.to_wire(result)})
        except p.AgentError as error:
            said = {"type": "error", "error": type(error).__name__, "message": error.message}
            self._answer(number, said)
        except Exception as error:
            log.exception("call %s failed", frame.get("operation"))
            said = {"type": "error", "error": "OperationFailed", "message": str(error)}
            self._answer(number, said)
        finally:
            ended = self._tasks.pop(number, None)
            if ended is not None:
                self._running.discard(ended)

    def _began(self, number: int, task: Task) -> None:
        self._tasks[number] = task
        self._running.add(task)

    def _answer(self, number: int, frame: dict[str, Any]) -> None:
        if self._open:
            self._loop.call_soon_threadsafe(self.say, {"id": number, **frame})


def _read_call(frame: dict[str, Any]) -> p.Call:
    """Raises OperationFailed for an operation this agent does not know."""
    operation = p.OPERATIONS.get(str(frame["operation"]))
    if operation is None:
        raise p.OperationFailed(f"This host knows no operation {frame['operation']!r}; update it.")
    try:
        argument: Any = p.from_wire(operation.argument, frame.get("argument") or {})
    except (TypeError, ValueError, AttributeError) as error:
        raise p.OperationFailed(f"The argument of {operation.name} is not one: {error}") from error
    fences = {str(k): int(v) for k, v in dict(frame.get("fences") or {}).items()}
    return p.Call(operation.name, argument, fences, str(frame.get("correlation_id", "")))
