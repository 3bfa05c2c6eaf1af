"""CloudStack's names for what goes over the wire: envelopes, keys and shapes of replies.

The facts are data (``api/data``); commands of our own follow the common rules.
"""

from __future__ import annotations

import functools
import gzip
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from core.commands import COMMANDS
from core.responses import SUCCESS

#: The version of the API that is spoken, as clients compare it.
VERSION = "4.22.0.0"

_DATA = Path(__file__).parent / "data" / "commands.json.gz"


@dataclass(frozen=True, slots=True)
class Shape:
    """``key`` is the object's name in the reply ("" = flat); ``is_list`` replies carry a count;
    ``is_async`` ones a job, with the new thing's id at once when the command ``creates``."""

    envelope: str
    key: str
    is_list: bool
    creates: bool
    is_async: bool = False


def reference() -> dict[str, Any]:
    """The whole reference: ``{"commands": {name: …}, "objects": {name: …}}`` (see the data's
    README). Read anew each time, since only ``shape`` is needed while serving."""
    found: dict[str, Any] = orjson.loads(gzip.decompress(_DATA.read_bytes()))
    return found


#: Named like lists, answered as one thing.
_NOT_LISTS = frozenset({
    "listCapabilities", "listDbMetrics", "listDetailOptions", "listUsageServerMetrics",
})  # fmt: skip
#: Keys that the data lacks, as CloudStack's own pages and libcloud read them.
_KEYS = {
    "listAffinityGroupTypes": "affinityGroupType",
    "listDetailOptions": "detailoptions",
    "listStorageProviders": "dataStoreProvider",
    "scaleVirtualMachine": "virtualmachine",  # though declared to answer success only
}


@functools.cache
def _known() -> dict[str, Shape]:
    return {
        name: Shape(
            entry.get("envelope") or f"{name.lower()}response",
            _KEYS.get(name) or entry.get("key", ""),
            bool(entry.get("list")) or (name.startswith("list") and name not in _NOT_LISTS),
            bool(entry.get("createid")),
            entry["async"],
        )
        for name, entry in reference()["commands"].items()
    }


@functools.lru_cache(maxsize=2048)
def shape(name: str) -> Shape:
    known = _known().get(name)
    if known is not None:
        return known
    command = COMMANDS.get(name)
    response = command.response if command else None
    return Shape(
        f"{name.lower()}response",
        response.name if response is not None and response is not SUCCESS else "",
        bool(command and (command.listing or name.startswith("list"))),
        False,
        bool(command and command.is_async),
    )


def since(name: str) -> dict[str, str]:
    """Since which version a command ("") and its parameters exist, where it is written down."""
    return _since().get(name, {})


@functools.cache
def _since() -> dict[str, dict[str, str]]:
    return {
        name: {
            "": entry.get("since", ""),
            **{p["name"].lower(): p["since"] for p in entry["params"] if p.get("since")},
        }
        for name, entry in reference()["commands"].items()
    }
