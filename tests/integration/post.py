"""A mail server on the loopback that keeps what it is given."""

from __future__ import annotations

import email
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiosmtpd.controller import Controller

from tests.integration.directory import free_port


class Sink:
    def __init__(self) -> None:
        self.taken: list[Any] = []
        self.refuses = False

    async def handle_DATA(self, server, session, envelope):  # noqa: ANN001, ANN201, N802
        if self.refuses:
            return "451 Try again later"
        self.taken.append(envelope)
        return "250 OK"

    def text(self, number: int = 0, *, within_s: float = 0) -> str:
        """What a letter says, once it has come."""
        end = time.monotonic() + within_s
        while len(self.taken) <= number:
            assert time.monotonic() < end, "no letter came"
            time.sleep(0.2)
        content = email.message_from_bytes(self.taken[number].content)
        return content.get_payload(decode=True).decode()


@contextmanager
def post_office(**options: Any) -> Iterator[tuple[Sink, int]]:
    """The sink and the port it is at. ``options`` are aiosmtpd's."""
    sink, port = Sink(), free_port()
    controller = Controller(sink, hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        yield sink, port
    finally:
        controller.stop()
