"""Hosts that could take a machine, best first, and the reason against each of the others.

The same conditions are written twice: in SQL, so that of 25,000 hosts only those that fit are
read; and in words, for the refusals. A test compares the two on random clouds.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import starmap
from typing import Any, NamedTuple

from django.db.models import Case, F, IntegerField, Q, QuerySet, TextField, Value, When
from django.db.models.functions import Cast, Mod

from compute.models import AffinityGroup, VirtualMachine
from compute.placement import dedication
from compute.placement.dedication import Kept
from compute.placement.headroom import Headroom
from compute.placement.refusal import Refusal
from compute.placement.wanted import Wanted
from core.config import Setting
from infra.models import Host
from infra.services import capacity

ALGORITHM = Setting(
    "vm.allocation.algorithm", "random",
    "Which of the hosts that fit takes a new machine: any (random), the oldest (firstfit), the "
    "one with the most memory free (firstfitleastconsumed), or the one with the fewest machines "
    "of the same account (userdispersing).",
    choices=("random", "firstfit", "firstfitleastconsumed", "userdispersing"),
)  # fmt: skip

_MOST_AT_ONCE = 2000
_PRIME = 1_000_003


@dataclass(frozen=True)
class Company:
    """Where the machines of the wanted affinity groups are (keys of hosts), what is kept for
    others, and which clusters are too full."""

    must_share: frozenset[int] | None = None  # None: no such wish
    must_avoid: frozenset[int] = frozenset()
    likes: frozenset[int] = frozenset()
    dislikes: frozenset[int] = frozenset()
    kept: Kept = field(default_factory=Kept)
    headroom: Headroom | None = None  # of clusters, for the words


def company(wanted: Wanted) -> Company:
    """Reads the groups' members; lock the groups first when the answer is acted upon."""
    groups = [g for g in wanted.groups if not g.is_dedicated]
    kept = dedication.kept(wanted)
    if not groups:
        return Company(kept=kept)
    members = VirtualMachine.objects.filter(affinity_groups__in=groups).exclude(host=None)
    if wanted.machine is not None:
        members = members.exclude(pk=wanted.machine.pk)
    hosts_of: dict[int, set[int]] = {}
    for group_id, host_id in members.values_list("affinity_groups", "host"):
        hosts_of.setdefault(group_id, set()).add(host_id)
    return replace(_company(groups, hosts_of), kept=kept)


def _company(groups: list[AffinityGroup], hosts_of: dict[int, set[int]]) -> Company:
    share: set[int] | None = None
    avoid: set[int] = set()
    likes: set[int] = set()
    dislikes: set[int] = set()
    for group in groups:
        hosts = hosts_of.get(group.pk, set())
        if group.keeps_apart:
            (avoid if group.is_strict else dislikes).update(hosts)
        elif not group.is_strict:
            likes |= hosts
        elif hosts:  # the first of a group goes anywhere
            share = hosts if share is None else share & hosts
    return Company(
        None if share is None else frozenset(share),
        frozenset(avoid), frozenset(likes), frozenset(dislikes),
    )  # fmt: skip


def candidates(wanted: Wanted, friends: Company, at_once: int) -> Iterator[list[Host]]:
    """Hosts that take the machine as far as the host goes, best first, a few at a time."""
    rows = fitting(wanted, friends)
    headroom = Headroom(wanted)
    parts = [rows]
    if _at_random(wanted, friends):
        # From a random key on and round: the database stops at the first few, where a random
        # order of all would have it look at every host.
        last = Host.objects.order_by("-pk").values_list("pk", flat=True).first() or 1
        start = random.randint(1, last)
        parts = [rows.filter(pk__gte=start), rows.filter(pk__lt=start)]
    for part in parts:
        first = 0
        while found := list(part[first : first + at_once]):
            first += at_once
            at_once = min(at_once * 2, _MOST_AT_ONCE)  # few were not enough
            headroom.read(h.cluster_id for h in found)
            fit = [
                h for h in found
                if set(wanted.host_tags) <= set(h.tags) and not headroom.refusal(h.cluster_id)
            ]  # fmt: skip
            if fit:
                yield fit


def _at_random(wanted: Wanted, friends: Company) -> bool:
    has_wishes = wanted.last_host or friends.likes or friends.dislikes
    return ALGORITHM.get() == "random" and not has_wishes


