"""The agent's side of the line to the portal: it dials out, so a host needs no open port.

Frames are JSON texts::

    hello     {"version", "token", "facts"} the first time, {"version", "host", "secret"} later
    welcome   {"host", "secret"}            secret only the first time; it is kept
    refused   {"message"}                   the portal hangs up
    call      {"id", "operation", "argument", "fences", "correlation_id"}
    cancel    {"id"}
    progress  {"id", "percent", "note"}
    result    {"id", "result"}
    error     {"id", "error", "message"}    error is a name of ``protocol.ERRORS``
    event     {"event"}                     a DomainEvent
"""

from __future__ import annotations

import json
import logging
import os
import random
import ssl
import threading
from pathlib import Path
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from agent import protocol as p
from agent.execution import Agent

log = logging.getLogger("agent.link")

_RETRY_FROM_S, _RETRY_TO_S = 1.0, 30.0
_OPEN_TIMEOUT_S = 10.0
_MAX_FRAME_BYTES = 16 * 2**20


class Refused(Exception):
    """The portal does not know this machine (any more); dialling again will not help."""


class Credentials:
    """Who the portal says this host is, and the secret it proves it with; in a private file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, str] | None:
        if not self._path.exists():
            return None
        found: dict[str, str] = json.loads(self._path.read_text())
        return found

    def keep(self, host: str, secret: str) -> None:
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            json.dump({"host": host, "secret": secret}, file)


class PortalLink:
    """Keeps one connection to the portal and carries out the calls that come along it.

    ``url`` is wss://portal/agent (ws:// only makes sense on a loopback address). ``token`` is
    the one-time enrolment token, needed until the portal has given a secret.
    """

    def __init__(
        self,
        agent: Agent,
        url: str,
        credentials: Credentials,
        token: str = "",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._agent = agent
        self._url = url
        self._credentials = credentials
        self._token = token
        self._tls = tls
        self._stopping = threading.Event()
        self._connection: ClientConnection | None = None
        self._cancelled: set[int] = set()
        agent.listen(self._announce)

    def run(self) -> None:
        """Until ``stop``: dial, serve, dial again ever more slowly. Raises Refused."""
        wait_s = _RETRY_FROM_S
        while not self._stopping.is_set():
            try:
                self._serve_once()
                wait_s = _RETRY_FROM_S
            except (OSError, ConnectionClosed, TimeoutError) as error:
                log.warning("no line to the portal (%s); trying again", error)
            # Spread out, so that a thousand hosts do not return in the same second.
            self._stopping.wait(wait_s * random.uniform(0.5, 1.0))
            wait_s = min(wait_s * 2, _RETRY_TO_S)

    def stop(self) -> None:
        self._stopping.set()
        connection = self._connection
        if connection is not None:
            connection.close()

    def _serve_once(self) -> None:
        with connect(
            self._url,
            ssl=self._tls,
            compression=None,
            open_timeout=_OPEN_TIMEOUT_S,
            max_size=_MAX_FRAME_BYTES,
        ) as connection:
            self._introduce(connection)
            self._connection = connection
            try:
                for message in connection:
                    self._receive(connection, json.loads(message))
            finally:
                self._connection = None

    def _introduce(self, connection: ClientConnection) -> None:
        known = self._credentials.read()
        hello: dict[str, Any] = {"type": "hello", "version": p.VERSION}
        if known is not None:
            hello |= known
        else:
            facts = self._agent.execute(p.Call("host.facts", p.Nothing()))
            hello |= {"token": self._token, "facts": p.to_wire(facts)}
        connection.send(json.dumps(hello))
        answer = json.loads(connection.recv(_OPEN_TIMEOUT_S))
        if answer.get("type") != "welcome":
            raise Refused(str(answer.get("message", "The portal refused this agent.")))
        if answer.get("secret"):
            self._credentials.keep(answer["host"], answer["secret"])

    def _receive(self, connection: ClientConnection, frame: dict[str, Any]) -> None:
        if frame["type"] == "cancel":
            self._cancelled.add(frame["id"])
        elif frame["type"] == "call":
            threading.Thread(
                target=self._carry_out, args=(connection, frame), name="portal-call", daemon=True
            ).start()

    def _carry_out(self, connection: ClientConnection, frame: dict[str, Any]) -> None:
        number = frame["id"]

        def progress(percent: float, note: str = "") -> None:
            if number in self._cancelled:
                raise p.Cancelled("Cancelled by the caller.")
            told = {"type": "progress", "id": number, "percent": percent, "note": note}
            connection.send(json.dumps(told))

        try:
            answer = {"type": "result", "id": number, "result": self._do(frame, progress)}
        except p.AgentError as error:
            name = type(error).__name__
            answer = {"type": "error", "id": number, "error": name, "message": error.message}
        except ConnectionClosed:
            return
        finally:
            self._cancelled.discard(number)
        try:
            connection.send(json.dumps(answer))
        except ConnectionClosed:
            log.warning("%s ended after the line was gone", frame["operation"])

    def _do(self, frame: dict[str, Any], progress: p.Progress) -> Any:
        operation = p.OPERATIONS.get(frame["operation"])
        if operation is None:
            raise p.OperationFailed(f"This host knows no operation {frame['operation']!r}.")
        call = p.Call(
            operation.name,
            p.from_wire(operation.argument, frame["argument"]),
            frame.get("fences", {}),
            frame.get("correlation_id", ""),
        )
        return p.to_wire(self._agent.execute(call, progress))

    def _announce(self, event: p.DomainEvent) -> None:
        """An event that cannot be sent is not missed: the portal asks for everything anew."""
        connection = self._connection
        if connection is None:
            return
        try:
            connection.send(json.dumps({"type": "event", "event": p.to_wire(event)}))
        except ConnectionClosed:
            log.info("an event came while the line was gone")
