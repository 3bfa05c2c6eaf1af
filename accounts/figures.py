"""What an account's reply shows of contexts above this one (how many machines run)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

#: (account keys) → number for each that has one
Figure = Callable[[Sequence[int]], Mapping[int, int]]
FIGURES: dict[str, Figure] = {}


def figure(field: str) -> Callable[[Figure], Figure]:
    """Registers how a field of the account's reply (``vmrunning``, ``vmstopped``) is counted."""

    def register(function: Figure) -> Figure:
        FIGURES[field] = function
        return function

    return register
