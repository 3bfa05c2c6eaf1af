"""Machines with what was measured of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from compute.responses.machines import stat_facts, virtualmachine
from compute.responses.volumes import volume
from compute.services.disk_samples import figures, latest
from core.responses import Field, Response, computed, many, several
from core.units import GIB


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



def _disk_facts(keys: Sequence[int], caller: Any) -> Mapping[int, dict[str, Any]]:
    return {key: figures(sample) for key, sample in latest(keys).items()}


volumemetrics = replace(
    volume,
    fields=(
        *volume.fields,
        computed("sizegb", ("size_bytes",), lambda size: f"{size / GIB:.2f} GB"),
        several(
            _disk_facts,
            *(
                Field(name, "long")
                for name in (
                    "diskioread", "diskiowrite", "diskiopstotal", "diskkbsread", "diskkbswrite",
                )
            ),
        ),
    ),
)  # fmt: skip

usagehistory = Response(
    "virtualmachine", None,
    (Field("id"), Field("name"), Field("displayname"), Field("stats", "list")),
)  # fmt: skip
volumeusagehistory = Response(
    "volume", None, (Field("id"), Field("name"), Field("stats", "list"))
)
