"""A host as a tile of a heat map: how much of it is given away, in ten steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from frontend.states import look


@dataclass(frozen=True)
class Tile:
    id: str
    name: str
    state: str
    tone: str
    step: int  # 0 … 9, by the fuller of CPU and memory
    title: str


def percent(value: Any) -> float:
    try:
        return float(str(value).rstrip("%"))
    except ValueError:
        return 0.0


def tile(host: dict[str, Any]) -> Tile:
    cpu, memory = (
        percent(host.get("cpuallocatedpercentage") or host.get("cpuallocated") or 0),
        percent(host.get("memoryallocatedpercentage") or 0),
    )
    state = look(host.get("state"))
    words = _("%(name)s: %(state)s, CPU %(cpu).0f %%, memory %(memory).0f %%") % {
        "name": host.get("name", ""), "state": state.word, "cpu": cpu, "memory": memory,
    }  # fmt: skip
    return Tile(
        id=str(host["id"]),
        name=str(host.get("name", "")),
        state=str(host.get("state", "")),
        tone=state.tone,
        step=min(9, int(max(cpu, memory) / 10)),
        title=words,
    )
