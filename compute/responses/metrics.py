"""Machines with what was measured of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from compute.responses.machines import stat_facts, virtualmachine
from core.responses import Field, Response, computed, many


def _mib(name: str) -> Any:
    def show(found: dict[str, Any]) -> str | None:
        return f"{found[name] / 1024:.2f} MiB" if name in found else None

    return stat_facts.part(show)


machinemetrics = replace(
    virtualmachine,
    fields=(
        *virtualmachine.fields,
        computed(
            "cputotal",
            ("vcpus", "cpu_speed_mhz"),
            lambda cpus, mhz: f"{cpus * mhz / 1000:.1f} GHz",
        ),
        computed("memorytotal", ("memory_mb",), lambda mb: f"{mb / 1024:.2f} GiB"),
        many("networkread", _mib("networkkbsread"), kind="string"),
        many("networkwrite", _mib("networkkbswrite"), kind="string"),
        many("diskread", _mib("diskkbsread"), kind="string"),
        many("diskwrite", _mib("diskkbswrite"), kind="string"),
        many(
            "diskiopstotal",
            stat_facts.part(lambda f: f["diskioread"] + f["diskiowrite"]),
            kind="long",
        ),
    ),
)

usagehistory = Response(
    "virtualmachine", None, (Field("id"), Field("displayname"), Field("stats", "list"))
)
