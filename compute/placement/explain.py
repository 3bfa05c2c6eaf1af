"""Every host and pool considered, and why each was or was not fit: the dry run, and the table
in a refusal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from compute.placement import hosts, pools
from compute.placement.hosts import Judged
from compute.placement.refusal import Refusal
from compute.placement.wanted import Wanted
from core.units import size
from infra.models import Host
from storage.models import StoragePool

_LONGEST = 200  # rows of either table in an answer; the counts cover all


@dataclass(frozen=True, slots=True)
class Verdict:
    """``refusal`` None: this place would do."""

    place: Judged | StoragePool
    refusal: Refusal | None
    disk: str = ""


@dataclass
class Table:
    wanted: Wanted
    hosts: list[Verdict] = field(default_factory=list)
    pools: list[Verdict] = field(default_factory=list)

    @property
    def fitting(self) -> list[Judged]:
        return [v.place for v in self.hosts if v.refusal is None]

    @property
    def possible(self) -> bool:
        return bool(self.fitting)

    def reasons(self) -> list[tuple[str, int]]:
        """How many hosts were refused for what, most frequent first."""
        return Counter(v.refusal.kind for v in self.hosts if v.refusal).most_common()

    def sentence(self) -> str:
        total = len(self.hosts)
        refused = total - len(self.fitting)
        counted = ", ".join(f"{n} {kind}" for kind, n in self.reasons())
        if self.possible and refused:
            return f"Fits on {len(self.fitting)} of {total} hosts; {refused} refused: {counted}."
        if self.possible:
            return f"Fits on {len(self.fitting)} of {total} hosts."
        if not total:
            return f"Zone {self.wanted.zone} has no hosts."
        if total == 1:
            only = self.hosts[0]
            return f"No host can take this machine: {only.place} does not, {only.refusal.words}."
        return (
            f"None of the {total} hosts of zone {self.wanted.zone} can take this machine: "
            f"{counted}.{self._nearest()}"
        )

    def _nearest(self) -> str:
        """The most that a usable host has free, when it is room that is missing."""
        short = [v.place for v in self.hosts if v.refusal and v.refusal.kind == "memory"]
        if not short:
            return ""
        free = max(h.memory_limit_mb - h.memory_used_mb for h in short)
        wanted = size(self.wanted.memory_mb * 2**20)
        return f" {wanted} of memory are wanted; the most free is {size(max(free, 0) * 2**20)}."

    def as_json(self, *, for_admin: bool) -> dict[str, Any]:
        """The whole for administrators; counts without names for tenants."""
        counts = {
            "possible": self.possible,
            "summary": self.sentence() if for_admin else self._discreet(),
            "hostcount": len(self.hosts),
            "fittinghostcount": len(self.fitting),
            "reason": [{"name": kind, "count": n} for kind, n in self.reasons()],
        }
        if not for_admin:
            return counts
        shown = self.hosts[:_LONGEST]
        keys = [v.place.pk for v in shown]
        uuids = dict(Host.objects.filter(pk__in=keys).values_list("pk", "uuid"))
        return {
            **counts,
            "host": [_host_row(v, uuids[v.place.pk]) for v in shown],
            "pool": [_pool_row(v) for v in self.pools[:_LONGEST]],
        }

    def _discreet(self) -> str:
        if self.possible:
            return "There is room for this machine."
        reasons = ", ".join(kind for kind, _ in self.reasons())
        return f"There is no room for this machine now ({reasons or 'no hosts'})."


def explain(wanted: Wanted) -> Table:
    """Judges all hosts of the zone and the pools near them; takes nothing.

    Three queries, however many hosts.
    """
    friends = hosts.company(wanted)
    table = Table(wanted)
    there = hosts.all_of(wanted)
    friends = hosts.with_headroom(friends, wanted, there)
    judged = [(host, hosts.refusal(host, wanted, friends)) for host in there]
    near = pools.all_of(wanted) if wanted.new_disks else []
    takes_disks = _by_place(wanted, near)
    for host, refusal in judged:
        if refusal is None and not takes_disks(host):
            refusal = Refusal("storage", "no storage it reaches takes all the disks")
        table.hosts.append(Verdict(host, refusal))
    for disk in wanted.new_disks:
        for pool in near:
            table.pools.append(Verdict(pool, pools.refusal(wanted, disk, pool), disk.label))
    return table


def _by_place(wanted: Wanted, near: list[StoragePool]) -> Callable[[Judged], bool]:
    """Whether a host reaches pools for all the disks; found once for the hosts of a cluster
    that have no pool of their own."""
    by_host: dict[int, list[StoragePool]] = {}
    by_cluster: dict[int | None, list[StoragePool]] = {}
    for pool in near:
        if pool.host_id:
            by_host.setdefault(pool.host_id, []).append(pool)
        else:
            by_cluster.setdefault(pool.cluster_id, []).append(pool)
    known: dict[int, bool] = {}

    def takes(host: Judged) -> bool:
        shared = [*by_cluster.get(host.cluster_id, ()), *by_cluster.get(None, ())]
        own = by_host.get(host.pk)
        if own:
            return pools.assign(wanted, host, [*own, *shared]) is not None
        if host.cluster_id not in known:
            known[host.cluster_id] = pools.assign(wanted, host, shared) is not None
        return known[host.cluster_id]

    return takes


def _host_row(verdict: Verdict, uuid: UUID) -> dict[str, Any]:
    host = verdict.place
    row = {
        "id": str(uuid),
        "name": host.name,
        "clustername": host.cluster_name,
        "podname": host.pod_name,
        "fits": verdict.refusal is None,
    }
    return {**row, **_why(verdict)}


def _pool_row(verdict: Verdict) -> dict[str, Any]:
    pool = verdict.place
    row = {
        "id": str(pool.uuid), "name": pool.name, "disk": verdict.disk,
        "fits": verdict.refusal is None,
    }  # fmt: skip
    return {**row, **_why(verdict)}


def _why(verdict: Verdict) -> dict[str, str]:
    if verdict.refusal is None:
        return {}
    return {"reason": verdict.refusal.kind, "refused": verdict.refusal.words}
