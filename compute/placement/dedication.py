"""Which places are kept for somebody, seen from one machine.

The nearest dedication counts: a host's before its cluster's, that before its pod's and the
zone's. A machine in a dedication's affinity group goes where that dedication is, and nowhere
else; a machine in none goes where nothing is dedicated, save in a zone that is its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q

from compute.models import DedicatedResource
from compute.placement.refusal import Refusal
from compute.placement.wanted import Wanted

_KINDS = ("host", "cluster", "pod")


@dataclass(frozen=True)
class Kept:
    """Keys of dedicated hosts, clusters and pods: ``mine`` for this machine, ``others`` not.
    ``zone`` says whether it may go where nothing nearer is dedicated."""

    mine: dict[str, frozenset[int]] = field(default_factory=dict)
    others: dict[str, frozenset[int]] = field(default_factory=dict)
    zone: bool = True
    wants_dedicated: bool = False

    def allowed(self) -> Q | None:
        """The same as ``refusal`` in SQL, for hosts; None: all of them."""
        if self.zone and not self.others:
            return None
        # Not Q(): joined with "or" it would vanish.
        wanted = Q(pk__isnull=False) if self.zone else Q(pk__in=())
        for kind in reversed(_KINDS):
            path = "pk__in" if kind == "host" else f"{kind}__in"
            if kind in self.others:
                wanted &= ~Q(**{path: self.others[kind]})
            if kind in self.mine:
                wanted |= Q(**{path: self.mine[kind]})
        return wanted

    def refusal(self, host: Any) -> Refusal | None:
        for kind in _KINDS:
            key = host.pk if kind == "host" else getattr(host, f"{kind}_id")
            if key in self.mine.get(kind, ()):
                return None
            if key in self.others.get(kind, ()):
                what = "it" if kind == "host" else f"its {kind}"
                return Refusal("dedication", f"{what} is dedicated, not to this machine")
        if self.zone:
            return None
        if self.wants_dedicated:
            return Refusal("dedication", "it is not dedicated to the machine's affinity group")
        return Refusal("dedication", "its zone is dedicated to somebody else")


def kept(wanted: Wanted) -> Kept:
    """One query, for the few rows of the machine's zone."""
    rows = DedicatedResource.objects.filter(zone=wanted.zone)
    groups = {g.pk for g in wanted.groups if g.is_dedicated}
    zone = not groups
    mine: dict[str, set[int]] = {}
    others: dict[str, set[int]] = {}
    for row in rows:
        kind = next((k for k in _KINDS if getattr(row, f"{k}_id")), None)
        is_mine = row.group_id in groups
        if kind is not None:
            (mine if is_mine else others).setdefault(kind, set()).add(getattr(row, f"{kind}_id"))
        elif groups:
            zone = is_mine
        else:
            zone = wanted.owner is not None and row.is_for(wanted.owner)
    return Kept(_frozen(mine), _frozen(others), zone, bool(groups))


def _frozen(sets: dict[str, set[int]]) -> dict[str, frozenset[int]]:
    return {kind: frozenset(keys) for kind, keys in sets.items()}
