"""The decision, made and kept: host capacity and room on pools are taken as it is made."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from compute.models import AffinityGroup
from compute.placement import hosts, pools
from compute.placement.explain import explain
from compute.placement.wanted import Wanted
from core.errors import InsufficientCapacity
from infra.models import Host
from infra.services import capacity
from storage.services import allocation

_AT_ONCE = 5  # hosts read in the first query; the first nearly always does


@dataclass(frozen=True)
class Placement:
    host: Host


def place(wanted: Wanted, *, for_admin: bool) -> Placement:
    """Take room for the machine on the best host and for its new disks on pools near it.

    Runs in the transaction that starts the machine; the caller writes the host on its row.
    Somebody else may take the last room of a host meanwhile: then the next is tried. Raises
    InsufficientCapacity with the table of every host and pool and why it was refused;
    ``for_admin`` says whether it may name them.
    """
    # In group order, so that of two machines to be kept apart one sees where the other went.
    groups = sorted(g.pk for g in wanted.groups)
    if groups:
        list(AffinityGroup.objects.select_for_update().filter(pk__in=groups).order_by("pk"))
    friends = hosts.company(wanted)
    for candidates in hosts.candidates(wanted, friends, _AT_ONCE):
        near = pools.within_reach(wanted, candidates) if wanted.new_disks else []
        for host in candidates:
            if _take(wanted, host, pools.assign(wanted, host, near)):
                return Placement(host)
    raise refused(wanted, for_admin=for_admin)


def _take(wanted: Wanted, host: Host, assignment: pools.Assignment | None) -> bool:
    """All of it or nothing: False when something was taken by somebody else just now."""
    if assignment is None:
        return False
    size = {"cpu_mhz": wanted.cpu_mhz, "memory_mb": wanted.memory_mb, "cores": wanted.vcpus}
    with contextlib.suppress(InsufficientCapacity), contextlib.ExitStack() as undo:
        capacity.reserve(host, **size)
        undo.callback(capacity.release, host, **size)
        # By key, so that two placements lock the pools in one order.
        for index, pool in sorted(assignment.items(), key=lambda pair: pair[1].pk):
            volume = wanted.new_disks[index].volume
            if volume is not None:
                allocation.assign(volume, pool)
                undo.callback(allocation.unassign, volume)
        undo.pop_all()
        return True
    return False


def refused(wanted: Wanted, *, for_admin: bool) -> InsufficientCapacity:
    table = explain(wanted).as_json(for_admin=for_admin)
    return InsufficientCapacity(table["summary"], details=table)
