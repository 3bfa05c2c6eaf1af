"""ISOs: images that machines have in their CD drive. Attaching them is ``compute``'s."""

from __future__ import annotations

from typing import Annotated, Any

from django.db.models import QuerySet

from accounts.caller import Caller
from accounts.models import Domain, Project
from accounts.services.scoping import OfProject, owner_for
from core.commands import (
    USER,
    AdminOnly,
    Details,
    Filter,
    Length,
    Operate,
    Read,
    Use,
    Uuid,
    command,
    listing,
)
from core.errors import InvalidParameter
from core.responses import SUCCESS, Cut
from core.steps import Plan
from infra.models import OsCategory, OsType, Zone
from storage.models import ImageStore, StoragePool, Template
from storage.responses import iso, isopermission
from storage.services import selection, sharing, templates
from storage.services.places import template_of


@command(roles=USER, event="ISO.CREATE", response=iso)
def registerIso(
    caller: Caller,
    name: Annotated[str, "Name of the ISO"],
    url: Annotated[str, Length(2048), "Where it is downloaded from: http or https"],
    zoneid: Annotated[str, "The zone it is for; -1 for all"],
    displaytext: Annotated[str, Length(4096), "What it is, in a few words"] = "",
    ostypeid: Annotated[OsType | None, Use, "What it installs or runs"] = None,
    account: Annotated[str | None, "The account that owns it; goes with domainid"] = None,
    domainid: Annotated[Domain | None, "Domain of the owner"] = None,
    projectid: OfProject = None,
    checksum: Annotated[str, "What it must be: {SHA-256}… or hexadecimal digits"] = "",
    bootable: Annotated[bool, "Machines can start from it"] = True,
    ispublic: Annotated[bool, "Everybody may use it"] = False,
    isfeatured: Annotated[bool, "Shown first to everybody"] = False,
    isextractable: Annotated[bool | None, "It may be downloaded again"] = None,
    isdynamicallyscalable: Annotated[bool | None, "Machines of it may grow while running"] = None,
    passwordenabled: Annotated[bool | None, "Its guests take a password from the cloud"] = None,
    arch: Annotated[str, "Processor architecture: x86_64, aarch64"] = "x86_64",
) -> list[dict[str, Any]]:
    """Registers an ISO by its address; its download begins at once."""
    if bootable and ostypeid is None:
        raise InvalidParameter("Say with ostypeid what a bootable ISO installs or runs.")
    made = templates.register(
        caller,
        owner_for(caller, account, domainid, projectid),
        kind="ISO",
        name=name,
        url=url,
        zones=selection.zones(caller, "registerIso", zoneid, None),
        display_text=displaytext,
        os_type=ostypeid,
        checksum=checksum,
        is_public=ispublic,
        is_featured=isfeatured,
        flags={
            "bootable": bootable,
            "isextractable": isextractable,
            "isdynamicallyscalable": isdynamicallyscalable,
            "passwordenabled": passwordenabled,
        },
        arch=arch,
    )
    return Cut([iso.one(made, caller)], 1)


@command(roles=USER, event="ISO.UPDATE", response=iso)
def updateIso(
    caller: Caller,
    id: Annotated[Template, Operate, "The ISO"],
    name: Annotated[str | None, "New name"] = None,
    displaytext: Annotated[str | None, Length(4096), "New description"] = None,
    ostypeid: Annotated[OsType | None, Use, "What it installs or runs"] = None,
    bootable: Annotated[bool | None, "Machines can start from it"] = None,
    isdynamicallyscalable: Annotated[bool | None, "Machines of it may grow while running"] = None,
    passwordenabled: Annotated[bool | None, "Its guests take a password from the cloud"] = None,
    arch: Annotated[str | None, "Processor architecture"] = None,
    sortkey: Annotated[int | None, "Its place in lists: higher comes first"] = None,
    details: Annotated[Details | None, "Facts to add or change"] = None,
    cleanupdetails: Annotated[bool, "Forget all its facts"] = False,
) -> Template:
    """Changes what is said of an ISO."""
    return templates.update(
        template_of(id, "ISO"),
        name=name,
        display_text=displaytext,
        os_type=ostypeid,
        flags={
            "bootable": bootable,
            "isdynamicallyscalable": isdynamicallyscalable,
            "passwordenabled": passwordenabled,
        },
        details=details,
        clean_details=cleanupdetails,
        sort_key=sortkey,
        arch=arch,
    )


