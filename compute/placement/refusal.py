"""Why a place was refused: a kind to count by, and the words for it."""

from __future__ import annotations

from typing import NamedTuple


class Refusal(NamedTuple):
    """``kind`` is a short word for summaries: memory, CPU, state, tag, storage, …"""

    kind: str
    words: str
