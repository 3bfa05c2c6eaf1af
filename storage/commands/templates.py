"""Templates."""

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
from storage.responses import template, templatepermission
from storage.services import selection, sharing, templates
from storage.services.places import template_of

_OWNER = "The account that owns it; goes with domainid"


@command(roles=USER, event="TEMPLATE.CREATE", response=template)
def registerTemplate(
    caller: Caller,
    name: Annotated[str, "Name of the template"],
    url: Annotated[str, Length(2048), "Where it is downloaded from: http or https"],
    format: Annotated[str, "QCOW2, RAW, VHD, VHDX or VMDK"],
    hypervisor: Annotated[str, "The hypervisor it runs on"],
    displaytext: Annotated[str, Length(4096), "What it is, in a few words"] = "",
    ostypeid: Annotated[OsType | None, Use, "What runs in it"] = None,
    zoneid: Annotated[str | None, "The zone it is for; -1 or left out: all"] = None,
    zoneids: Annotated[list[Zone] | None, Use, "The zones it is for"] = None,
    account: Annotated[str | None, _OWNER] = None,
    domainid: Annotated[Domain | None, "Domain of the owner"] = None,
    projectid: OfProject = None,
    checksum: Annotated[str, "What it must be: {SHA-256}… or hexadecimal digits"] = "",
    ispublic: Annotated[bool, "Everybody may use it"] = False,
    isfeatured: Annotated[bool, "Shown first to everybody"] = False,
    isextractable: Annotated[bool | None, "It may be downloaded again"] = None,
    isdynamicallyscalable: Annotated[bool | None, "Machines of it may grow while running"] = None,
    passwordenabled: Annotated[bool | None, "Its guests take a password from the cloud"] = None,
    sshkeyenabled: Annotated[bool | None, "Its guests take an SSH key from the cloud"] = None,
    requireshvm: Annotated[bool | None, "It needs hardware virtualisation"] = None,
    arch: Annotated[str, "Processor architecture: x86_64, aarch64"] = "x86_64",
    bits: Annotated[int, "32 or 64"] = 64,
    templatetag: Annotated[str, AdminOnly, "Host tag its machines need"] = "",
    details: Annotated[Details | None, "Further facts, e.g. the disk controller"] = None,
) -> list[dict[str, Any]]:
    """Registers a template by its address; its download begins at once."""
    made = templates.register(
        caller,
        owner_for(caller, account, domainid, projectid),
        kind="TEMPLATE",
        name=name,
        url=url,
        zones=selection.zones(caller, "registerTemplate", zoneid, zoneids),
        display_text=displaytext,
        format=format,
        hypervisor=hypervisor,
        os_type=ostypeid,
        checksum=checksum,
        is_public=ispublic,
        is_featured=isfeatured,
        flags={
            "isextractable": isextractable,
            "isdynamicallyscalable": isdynamicallyscalable,
            "passwordenabled": passwordenabled,
            "sshkeyenabled": sshkeyenabled,
            "requireshvm": requireshvm,
        },
        details=details,
        arch=arch,
        bits=bits,
        tag=templatetag,
    )
    return Cut([template.one(made, caller)], 1)


@command(roles=USER, event="TEMPLATE.UPDATE", response=template)
def updateTemplate(
    caller: Caller,
    id: Annotated[Template, Operate, "The template"],
    name: Annotated[str | None, "New name"] = None,
    displaytext: Annotated[str | None, Length(4096), "New description"] = None,
    ostypeid: Annotated[OsType | None, Use, "What runs in it"] = None,
    isdynamicallyscalable: Annotated[bool | None, "Machines of it may grow while running"] = None,
    passwordenabled: Annotated[bool | None, "Its guests take a password from the cloud"] = None,
    sshkeyenabled: Annotated[bool | None, "Its guests take an SSH key from the cloud"] = None,
    requireshvm: Annotated[bool | None, "It needs hardware virtualisation"] = None,
    arch: Annotated[str | None, "Processor architecture"] = None,
    sortkey: Annotated[int | None, "Its place in lists: higher comes first"] = None,
    templatetag: Annotated[str | None, AdminOnly, "Host tag its machines need"] = None,
    details: Annotated[Details | None, "Facts to add or change"] = None,
    cleanupdetails: Annotated[bool, "Forget all its facts"] = False,
) -> Template:
    """Changes what is said of a template."""
    return templates.update(
        template_of(id, "TEMPLATE"),
        name=name,
        display_text=displaytext,
        os_type=ostypeid,
        flags={
            "isdynamicallyscalable": isdynamicallyscalable,
            "passwordenabled": passwordenabled,
            "sshkeyenabled": sshkeyenabled,
            "requireshvm": requireshvm,
        },
        details=details,
        clean_details=cleanupdetails,
        sort_key=sortkey,
        arch=arch,
        tag=templatetag,
    )