@command(roles=USER, event="ISO.UPDATE", response=SUCCESS)
def updateIsoPermissions(
    caller: Caller,
    id: Annotated[Template, Operate, "The ISO"],
    op: Annotated[str, "add, remove or reset"] = "",
    accounts: Annotated[list[str] | None, "Accounts of the owner's domain"] = None,
    projectids: Annotated[list[Project] | None, Read, "Projects; the caller sees them"] = None,
    ispublic: Annotated[bool | None, "Everybody may use it"] = None,
    isfeatured: Annotated[bool | None, "Shown first to everybody"] = None,
    isextractable: Annotated[bool | None, "It may be downloaded again"] = None,
) -> None:
    """Says who may use an ISO."""
    sharing.share(
        caller,
        template_of(id, "ISO"),
        op=op,
        accounts=accounts or (),
        projects=projectids or (),
        is_public=ispublic,
        is_featured=isfeatured,
        is_extractable=isextractable,
    )


@command(roles=USER, response=isopermission)
def listIsoPermissions(
    caller: Caller, id: Annotated[Template, Operate, "The ISO"]
) -> dict[str, Any]:
    """Shows who may use an ISO."""
    return sharing.permissions(template_of(id, "ISO"))


@command(roles=USER, event="ISO.DELETE", response=SUCCESS)
def deleteIso(
    caller: Caller,
    id: Annotated[Template, Operate, "The ISO"],
    zoneid: Annotated[Zone | None, "The zone it is in"] = None,
) -> Plan:
    """Deletes an ISO that no machine has in its drive."""
    return templates.delete(template_of(id, "ISO"))


@command(roles=USER, event="ISO.COPY", response=iso)
def copyIso(
    caller: Caller,
    id: Annotated[Template, Operate, "The ISO"],
    destzoneid: Annotated[Zone | None, Use, "The zone that gets it"] = None,
    destzoneids: Annotated[list[Zone] | None, Use, "The zones that get it"] = None,
    sourcezoneid: Annotated[Zone | None, "The zone it is in"] = None,
) -> Plan:
    """Brings an ISO to further zones."""
    wanted = [*(destzoneids or ()), *([destzoneid] if destzoneid else ())]
    if not wanted:
        raise InvalidParameter("Give destzoneid or destzoneids: which zones get it.")
    return templates.copy_to_zones(caller, template_of(id, "ISO"), wanted)


@listing(
    Template,
    response=iso,
    keyword=("name", "display_text"),
    order=("-sort_key", "pk"),
    scoped=False,
    tagged=True,
    icons=True,
)
def listIsos(
    caller: Caller,
    rows: QuerySet,
    isofilter: Annotated[
        str, "featured, self, selfexecutable, shared, sharedexecutable, executable, community, all"
    ] = "selfexecutable",
    name: Annotated[str | None, Filter("name"), "Only of this name"] = None,
    zoneid: Annotated[Zone | None, "Only those in this zone"] = None,
    bootable: Annotated[bool | None, Filter("bootable"), "Only (not) bootable ones"] = None,
    ispublic: Annotated[bool | None, Filter("is_public"), "Only (not) public ones"] = None,
    arch: Annotated[str | None, Filter("arch"), "Only for this architecture"] = None,
    isready: Annotated[bool | None, "Only those that are (not) ready"] = None,
    oscategoryid: Annotated[OsCategory | None, "Only of this kind of system"] = None,
    account: Annotated[str | None, "Only of this account; goes with domainid"] = None,
    domainid: Annotated[Domain | None, "Only of this domain"] = None,
    isrecursive: Annotated[bool, "With domainid: its subdomains as well"] = False,
    listall: Annotated[bool, "All that the caller rules, not only its own"] = False,
    projectid: Annotated[Uuid | None, "Only of this project; -1 for all"] = None,
    imagestoreid: Annotated[ImageStore | None, AdminOnly, "Only those in this store"] = None,
    storageid: Annotated[StoragePool | None, AdminOnly, "Only those on this pool"] = None,
) -> QuerySet:
    """Lists ISOs."""
    return selection.select(
        caller,
        rows,
        isofilter,
        kind="ISO",
        account=account,
        domain=domainid,
        recursive=isrecursive,
        list_all=listall,
        project=projectid,
        zone=zoneid,
        is_ready=isready,
        category=oscategoryid,
        store=imagestoreid,
        pool=storageid,
    )
