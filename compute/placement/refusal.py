"""Why a place was refused: a kind to count by, and the words for it."""

from __future__ import annotations

from collections.abc import Callable


class Refusal:
    """``kind`` is a short word for summaries: memory, CPU, state, tag, storage, …

    The words may be made when they are first read: of 25,000 refusals few are.
    """

    __slots__ = ("_words", "kind")

    def __init__(self, kind: str, words: str | Callable[[], str]) -> None:
        self.kind = kind
        self._words = words

    @property
    def words(self) -> str:
        return self._words if isinstance(self._words, str) else self._words()
