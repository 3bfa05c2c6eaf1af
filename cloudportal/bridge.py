"""HTTP on a fixed pool of threads, inside an ASGI server.

Django's own ASGI handler gives each synchronous view a fresh thread and with it a fresh
database connection. Here the same Django runs as WSGI in threads that stay, each with its
connection; only sockets are asynchronous. `bench/http` has the figures.
"""

from __future__ import annotations

import asyncio
import io
import itertools
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

#: Bodies larger than this are refused before they are read (user data is 1 MiB at most).
MAX_BODY_BYTES = 4 * 2**20
#: A streamed answer is held up to here, and its thread is free again: eight slow readers could
#: else take all threads of the portal. Of a longer one the thread waits, so long and no longer.
HELD_BYTES = 16 * 2**20
LONGEST_STREAM_S = 300.0


class WsgiPool:
    """An ASGI application for ``http`` scopes that runs a WSGI one in ``threads`` threads."""

    def __init__(self, wsgi: Callable[..., Iterable[bytes]], threads: int = 8) -> None:
        self.wsgi = wsgi
        self.pool = ThreadPoolExecutor(threads, thread_name_prefix="http")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _body(receive)
        if body is None:
            await _answer(send, 413, [(b"content-type", b"text/plain")], b"Request too large.\n")
            return
        loop = asyncio.get_running_loop()
        environ = _environ(scope, body)

        def send_now(message: dict[str, Any]) -> None:
            asyncio.run_coroutine_threadsafe(send(message), loop).result(30)

        answer = await loop.run_in_executor(self.pool, self._run, environ, send_now)
        if answer is not None:
            await _answer(send, *answer)

    def _run(
        self, environ: dict[str, Any], send_now: Callable[[dict[str, Any]], None]
    ) -> tuple[int, list[tuple[bytes, bytes]], bytes] | None:
        """In a pool thread: the whole answer, or None when it was streamed from here."""
        started: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], _: Any = None) -> None:
            raw = [(k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in headers]
            started.extend((int(status[:3]), raw))

        result = self.wsgi(environ, start_response)
        try:
            if not getattr(result, "streaming", True):
                return started[0], started[1], b"".join(result)
            chunks = iter(result)
            head = _held(chunks)
            if len(head) < HELD_BYTES:
                return started[0], started[1], head
            _stream(started, head, chunks, send_now)
            return None
        finally:
            close = getattr(result, "close", None)
            if close:
                close()


def _held(chunks: Iterator[bytes]) -> bytes:
    head = bytearray()
    for chunk in chunks:
        head += chunk
        if len(head) >= HELD_BYTES:
            break
    return bytes(head)


def _stream(
    started: list[Any],
    head: bytes,
    chunks: Iterator[bytes],
    send_now: Callable[[dict[str, Any]], None],
) -> None:
    until = time.monotonic() + LONGEST_STREAM_S
    send_now(_start(*started))
    for chunk in itertools.chain([head], chunks):
        if time.monotonic() > until:
            raise TimeoutError("the reader of a streamed answer is too slow")
        send_now({"type": "http.response.body", "body": chunk, "more_body": True})
    send_now({"type": "http.response.body", "body": b""})


async def _body(receive: Receive) -> io.BytesIO | None:
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        part = message.get("body", b"")
        size += len(part)
        if size > MAX_BODY_BYTES:
            return None
        parts.append(part)
        if not message.get("more_body"):
            return io.BytesIO(b"".join(parts))


def _start(status: int, headers: list[tuple[bytes, bytes]]) -> dict[str, Any]:
    return {"type": "http.response.start", "status": status, "headers": headers}


async def _answer(
    send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes
) -> None:
    await send(_start(status, headers))
    await send({"type": "http.response.body", "body": body})


def _environ(scope: Scope, body: io.BytesIO) -> dict[str, Any]:
    """PEP 3333's dictionary from an ASGI scope."""
    server = scope.get("server") or ("localhost", 80)
    client = scope.get("client") or ("", 0)
    environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"].encode("utf-8").decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1] or 80),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": client[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    environ["CONTENT_LENGTH"] = str(body.getbuffer().nbytes)
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if name == "content-type":
            environ["CONTENT_TYPE"] = value
        elif name == "content-length" or "_" in name:
            continue  # a name with an underscore could pass for another (X_Real_IP)
        else:
            key = f"HTTP_{name.upper().replace('-', '_')}"
            joiner = "; " if key == "HTTP_COOKIE" else ","
            environ[key] = f"{environ[key]}{joiner}{value}" if key in environ else value
    return environ
