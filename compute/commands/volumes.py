"""Volumes where machines come into it: made, attached, resized, snapshotted, listed."""

from __future__ import annotations

from typing import Annotated

from django.db.models import Q, QuerySet

from accounts.caller import Caller
from accounts.models import Domain
from accounts.pinned.types import named
from accounts.services import tags as tagging
from accounts.services.scoping import OfProject, own_uuid, owner_for
from compute.models import ServiceOffering, SystemVm, VirtualMachine
from compute.responses import virtualmachine
from compute.responses.volumes import volume as volume_response
from compute.services import templates, volumes
from core.columns import Keys
from core.commands import (
    USER,
    AdminOnly,
    Between,
    Details,
    Filter,
    Length,
    Map,
    Operate,
    Use,
    command,
    listing,
)
from core.errors import InvalidParameter
from core.steps import Plan
from infra.models import Cluster, Host, OsType, Pod, Zone
from storage.models import DiskOffering, Snapshot, StoragePool, Template, Volume
from storage.responses import snapshot as snapshot_response
from storage.responses import template as template_response
from storage.services import volumes as storage


@command(roles=USER, event="VOLUME.CREATE", response=volume_response)
def createVolume(
    caller: Caller,
    name: Annotated[str, "Name of the volume"] = "",
    diskofferingid: Annotated[DiskOffering | None, Use, "What kind of disk"] = None,
    snapshotid: Annotated[Snapshot | None, Use, "A snapshot to make it from"] = None,
    zoneid: Annotated[Zone | None, Use, "The zone it is in"] = None,
    size: Annotated[int | None, Between(1), "GiB, when the offering leaves it open"] = None,
    miniops: Annotated[int | None, Between(0), "Least operations a second"] = None,
    maxiops: Annotated[int | None, Between(0), "Most operations a second"] = None,
    virtualmachineid: Annotated[VirtualMachine | None, Operate, "Attach it to this one"] = None,
    account: Annotated[str | None, "The account that owns it; goes with domainid"] = None,
    domainid: Annotated[Domain | None, "The owner's domain"] = None,
    projectid: OfProject = None,
    displayvolume: Annotated[bool, AdminOnly, "Show it to its owner"] = True,
    customid: Annotated[str | None, AdminOnly, "A uuid of one's own choice"] = None,
) -> Plan:
    """Creates a data volume, empty or from a snapshot."""
    vm = virtualmachineid
    if vm is not None and not account and projectid is None:
        owner = vm.account
    else:
        owner = owner_for(caller, account, domainid, projectid)
    made = storage.create(
        owner,
        name=name.strip(),
        zone=zoneid or (vm.zone if vm else None),
        offering=diskofferingid,
        size_gb=size,
        snapshot=snapshotid,
        min_iops=miniops,
        max_iops=maxiops,
        display=displayvolume,
        uuid=own_uuid(customid, "customid") if customid else None,
        host=vm.host if vm else None,
    )
    return volumes.create(caller, made, vm, from_snapshot=snapshotid is not None)


@command(roles=USER, event="VOLUME.ATTACH", response=volume_response)
def attachVolume(
    caller: Caller,
    id: Annotated[Volume, Operate, "The volume"],
    virtualmachineid: Annotated[VirtualMachine, Operate, "The virtual machine"],
    deviceid: Annotated[int | None, Between(0, 23), "Its place in the guest"] = None,
) -> Plan:
    """Attaches a volume to a virtual machine, running or stopped."""
    return volumes.attach(id, virtualmachineid, deviceid)


@command(roles=USER, event="VOLUME.DETACH", response=volume_response)
def detachVolume(
    caller: Caller,
    id: Annotated[Volume | None, Operate, "The volume"] = None,
    virtualmachineid: Annotated[VirtualMachine | None, Operate, "Or the virtual machine"] = None,
    deviceid: Annotated[int | None, Between(0, 23), "and the volume's place in it"] = None,
) -> Plan:
    """Detaches a volume from its virtual machine."""
    return volumes.detach(volumes.attached(id, virtualmachineid, deviceid))


