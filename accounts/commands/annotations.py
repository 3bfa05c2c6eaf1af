"""Comments on things of any kind."""

from __future__ import annotations

from typing import Annotated, Literal

from django.db.models import QuerySet

from accounts.caller import Caller
from accounts.models import Annotation, User
from accounts.pinned import types
from accounts.pinned.responses import annotation as annotation_response
from accounts.services import annotations
from core.commands import ADMIN, USER, Filter, Length, Operate, command, listing
from core.errors import InvalidParameter

_KIND = "What it is: VM, VOLUME, NETWORK, HOST, …"


@command(roles=USER, event="ANNOTATION.CREATE", response=annotation_response)
def addAnnotation(
    caller: Caller,
    entitytype: Annotated[str | None, _KIND] = None,
    entityid: Annotated[str | None, "The thing"] = None,
    annotation: Annotated[str, Length(4096), "The comment"] = "",
    # Not AdminOnly: left out unseen, what somebody means to keep from its owner would be shown.
    adminsonly: Annotated[bool, "Only root administrators read it; theirs to say"] = False,
) -> Annotation:
    """Leaves a comment on a thing."""
    if not entitytype or not entityid:
        raise InvalidParameter("Give entitytype and entityid: what the comment is about.")
    kind = types.named(entitytype)
    (row,) = types.things(caller, "addAnnotation", kind, [entityid], parameter="entityid")
    return annotations.add(caller, kind, row, annotation, admins_only=adminsonly)


@command(roles=USER, event="ANNOTATION.REMOVE", response=annotation_response)
def removeAnnotation(
    caller: Caller, id: Annotated[Annotation, Operate, "The comment"]
) -> Annotation:
    """Removes a comment: one's own, or any as an administrator."""
    return annotations.remove(caller, id)


@command(roles=ADMIN, event="ANNOTATION.UPDATE", response=annotation_response)
def updateAnnotationVisibility(
    caller: Caller,
    id: Annotated[Annotation, Operate, "The comment"],
    adminsonly: Annotated[bool, "Whether only root administrators read it"],
) -> Annotation:
    """Says who reads a comment."""
    return annotations.set_visibility(id, admins_only=adminsonly)


@listing(
    Annotation,
    response=annotation_response,
    roles=USER,
    keyword=("text",),
    order=("-pk",),
    scoped=False,
)
def listAnnotations(
    caller: Caller,
    rows: QuerySet,
    entitytype: Annotated[str | None, _KIND] = None,
    entityid: Annotated[str | None, "Only on this thing"] = None,
    userid: Annotated[User | None, Filter("user"), "Only by this user"] = None,
    annotationfilter: Annotated[
        Literal["self", "all"], "self: only by the caller; all: everybody's"
    ] = "all",
) -> QuerySet:
    """Lists comments, the latest first."""
    if annotationfilter == "self":
        rows = rows.filter(user=caller.user)
    if entitytype:
        rows = rows.filter(resource_type=types.named(entitytype).name)
    if entityid:
        wanted = types.uuid_of(entityid)
        if wanted is None:
            raise InvalidParameter(f"“{entityid}” is not the id of anything.")
        rows = rows.filter(resource_uuid=wanted)
    return rows
