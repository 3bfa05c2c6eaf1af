"""HTTP on a fixed pool of threads: nobody may take them all."""

import asyncio

from cloudportal import bridge
from cloudportal.bridge import WsgiPool

SCOPE = {
    "type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": [],
    "http_version": "1.1", "server": ("localhost", 80), "client": ("127.0.0.1", 1),
}  # fmt: skip


class Streamed(list):
    streaming = True


def app(body):
    def run(environ, start_response):
        start_response("200 OK", [])
        return body

    return run


async def answered(pool, send):
    async def receive():
        return {"type": "http.request", "body": b""}

    await pool(SCOPE, receive, send)


def test_slow_readers_of_a_streamed_answer_leave_the_threads_to_others():
    """One thread; somebody who never reads; and still the next is answered."""
    pool = WsgiPool(app(Streamed([b"a" * 1000] * 100)), threads=1)
    got = []

    async def never(message):
        await asyncio.sleep(3600)

    async def reads(message):
        got.append(message.get("body", b""))

    async def both():
        slow = asyncio.create_task(answered(pool, never))
        await asyncio.sleep(0.2)
        await asyncio.wait_for(answered(pool, reads), 5)
        slow.cancel()

    asyncio.run(both())
    assert len(b"".join(got)) == 100_000


def test_a_long_answer_is_streamed_whole(monkeypatch):
    monkeypatch.setattr(bridge, "HELD_BYTES", 2500)
    got = []

    async def reads(message):
        got.append(message)

    asyncio.run(answered(WsgiPool(app(Streamed([b"b" * 1000] * 10)), threads=1), reads))
    assert b"".join(m.get("body", b"") for m in got) == b"b" * 10_000
    assert [m["type"] for m in got].count("http.response.start") == 1
