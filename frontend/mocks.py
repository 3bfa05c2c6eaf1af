"""What simulated hosts of a zone, or one of them, are told to do on purpose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from infra.models import Host, Zone
from infra.services import simulator

if TYPE_CHECKING:
    from frontend.reader import Reader
    from frontend.sections.base import Record, Section

#: The place of a mock, the narrowest first: its field, the list it is in, its pages.
_WHERE = (
    ("hostid", "listHosts", "hosts"), ("clusterid", "listClusters", "clusters"),
    ("podid", "listPods", "pods"), ("zoneid", "listZones", "zones"),
)  # fmt: skip


def simulates(record: Record) -> bool:
    """Whether this zone has simulated hosts, or this host is one."""
    if "hypervisor" in record:
        return record["hypervisor"] == "Simulator"
    return Host.objects.filter(zone__uuid=record["id"], link="simulated").exists()


def tab(reader: Reader, section: Section, record: Record) -> Mapping[str, Any]:
    """Mocks that hold for the host, or somewhere in the zone."""
    model = Zone if section.key == "zones" else Host
    query = {"from": section.key, "of": str(record["id"]), "stay": "1"}
    ends = reader.may("cleanupSimulatorMock")
    lines = [
        {
            **mock,
            **_place(reader, mock),
            "end": f"/do/cleanupSimulatorMock?{urlencode({**query, 'id': mock['id']})}"
            if ends else "",
        }
        for mock in simulator.holding_for(model.objects.get(uuid=record["id"]))
    ]  # fmt: skip
    return {"mocks": lines, "add": f"/do/configureSimulator?{urlencode(query)}"}


def _place(reader: Reader, mock: Record) -> dict[str, str]:
    for field, command, key in _WHERE:
        if field in mock:
            found = reader.run(command, {"id": mock[field]}).records or [{}]
            return {"place": str(found[0].get("name", "")), "place_url": f"/{key}/{mock[field]}"}
    return {}
