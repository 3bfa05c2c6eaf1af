"""Leave for machines elsewhere to join, given by an administrator."""

from __future__ import annotations

from typing import Annotated

from django.db.models import QuerySet

from accounts.caller import Caller
from core.commands import ADMIN, Filter, Operate, Shown, Use, command, listing
from core.responses import SUCCESS
from infra.models import Cluster, HostEnrolment
from infra.responses import hostenrolment
from infra.services import enrolment


@command(roles=ADMIN, event="HOST.ENROLMENT.CREATE", response=hostenrolment)
def createHostEnrolment(
    caller: Caller,
    clusterid: Annotated[Cluster, Use, "The cluster the new host joins"],
    name: Annotated[str, "Name of the host; else the machine's own"] = "",
    hosttags: Annotated[list[str] | None, "Tags that offerings may ask for"] = None,
) -> Shown:
    """Makes the one-time token with which a machine's agent joins as a host."""
    made, token = enrolment.create(caller, clusterid, name=name, tags=hosttags or [])
    return Shown(made, {"token": token})


@command(roles=ADMIN, event="HOST.ENROLMENT.DELETE", response=SUCCESS)
def deleteHostEnrolment(
    caller: Caller, id: Annotated[HostEnrolment, Operate, "The enrolment to take back"]
) -> None:
    """Takes a token back that was not used yet."""
    id.remove()


@listing(HostEnrolment, response=hostenrolment, roles=ADMIN)
def listHostEnrolments(
    caller: Caller,
    rows: QuerySet,
    clusterid: Annotated[Cluster | None, Filter("cluster"), "Only of this cluster"] = None,
) -> QuerySet:
    """Lists tokens that were given out."""
    return rows