def fitting(wanted: Wanted, friends: Company) -> QuerySet[Host]:
    """Hosts that take the machine as far as the host goes, best first."""
    rows = Host.objects.usable().filter(zone=wanted.zone, hypervisor=wanted.hypervisor)
    rows = rows.filter(
        capacity__cpu_limit_mhz__gte=F("capacity__cpu_used_mhz") + wanted.cpu_mhz,
        capacity__memory_limit_mb__gte=F("capacity__memory_used_mb") + wanted.memory_mb,
        cpus__gte=wanted.vcpus,
    )
    if wanted.arch:
        rows = rows.filter(arch=wanted.arch)
    for chosen in ("host", "cluster", "pod"):
        row = getattr(wanted, chosen)
        if row is not None:
            rows = rows.filter(**{"pk" if chosen == "host" else chosen: row.pk})
    allowed = friends.kept.allowed()
    if allowed is not None:
        rows = rows.filter(allowed)
    if friends.must_share is not None:
        rows = rows.filter(pk__in=friends.must_share)
    if wanted.full_pods:
        rows = rows.exclude(pod__in=wanted.full_pods)
    if wanted.avoid or friends.must_avoid:
        rows = rows.exclude(pk__in=wanted.avoid | friends.must_avoid)
    for disk in wanted.placed_disks:
        rows = rows.filter(_reaches(disk.pool))
    for tag in wanted.host_tags:
        # Coarse (LIKE folds case on some databases): whoever reads the rows checks again.
        rows = rows.annotate(tag_text=Cast("tags", TextField()))
        rows = rows.filter(tag_text__contains=json.dumps(tag))
    return rows.order_by(*_order(wanted, friends))


def _reaches(pool: Any) -> Q:
    """``StoragePool.objects.reachable_from`` seen from the pool."""
    if pool.host_id:
        return Q(pk=pool.host_id)
    return Q(cluster=pool.cluster_id) if pool.cluster_id else Q()


def _order(wanted: Wanted, friends: Company) -> list[Any]:
    order: list[Any] = []
    if wanted.last_host is not None:
        order.append(_first(frozenset({wanted.last_host.pk})))
    if friends.likes:
        order.append(_first(friends.likes))
    if friends.dislikes:
        order.append(_first(friends.dislikes).desc())
    algorithm = ALGORITHM.get()
    if algorithm == "firstfitleastconsumed":
        order.append((F("capacity__memory_limit_mb") - F("capacity__memory_used_mb")).desc())
    elif algorithm == "userdispersing":
        order.append(_machines_of_owner(wanted))
    elif algorithm == "random" and order:
        # Any order will do, but the same one for each piece that is read.
        order.append(Mod(F("pk") * random.randint(1, _PRIME), _PRIME))
    return [*order, "pk"]


def _first(keys: frozenset[int]) -> Case:
    return Case(When(pk__in=keys, then=Value(0)), default=Value(1), output_field=IntegerField())


def _machines_of_owner(wanted: Wanted) -> Any:
    counts: dict[int, int] = {}
    if wanted.machine is not None:
        own = VirtualMachine.objects.filter(account=wanted.machine.account_id).exclude(host=None)
        for host_id in own.values_list("host", flat=True):
            counts[host_id] = counts.get(host_id, 0) + 1
    whens = [When(pk=key, then=Value(n)) for key, n in counts.items()]
    return Case(*whens, default=Value(0), output_field=IntegerField())


class Judged(NamedTuple):
    """What is judged of a host: plain values, because there may be 25,000 of them."""

    pk: int
    name: str
    cluster_id: int
    pod_id: int
    status: str
    resource_state: str
    hypervisor: str
    arch: str
    cpus: int
    cluster_name: str
    cluster_state: str
    managed_state: str
    pod_name: str
    pod_state: str
    zone_state: str
    cpu_limit_mhz: int | None
    cpu_used_mhz: int | None
    memory_limit_mb: int | None
    memory_used_mb: int | None
    tags: Sequence[str] = ()

    def __str__(self) -> str:
        return self.name


_PATHS = (
    "pk", "name", "cluster_id", "pod_id", "status", "resource_state", "hypervisor", "arch", "cpus",
    "cluster__name", "cluster__allocation_state", "cluster__managed_state",
    "pod__name", "pod__allocation_state", "zone__allocation_state", "capacity__cpu_limit_mhz",
    "capacity__cpu_used_mhz", "capacity__memory_limit_mb", "capacity__memory_used_mb",
)  # fmt: skip


def all_of(wanted: Wanted) -> list[Judged]:
    rows = Host.objects.filter(zone=wanted.zone).order_by("pk")
    paths = (*_PATHS, "tags") if wanted.host_tags else _PATHS
    return list(starmap(Judged, rows.values_list(*paths)))


