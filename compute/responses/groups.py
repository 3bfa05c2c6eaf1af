"""Instance groups and affinity groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from accounts.owners import owner
from accounts.pinned import responses as pinned
from compute.models import AffinityGroup, InstanceGroup
from core.responses import Response, date, many, text

instancegroup = Response(
    "instancegroup",
    InstanceGroup,
    (
        text("id", "uuid"),
        text("name"),
        date("created"),
        pinned.comments(InstanceGroup),
        *owner(),
    ),
)

_affinity = (
    text("id", "uuid"),
    text("name"),
    text("description"),
    text("type"),
    *owner(),
)

#: As a machine shows the groups it is in.
affinitygroup_of_machine = Response("affinitygroup", AffinityGroup, _affinity)


def _machines(keys: Sequence[int], caller: Any) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    pairs = AffinityGroup.objects.filter(pk__in=keys, machines__removed=None)
    for key, uuid in pairs.values_list("pk", "machines__uuid"):
        if uuid:
            found.setdefault(key, []).append(str(uuid))
    return found


affinitygroup = Response(
    "affinitygroup",
    AffinityGroup,
    (*_affinity, many("virtualmachineIds", _machines, kind="list")),
)

affinitygrouptype = Response("affinitygrouptype", None, (text("type"),))
