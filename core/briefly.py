"""Sums over very many rows, made anew only every few seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import Any, TypeVar, cast

T = TypeVar("T")

MANY = 10_000  # rows; of fewer, a sum is always the present one
KEPT_FOR_S = 5.0

_kept: dict[Hashable, tuple[float, Any]] = {}
_guard = threading.Lock()


def kept(key: Hashable, make: Callable[[], tuple[int, T]]) -> T:
    """What ``make`` says (over how many rows, and the sum), for a moment if these are many.

    For figures that inform people and decide nothing. Nobody may change what comes back.
    """
    now = time.monotonic()
    with _guard:
        until, known = _kept.get(key, (0.0, None))
    if now < until:
        return cast(T, known)
    rows, made = make()
    if rows >= MANY:
        with _guard:
            for old in [k for k, (until, _) in _kept.items() if until <= now]:
                del _kept[old]
            _kept[key] = (time.monotonic() + KEPT_FOR_S, made)
    return made


def forget() -> None:
    with _guard:
        _kept.clear()