@command(roles=USER, event="TEMPLATE.UPDATE", response=SUCCESS)
def updateTemplatePermissions(
    caller: Caller,
    id: Annotated[Template, Operate, "The template"],
    op: Annotated[str, "add, remove or reset"] = "",
    accounts: Annotated[list[str] | None, "Accounts of the owner's domain"] = None,
    projectids: Annotated[list[Project] | None, Read, "Projects; the caller sees them"] = None,
    ispublic: Annotated[bool | None, "Everybody may use it"] = None,
    isfeatured: Annotated[bool | None, "Shown first to everybody"] = None,
    isextractable: Annotated[bool | None, "It may be downloaded again"] = None,
) -> None:
    """Says who may use a template."""
    sharing.share(
        caller,
        template_of(id, "TEMPLATE"),
        op=op,
        accounts=accounts or (),
        projects=projectids or (),
        is_public=ispublic,
        is_featured=isfeatured,
        is_extractable=isextractable,
    )


@command(roles=USER, response=templatepermission)
def listTemplatePermissions(
    caller: Caller, id: Annotated[Template, Operate, "The template"]
) -> dict[str, Any]:
    """Shows who may use a template."""
    return sharing.permissions(template_of(id, "TEMPLATE"))


@command(roles=USER, event="TEMPLATE.DELETE", response=SUCCESS)
def deleteTemplate(
    caller: Caller,
    id: Annotated[Template, Operate, "The template"],
    forced: Annotated[bool, "Also while machines use it; they go on"] = False,
    zoneid: Annotated[Zone | None, "The zone it is in"] = None,
) -> Plan:
    """Deletes a template; machines that were made of it go on."""
    return templates.delete(template_of(id, "TEMPLATE"), forced=forced)


@command(roles=USER, event="TEMPLATE.COPY", response=template)
def copyTemplate(
    caller: Caller,
    id: Annotated[Template, Operate, "The template"],
    destzoneid: Annotated[Zone | None, Use, "The zone that gets it"] = None,
    destzoneids: Annotated[list[Zone] | None, Use, "The zones that get it"] = None,
    sourcezoneid: Annotated[Zone | None, "The zone it is in"] = None,
) -> Plan:
    """Brings a template to further zones."""
    wanted = [*(destzoneids or ()), *([destzoneid] if destzoneid else ())]
    if not wanted:
        raise InvalidParameter("Give destzoneid or destzoneids: which zones get it.")
    return templates.copy_to_zones(caller, template_of(id, "TEMPLATE"), wanted)


@listing(
    Template,
    response=template,
    keyword=("name", "display_text"),
    order=("-sort_key", "pk"),
    scoped=False,
    tagged=True,
    icons=True,
)
def listTemplates(
    caller: Caller,
    rows: QuerySet,
    templatefilter: Annotated[
        str, "featured, self, selfexecutable, shared, sharedexecutable, executable, community, all"
    ],
    name: Annotated[str | None, Filter("name"), "Only of this name"] = None,
    zoneid: Annotated[Zone | None, "Only those in this zone"] = None,
    hypervisor: Annotated[str | None, "Only for this hypervisor"] = None,
    arch: Annotated[str | None, Filter("arch"), "Only for this architecture"] = None,
    templatetype: Annotated[str | None, Filter("type__iexact"), "Only of this type"] = None,
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
    """Lists templates."""
    return selection.select(
        caller,
        rows,
        templatefilter,
        kind="TEMPLATE",
        account=account,
        domain=domainid,
        recursive=isrecursive,
        list_all=listall,
        project=projectid,
        zone=zoneid,
        hypervisor=hypervisor,
        is_ready=isready,
        category=oscategoryid,
        store=imagestoreid,
        pool=storageid,
    )
