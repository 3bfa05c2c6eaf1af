"""What simulated hosts are told to do on purpose: be slow, fail, be away, answer otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from core.config import Scope, Setting
from core.errors import InvalidParameter, NoSuchObject, ResourceUnavailable
from infra.models import Cluster, Host, Pod, Zone

PACE = Setting(
    "simulator.pace", 0.0,
    "How slow simulated hosts are: 1 takes as long as real ones, 0 does everything at once.",
    scopes=(Scope.GLOBAL, Scope.ZONE), minimum=0.0, maximum=10.0,
)  # fmt: skip


class Mock(Protocol):
    """As the simulator keeps it; ``left`` is how often it still happens, -1 for always."""

    id: int
    name: str
    place: str
    value: str
    left: int


class Mocks(Protocol):
    def add(
        self, name: str, value: str, *, place: str = "", count: int = -1, reply: str = ""
    ) -> Any: ...
    def all(self) -> Sequence[Any]: ...
    def remove(self, number: int) -> bool: ...


class _Plugged:
    mocks: Any = None


def use(mocks: Any) -> None:
    """What finds the mocks of this process's simulator; None unplugs it."""
    _Plugged.mocks = mocks


def _mocks() -> Mocks:
    if _Plugged.mocks is None:
        raise ResourceUnavailable("This process runs no simulator, so there is nothing to mock.")
    return _Plugged.mocks()


def configure(
    name: str,
    value: str,
    *,
    zone: Zone | None,
    pod: Pod | None,
    cluster: Cluster | None,
    host: Host | None,
    count: int | None,
    reply: str,
) -> Mapping[str, Any]:
    """A mock for the narrowest of the places given. Raises InvalidParameter with the reason."""
    place = host or cluster or pod or zone
    if host is not None and host.link != "simulated":
        raise InvalidParameter(f"Host {host} is a real one; it does nothing on purpose.")
    if count is not None and count < 1:
        raise InvalidParameter("count is how often it happens: 1 or more, or left out.")
    try:
        mock = _mocks().add(
            name, value, place=str(place.uuid) if place else "", count=count or -1, reply=reply
        )
    except ValueError as error:
        raise InvalidParameter(f"This is no mock: {error}.") from None
    return record(mock)


def find(number: int | None) -> Mapping[str, Any]:
    """The mock of this number, or the newest. Raises NoSuchObject."""
    found = [m for m in _mocks().all() if number in (None, m.id)]
    if not found:
        raise NoSuchObject("querySimulatorMock", "id", str(number or ""))
    return record(found[-1])


def clean_up(number: int | None) -> None:
    """Take this mock away, or all of them. Raises NoSuchObject."""
    mocks = _mocks()
    found = [m.id for m in mocks.all() if number in (None, m.id)]
    if number is not None and not found:
        raise NoSuchObject("cleanupSimulatorMock", "id", str(number))
    for key in found:
        mocks.remove(key)


def holding_for(place: Zone | Host) -> list[Mapping[str, Any]]:
    """The mocks that hold for this host, or somewhere in this zone; none without a simulator."""
    found = _Plugged.mocks().all() if _Plugged.mocks is not None else []
    here = _around(place) if isinstance(place, Host) else _within(place, {m.place for m in found})
    return [record(m) for m in found if not m.place or m.place in here]


def _around(host: Host) -> set[str]:
    return {str(place.uuid) for place in (host, host.cluster, host.pod, host.zone) if place}


def _within(zone: Zone, wanted: set[str]) -> set[str]:
    """Those of the wanted places that are in the zone."""
    proper = wanted - {""}
    found = {str(zone.uuid)}
    for model in (Pod, Cluster, Host):
        rows = model._base_manager.filter(uuid__in=proper, zone=zone)
        found |= set(map(str, rows.values_list("uuid", flat=True)))
    return found


_PLACES = {"zoneid": Zone, "podid": Pod, "clusterid": Cluster, "hostid": Host}


def record(mock: Mock) -> Mapping[str, Any]:
    shown: dict[str, Any] = {"id": mock.id, "name": mock.name, "value": mock.value}
    if mock.left >= 0:
        shown["count"] = mock.left
    for field, model in _PLACES.items():
        if mock.place and model._base_manager.filter(uuid=mock.place).exists():
            shown[field] = mock.place
    return shown