def with_headroom(friends: Company, wanted: Wanted, there: Sequence[Judged]) -> Company:
    """``friends`` and, from all hosts of the zone, which clusters are too full."""
    headroom = Headroom(wanted)
    headroom.count(there)
    return replace(friends, headroom=headroom)


def refusal(host: Judged, wanted: Wanted, friends: Company) -> Refusal | None:
    """Why this host does not take the machine."""
    for check in _CHECKS:
        reason = check(host, wanted, friends)
        if reason:
            return reason
    return None


def _chosen(host: Judged, wanted: Wanted, _: Company) -> Refusal | None:
    if wanted.host is not None and host.pk != wanted.host.pk:
        return Refusal("choice", "another host was chosen")
    if wanted.cluster is not None and host.cluster_id != wanted.cluster.pk:
        return Refusal("choice", "it is not in the chosen cluster")
    if wanted.pod is not None and host.pod_id != wanted.pod.pk:
        return Refusal("choice", "it is not in the chosen pod")
    if host.pod_id in wanted.full_pods:
        return Refusal("addresses", "its pod has no guest address left")
    return Refusal("choice", "it is to be avoided") if host.pk in wanted.avoid else None


def _usable(host: Judged, _: Wanted, __: Company) -> Refusal | None:
    if host.status != "Up":
        return Refusal("state", f"it is {host.status}")
    if host.resource_state != "Enabled":
        return Refusal("state", f"it is in {host.resource_state}")
    if host.cluster_state != "Enabled":
        return Refusal("state", "its cluster is disabled")
    if host.managed_state != "Managed":
        return Refusal("state", f"its cluster is {host.managed_state}")
    if host.pod_state != "Enabled":
        return Refusal("state", "its pod is disabled")
    if host.zone_state != "Enabled":
        return Refusal("state", "its zone is disabled")
    return None


def _kind(host: Judged, wanted: Wanted, _: Company) -> Refusal | None:
    if host.hypervisor != wanted.hypervisor:
        return Refusal("hypervisor", f"it runs {host.hypervisor}, not {wanted.hypervisor}")
    if wanted.arch and host.arch != wanted.arch:
        return Refusal("hypervisor", f"its processor is {host.arch}, not {wanted.arch}")
    return None


def _dedicated(host: Judged, _: Wanted, friends: Company) -> Refusal | None:
    return friends.kept.refusal(host)


def _tags(host: Judged, wanted: Wanted, _: Company) -> Refusal | None:
    missing = sorted(set(wanted.host_tags) - set(host.tags))
    return Refusal("tag", f"it lacks the tag {', '.join(missing)}") if missing else None


def _room(host: Judged, wanted: Wanted, _: Company) -> Refusal | None:
    if wanted.vcpus > host.cpus:
        return Refusal("CPU", f"it has {host.cpus} CPUs and the machine wants {wanted.vcpus}")
    if host.cpu_limit_mhz is None:
        return Refusal("state", capacity.refusal(None, cpu_mhz=0, memory_mb=0))
    if host.cpu_limit_mhz < host.cpu_used_mhz + wanted.cpu_mhz:
        return Refusal(
            "CPU", lambda: capacity.refusal(host, cpu_mhz=wanted.cpu_mhz, memory_mb=0)
        )
    if host.memory_limit_mb < host.memory_used_mb + wanted.memory_mb:
        return Refusal(
            "memory", lambda: capacity.refusal(host, cpu_mhz=0, memory_mb=wanted.memory_mb)
        )
    return None


def _cluster(host: Judged, _: Wanted, friends: Company) -> Refusal | None:
    return friends.headroom.refusal(host.cluster_id) if friends.headroom else None


def _friends(host: Judged, _: Wanted, friends: Company) -> Refusal | None:
    if friends.must_share is not None and host.pk not in friends.must_share:
        return Refusal("affinity", "the machines of its affinity group are on another host")
    if host.pk in friends.must_avoid:
        return Refusal("affinity", "a machine of its anti-affinity group is there")
    return None


def _storage(host: Judged, wanted: Wanted, _: Company) -> Refusal | None:
    for disk in wanted.placed_disks:
        pool = disk.pool
        if pool.host_id and pool.host_id != host.pk:
            return Refusal("storage", f"{disk.label} is on local storage of another host ({pool})")
        if not pool.host_id and pool.cluster_id and pool.cluster_id != host.cluster_id:
            return Refusal("storage", f"{disk.label} is on storage of another cluster ({pool})")
    return None


_CHECKS = (_chosen, _usable, _kind, _dedicated, _tags, _room, _cluster, _friends, _storage)