@command(roles=USER, event="VOLUME.RESIZE", response=volume_response)
def resizeVolume(
    caller: Caller,
    id: Annotated[Volume, Operate, "The volume"],
    size: Annotated[int | None, Between(1), "Its new size in GiB"] = None,
    diskofferingid: Annotated[DiskOffering | None, Use, "Its new offering"] = None,
    shrinkok: Annotated[bool, "Cut its end off if that is what it takes"] = False,
) -> Plan:
    """Gives a volume another size; a running guest sees it at once."""
    return volumes.resize(id, size_gb=size, offering=diskofferingid, shrink_ok=shrinkok)


@command(roles=USER, event="SNAPSHOT.CREATE", response=snapshot_response)
def createSnapshot(
    caller: Caller,
    volumeid: Annotated[Volume, Operate, "The volume"],
    name: Annotated[str, "Name of the snapshot"] = "",
    quiescevm: Annotated[bool, "Have the guest write everything down first"] = False,
    tags: Annotated[Map | None, "Tags to give it"] = None,
    account: Annotated[str | None, "The volume's account; goes with domainid"] = None,
    domainid: Annotated[Domain | None, "That account's domain"] = None,
) -> Plan:
    """Takes a snapshot of a volume, of a running guest too. It belongs to whom the volume does."""
    if account and owner_for(caller, account, domainid) != volumeid.account:
        raise InvalidParameter(
            f"Volume {volumeid} is not of account {account}; its snapshots belong to "
            f"{volumeid.account.name}."
        )
    plan = volumes.snapshot(volumeid, name=name.strip(), quiesce=quiescevm)
    if tags:
        tagging.create(caller, named("Snapshot"), [plan.subject], tags)
    return plan


@command(roles=USER, event="SNAPSHOT.REVERT", response=snapshot_response)
def revertSnapshot(
    caller: Caller, id: Annotated[Snapshot, Operate, "The snapshot"]
) -> Plan:
    """Puts a volume back to what it was; its machine must be off."""
    return volumes.revert(id)


@command(roles=USER, event="TEMPLATE.CREATE", response=template_response)
def createTemplate(
    caller: Caller,
    name: Annotated[str, "Name of the template"],
    ostypeid: Annotated[OsType, "The system in it"],
    displaytext: Annotated[str, Length(4096), "What a person choosing it should read"] = "",
    snapshotid: Annotated[Snapshot | None, Operate, "The snapshot it is made of"] = None,
    volumeid: Annotated[Volume | None, Operate, "Or the volume of a stopped machine"] = None,
    ispublic: Annotated[bool, "Everybody may use it"] = False,
    isfeatured: Annotated[bool, "Shown first to everybody"] = False,
    passwordenabled: Annotated[bool | None, "It takes passwords from the portal"] = None,
    sshkeyenabled: Annotated[bool | None, "It takes SSH keys from the portal"] = None,
    isdynamicallyscalable: Annotated[bool | None, "It may grow while it runs"] = None,
    requireshvm: Annotated[bool | None, "It needs hardware virtualisation"] = None,
    bits: Annotated[int, Between(32, 64), "32 or 64"] = 64,
    details: Annotated[Details | None, "Further details"] = None,
    templatetag: Annotated[str, AdminOnly, "Host tag its machines need"] = "",
    account: Annotated[str | None, "The account that owns it; goes with domainid"] = None,
    domainid: Annotated[Domain | None, "The owner's domain"] = None,
    projectid: OfProject = None,
) -> Plan:
    """Makes a template of a snapshot, or of a volume whose machine is off."""
    source = snapshotid or volumeid
    if source is None:
        raise InvalidParameter("Give snapshotid or volumeid: what the template is made of.")
    owner = source.account
    if account or projectid:
        owner = owner_for(caller, account, domainid, projectid)
    return templates.create(
        caller,
        owner,
        name=name.strip(),
        snapshot=snapshotid,
        volume=volumeid,
        display_text=displaytext,
        os_type=ostypeid,
        is_public=ispublic,
        is_featured=isfeatured,
        flags={
            "password_enabled": passwordenabled,
            "ssh_key_enabled": sshkeyenabled,
            "is_dynamically_scalable": isdynamicallyscalable,
            "requires_hvm": requireshvm,
        },
        details=details or {},
        bits=bits,
        tag=templatetag,
    )


