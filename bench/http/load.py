"""So many clients that ask, wait for the whole answer, and ask again; over bare sockets, so
that the clients cost little of the machine they share with the server."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass
class Result:
    """``times_ms`` of every answered call, ``seconds`` that the whole took."""

    times_ms: list[float]
    seconds: float
    failed: int = 0

    @property
    def per_second(self) -> float:
        return len(self.times_ms) / self.seconds

    def quantile(self, part: float) -> float:
        ordered = sorted(self.times_ms)
        return ordered[min(int(len(ordered) * part), len(ordered) - 1)]


def request(path: str, headers: dict[str, str] | None = None) -> bytes:
    lines = [f"GET {path} HTTP/1.1", "Host: portal", "Connection: keep-alive"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class Client(asyncio.Protocol):
    """Asks as long as there is ``more`` to ask."""

    def __init__(
        self, ask: Callable[[], bytes], result: Result, more: Callable[[], bool]
    ) -> None:
        self.ask, self.result, self.more = ask, result, more
        self.done = asyncio.get_running_loop().create_future()
        self.buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self._send()

    def _send(self) -> None:
        if not self.more():
            self.transport.close()
            return
        self.began = time.perf_counter()
        self.transport.write(self.ask())

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        at = self.buffer.lower().find(b"content-length:", 0, end)
        length = int(self.buffer[at + 15 : self.buffer.find(b"\r\n", at)])
        if len(self.buffer) < end + 4 + length:
            return
        if self.buffer.startswith(b"HTTP/1.1 200"):
            self.result.times_ms.append((time.perf_counter() - self.began) * 1000)
        else:
            self.result.failed += 1
        self.buffer.clear()
        self._send()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


async def _run(
    host: str, port: int, requests: Sequence[bytes], clients: int,
    more: Callable[[Result], bool],
) -> Result:  # fmt: skip
    loop = asyncio.get_running_loop()
    result = Result([], 0)
    numbers = itertools.count()

    def ask() -> bytes:
        return requests[next(numbers) % len(requests)]

    began = time.perf_counter()
    made = [
        await loop.create_connection(
            lambda: Client(ask, result, lambda: more(result)), host, port
        )
        for _ in range(clients)
    ]
    await asyncio.gather(*(client.done for _, client in made))
    result.seconds = time.perf_counter() - began
    return result


def run(
    host: str, port: int, requests: Sequence[bytes], *, clients: int, seconds: float
) -> Result:
    """Calls in turn from ``requests``, by ``clients`` at once."""
    until = time.perf_counter() + seconds
    return asyncio.run(
        _run(host, port, requests, clients, lambda _: time.perf_counter() < until)
    )


def count(host: str, port: int, request: bytes, *, calls: int) -> Result:
    """So many calls, one after the other, after two that warm up what is behind them."""
    for wanted in (2, calls):
        result = asyncio.run(
            _run(host, port, [request], 1, lambda r, n=wanted: len(r.times_ms) + r.failed < n)
        )
    return result
