"""Hosts elsewhere: their agents dial in over a WebSocket, and calls travel back along it.

Frames are JSON texts. The agent begins with ``hello``; after ``welcome`` the portal sends
``call`` and ``cancel``, the agent ``progress``, ``result``, ``error`` and ``event``::

    {"type": "hello", "version": 1, "token": "…", "facts": {HostFacts}}     first time
    {"type": "hello", "version": 1, "host": "<uuid>", "secret": "…"}        from then on
    {"type": "welcome", "host": "<uuid>", "secret": "…" | null}
    {"type": "refused", "message": "…"}                                     then it hangs up
    {"type": "call", "id": 7, "operation": "…", "argument": {…}, "fences": {…},
     "correlation_id": "…"}
    {"type": "cancel", "id": 7}
    {"type": "progress", "id": 7, "percent": 40.0, "note": "…"}
    {"type": "result", "id": 7, "result": {…}}
    {"type": "error", "id": 7, "error": "NoSuchDomain", "message": "…"}
    {"type": "event", "event": {DomainEvent}}

Values are as ``protocol.to_wire`` writes them. A link lives in the process that the agent is
connected to; calls are made from that process.
"""

from __future__ import annotations

import asyncio
import itertools
import queue
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

from agent import protocol
from agent.protocol import HostUnavailable
from infra.agents import Listener
from infra.models import Host

#: How long beyond an operation's own time its answer may take to arrive.
GRACE_S = 20.0

Send = Callable[[dict[str, Any]], Awaitable[None]]
HangUp = Callable[[], Awaitable[None]]
Answer = tuple[str, Any]


class RemoteLink:
    """One open connection. ``execute`` is called by worker threads, ``receive`` and
    ``hang_up`` by the event loop."""

    def __init__(
        self, name: str, send: Send, hang_up: HangUp, loop: asyncio.AbstractEventLoop
    ) -> None:
        self.name = name
        self._send = send
        self._close = hang_up
        self._loop = loop
        self._numbers = itertools.count(1)
        self._guard = threading.Lock()
        self._waiting: dict[int, queue.SimpleQueue[Answer]] = {}
        self._listeners: list[Listener] = []
        self._open = True

    # -- for callers -------------------------------------------------------------------

    def execute(self, call: protocol.Call, progress: protocol.Progress | None = None) -> Any:
        """As ``agent.execution.Agent.execute``; raises HostUnavailable when the connection
        closes or the time is over."""
        operation = protocol.OPERATIONS[call.operation]
        number = next(self._numbers)
        answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        with self._guard:
            if not self._open:
                raise self._gone()
            self._waiting[number] = answers
        try:
            self._post(
                {
                    "type": "call",
                    "id": number,
                    "operation": call.operation,
                    "argument": protocol.to_wire(call.argument),
                    "fences": dict(call.fences),
                    "correlation_id": call.correlation_id,
                }
            )
            return self._follow(number, operation, answers, progress)
        finally:
            with self._guard:
                self._waiting.pop(number, None)

    def listen(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def close(self) -> None:
        """Hang up from this side (the host was removed); the agent may dial again."""
        self.hang_up()
        asyncio.run_coroutine_threadsafe(_settled(self._close()), self._loop)

    def _follow(
        self,
        number: int,
        operation: protocol.Operation,
        answers: queue.SimpleQueue[Answer],
        progress: protocol.Progress | None,
    ) -> Any:
        """Relay progress until the answer is there. What ``progress`` raises cancels the call,
        which still ends on the host before this returns, unless that takes too long."""
        until = time.monotonic() + operation.timeout_s + GRACE_S
        raised: BaseException | None = None
        while True:
            try:
                kind, value = answers.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                self._post({"type": "cancel", "id": number})
                raise raised or HostUnavailable(
                    f"Host {self.name} did not answer {operation.name} in time."
                ) from None
            if kind == "progress":
                raised = raised or _report(progress, value)
                if raised is not None and until > time.monotonic() + GRACE_S:
                    self._post({"type": "cancel", "id": number})
                    until = time.monotonic() + GRACE_S
                continue
            if raised is not None:
                raise raised
            if kind == "error":
                raise value
            return protocol.from_wire(operation.result, value)

    def _post(self, frame: dict[str, Any]) -> None:
        sending = asyncio.run_coroutine_threadsafe(_settled(self._send(frame)), self._loop)
        try:
            sent = sending.result(GRACE_S)
        except TimeoutError:
            sent = False
        if not sent:
            raise self._gone()

    def _gone(self) -> HostUnavailable:
        return HostUnavailable(f"The agent of host {self.name} hung up.")

    # -- for the connection ------------------------------------------------------------

    def receive(self, frame: dict[str, Any]) -> None:
        """One frame from the agent. Frames nobody waits for (any more) are dropped."""
        kind = frame.get("type")
        if kind == "event":
            event = protocol.from_wire(protocol.DomainEvent, frame["event"])
            for listener in self._listeners:
                listener(event)
            return
        with self._guard:
            answers = self._waiting.get(frame.get("id", 0))
        if answers is None:
            return
        if kind == "progress":
            answers.put(("progress", (float(frame["percent"]), str(frame.get("note", "")))))
        elif kind == "result":
            answers.put(("result", frame["result"]))
        elif kind == "error":
            made = protocol.ERRORS.get(str(frame["error"]), protocol.OperationFailed)
            answers.put(("error", made(str(frame["message"]))))

    def hang_up(self) -> None:
        """The connection is gone: whoever waits is told at once."""
        with self._guard:
            self._open = False
            waiting = list(self._waiting.values())
        for answers in waiting:
            answers.put(("error", self._gone()))


def _report(progress: protocol.Progress | None, value: tuple[float, str]) -> BaseException | None:
    """Tell the caller how far it is; what it raises comes back instead of flying."""
    if progress is None:
        return None
    try:
        progress(*value)
    except BaseException as error:
        return error
    return None


async def _settled(sending: Awaitable[None]) -> bool:
    try:
        await sending
    except Exception:
        return False
    return True


class _Links:
    """The open connections of this process, by host uuid; the newest of a host wins."""

    def __init__(self) -> None:
        self.guard = threading.Lock()
        self.open: dict[str, RemoteLink] = {}


_links = _Links()


def connected(host_uuid: str, link: RemoteLink) -> None:
    with _links.guard:
        older = _links.open.get(host_uuid)
        _links.open[host_uuid] = link
    if older is not None:
        older.hang_up()


def disconnected(host_uuid: str, link: RemoteLink) -> None:
    with _links.guard:
        if _links.open.get(host_uuid) is link:
            del _links.open[host_uuid]
    link.hang_up()


def find(host: Host) -> RemoteLink | None:
    with _links.guard:
        return _links.open.get(str(host.uuid))