@command(roles=USER, event="ISO.ATTACH", response=virtualmachine)
def attachIso(
    caller: Caller,
    id: Annotated[Template, Use, "The ISO"],
    virtualmachineid: Annotated[VirtualMachine, Operate, "The virtual machine"],
    forced: Annotated[bool, "Instead of the one in its drive"] = False,
) -> Plan:
    """Lays an ISO in the drive of a virtual machine."""
    return volumes.attach_iso(virtualmachineid, id, forced=forced)


@command(roles=USER, event="ISO.DETACH", response=virtualmachine)
def detachIso(
    caller: Caller,
    virtualmachineid: Annotated[VirtualMachine, Operate, "The virtual machine"],
    forced: Annotated[bool, "Accepted; the drive is always opened"] = False,
) -> Plan:
    """Takes the ISO out of the drive of a virtual machine."""
    return volumes.detach_iso(virtualmachineid)


@listing(Volume, response=volume_response, keyword=("name",), tagged=True)
def listVolumes(
    caller: Caller,
    rows: QuerySet,
    name: Annotated[str | None, Filter("name"), "Only of this name"] = None,
    state: Annotated[str | None, Filter("state__iexact"), "Only in this state"] = None,
    type: Annotated[str | None, Filter("type__iexact"), "ROOT or DATADISK"] = None,
    zoneid: Annotated[Zone | None, Filter("zone"), "Only in this zone"] = None,
    virtualmachineid: Annotated[
        VirtualMachine | None, Filter("attachment__machine"), "Only in this machine"
    ] = None,
    diskofferingid: Annotated[
        DiskOffering | None, Filter("disk_offering"), "Only of this offering"
    ] = None,
    serviceofferingid: Annotated[
        ServiceOffering | None, "Only root disks of machines of this offering"
    ] = None,
    storageid: Annotated[
        StoragePool | None, AdminOnly, Filter("pool"), "Only on this pool"
    ] = None,
    hostid: Annotated[
        Host | None, AdminOnly, Filter("attachment__machine__host"), "Only in use on this host"
    ] = None,
    podid: Annotated[Pod | None, AdminOnly, Filter("pool__pod"), "Only in this pod"] = None,
    clusterid: Annotated[
        Cluster | None, AdminOnly, Filter("pool__cluster"), "Only in this cluster"
    ] = None,
    displayvolume: Annotated[bool | None, AdminOnly, "Only shown, or hidden, ones"] = None,
    listsystemvms: Annotated[bool, AdminOnly, "Those of system VMs too"] = False,
) -> QuerySet:
    """Lists volumes."""
    if caller.is_root_admin and not listsystemvms:
        rows = _without_system_vms(rows)
    if serviceofferingid is not None:
        rows = rows.filter(
            type="ROOT", attachment__machine__service_offering=serviceofferingid
        )
    if displayvolume is not None:
        rows = rows.filter(display=displayvolume)
    elif not caller.is_root_admin:
        rows = rows.filter(Q(display=True))
    return rows


def _without_system_vms(rows: QuerySet) -> QuerySet:
    """There are few of these, and a whole table is listed quicker than one with exceptions."""
    owned = SystemVm.objects.exclude(volume=None)
    keys = Keys(owned.values_list("volume", flat=True))
    return rows.exclude(pk__in=keys) if keys else rows
