"""Set-up that says what it does: one line a step, with its time."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator


class Teller:
    """Prints ``· what … 0.3 s``; a step may add a few words with ``say``."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self.began = time.monotonic()
        self._words = ""

    def say(self, words: str) -> None:
        self._words = words

    def line(self, text: str = "") -> None:
        if not self.quiet:
            print(text, flush=True)

    @contextlib.contextmanager
    def step(self, what: str) -> Iterator[Teller]:
        began = time.monotonic()
        if not self.quiet and sys.stdout.isatty():
            print(f"  · {what} …", end="\r", flush=True)
        self._words = ""
        try:
            yield self
        except BaseException:
            self.line(f"  ✗ {what}  failed after {time.monotonic() - began:.1f} s")
            raise
        words = f": {self._words}" if self._words else ""
        self.line(f"  ✓ {what}{words}  {time.monotonic() - began:.1f} s")

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self.began
