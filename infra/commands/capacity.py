"""What there is, and what of it is given away."""

from __future__ import annotations

from typing import Annotated, Literal

from accounts.caller import Caller
from core.commands import RESOURCE_ADMIN, Read, command
from core.responses import Cut
from infra.models import Cluster, Pod, Zone
from infra.responses import capacity
from infra.services import capacities, pages


@command(roles=RESOURCE_ADMIN, response=capacity)
def listCapacity(
    caller: Caller,
    zoneid: Annotated[Zone | None, Read, "Only in this zone"] = None,
    podid: Annotated[Pod | None, Read, "Only in this pod"] = None,
    clusterid: Annotated[Cluster | None, Read, "Only in this cluster"] = None,
    type: Annotated[int | None, "Only this kind: 0 memory, 1 CPU, 2 storage used, 3 given"] = None,
    sortby: Annotated[
        Literal["Usage"] | None, "Usage: clusters one by one, the fullest first"
    ] = None,
    fetchlatest: Annotated[bool, "Taken for clients' sake: sums are always the latest"] = False,
    keyword: Annotated[str, "Only kinds with this in their name"] = "",
    page: Annotated[int | None, "Which page, from 1; goes with pagesize"] = None,
    pagesize: Annotated[int | None, "Records in a page"] = None,
) -> Cut:
    """Lists capacities by zone, or by pod or cluster when one is named."""
    if not caller.is_root_admin:
        return Cut([], 0)
    level, where = "zone", {}
    for word, row in (("zone", zoneid), ("pod", podid), ("cluster", clusterid)):
        if row is not None:
            level, where[word] = word, row.pk
    if sortby:
        level = "cluster"
    found = [a for a in capacities.amounts(level, where) if type in (None, a.type)]
    if sortby:
        found.sort(key=lambda amount: -amount.percent)
    return pages.cut(capacities.records(found), keyword=keyword, page=page, pagesize=pagesize)
