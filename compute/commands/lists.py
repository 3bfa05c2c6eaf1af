"""Machines, listed by everything one may look for, and what was measured of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from django.db.models import Exists, OuterRef, QuerySet

from accounts.caller import Caller
from accounts.models import User
from compute.models import (
    AffinityGroup,
    InstanceGroup,
    Nic,
    SecurityGroup,
    ServiceOffering,
    SshKeyPair,
    UserData,
    VirtualMachine,
    VolumeAttachment,
)
from compute.responses import virtualmachine
from compute.responses.machines import GROUPS, UNASKED
from compute.responses.metrics import machinemetrics, usagehistory
from compute.services import samples
from compute.services.machines import may_see_destroyed
from compute.states import GONE, VmState
from core.commands import USER, AdminOnly, Filter, command, listing, renamed
from core.errors import InvalidParameter
from infra.models import Cluster, Host, Pod, Zone
from network.models import Network
from storage.models import StoragePool, Template

_STATES = {s.lower(): s for s in vars(VmState).values() if isinstance(s, str) and s.istitle()}


def _groups(arguments: dict[str, Any]) -> frozenset[str]:
    """Detail groups wanted: ``details=nics,stats``, ``all`` or ``min``."""
    wanted = {str(name).lower() for name in arguments.get("details") or []}
    unknown = wanted - GROUPS - {"all", "min"}
    if unknown:
        raise InvalidParameter(
            f"“{', '.join(sorted(unknown))}” is not among the details of a virtual machine; use "
            f"all, min, {', '.join(sorted(GROUPS))}."
        )
    if not wanted:
        shown = set(UNASKED)
    elif "all" in wanted:
        shown = set(GROUPS - {"userdata"})
    else:
        shown = wanted - {"min"}
    return frozenset(shown | ({"userdata"} if arguments.get("userdata") else set()))


_NAMES = ("name", "display_name", "instance_name")


@listing(
    VirtualMachine,
    response=virtualmachine,
    keyword=_NAMES,
    groups=_groups,
    tagged=True,
    icons=True,
)
def listVirtualMachines(
    caller: Caller,
    rows: QuerySet,
    name: Annotated[str | None, Filter("name__icontains"), "Only with this in its name"] = None,
    state: Annotated[str | None, "Only in this state; Present for all but destroyed"] = None,
    zoneid: Annotated[Zone | None, Filter("zone"), "Only in this zone"] = None,
    podid: Annotated[Pod | None, AdminOnly, Filter("host__pod"), "Only in this pod"] = None,
    clusterid: Annotated[
        Cluster | None, AdminOnly, Filter("host__cluster"), "Only in this cluster"
    ] = None,
    hostid: Annotated[Host | None, AdminOnly, Filter("host"), "Only on this host"] = None,
    storageid: Annotated[StoragePool | None, AdminOnly, "Only with a disk on this pool"] = None,
    hypervisor: Annotated[
        str | None, Filter("hypervisor__iexact"), "Only on this hypervisor"
    ] = None,
    arch: Annotated[str | None, Filter("template__arch"), "Only of this processor type"] = None,
    serviceofferingid: Annotated[
        ServiceOffering | None, Filter("service_offering"), "Only of this offering"
    ] = None,
    templateid: Annotated[Template | None, Filter("template"), "Only from this template"] = None,
    isoid: Annotated[Template | None, Filter("iso"), "Only with this ISO in the drive"] = None,
    groupid: Annotated[InstanceGroup | None, Filter("group"), "Only in this group"] = None,
    affinitygroupid: Annotated[
        AffinityGroup | None, Filter("affinity_groups"), "Only in this affinity group"
    ] = None,
    securitygroupid: Annotated[
        SecurityGroup | None, Filter("security_groups"), "Only in this security group"
    ] = None,
    networkid: Annotated[Network | None, "Only in this network"] = None,
    forvirtualnetwork: Annotated[bool | None, "Only in isolated networks, or in none"] = None,
    keypair: Annotated[str | None, "Only with the SSH key of this name"] = None,
    userid: Annotated[User | None, Filter("user"), "Only deployed by this user"] = None,
    userdataid: Annotated[
        UserData | None, Filter("user_data_source"), "Only with this user data"
    ] = None,
    haenable: Annotated[bool | None, Filter("ha_enabled"), "Only with HA, or without"] = None,
    displayvm: Annotated[bool | None, AdminOnly, "Only shown, or hidden, ones"] = None,
    details: Annotated[list[str] | None, "What to show: all, min, nics, stats, …"] = None,
    userdata: Annotated[bool, "Show their user data"] = False,
) -> QuerySet:
    """Lists virtual machines."""
    rows = _seen(caller, rows, state, displayvm)
    if storageid is not None:
        disks = VolumeAttachment.objects.filter(machine=OuterRef("pk"), volume__pool=storageid)
        rows = rows.filter(Exists(disks))
    if networkid is not None:
        rows = rows.filter(Exists(Nic.objects.filter(machine=OuterRef("pk"), network=networkid)))
    if forvirtualnetwork is not None:
        inside = Exists(
            Nic.objects.filter(machine=OuterRef("pk"), network__guest_type="Isolated")
        )
        rows = rows.filter(inside if forvirtualnetwork else ~inside)
    if keypair:
        pairs = SshKeyPair.everything.filter(machines=OuterRef("pk"), name=keypair)
        rows = rows.filter(Exists(pairs))
    return rows


def _seen(
    caller: Caller, rows: QuerySet, state: str | None, displayed: bool | None
) -> QuerySet:
    """By state, and without what its owner is not shown."""
    if displayed is not None:
        rows = rows.filter(display=displayed)
    elif not caller.is_root_admin:
        rows = rows.filter(display=True)
    if not may_see_destroyed(caller):
        rows = rows.exclude(state__in=GONE)
    if not state:
        return rows
    wanted = state.strip().lower()
    if wanted == "present":
        return rows.exclude(state__in=(*GONE, VmState.ERROR))
    if wanted == "expunged":  # they are history: no list shows them
        return rows.none()
    if wanted not in _STATES:
        names = ", ".join([*_STATES.values(), "Present"])
        raise InvalidParameter(f"A virtual machine is never “{state}”; use {names}.")
    return rows.filter(state=_STATES[wanted])


def _measured(arguments: dict[str, Any]) -> frozenset[str]:
    return _groups(arguments if arguments.get("details") else {**arguments, "details": ["all"]})


listing(
    VirtualMachine,
    response=machinemetrics,
    keyword=_NAMES,
    groups=_measured,
    tagged=True,
    icons=True,
)(
    renamed(
        listVirtualMachines,
        "listVirtualMachinesMetrics",
        "Lists virtual machines with their latest measurements.",
    )
)


@command(roles=USER, response=usagehistory, paged=True)
def listVirtualMachinesUsageHistory(
    caller: Caller,
    id: Annotated[VirtualMachine | None, "Of this machine"] = None,
    ids: Annotated[list[VirtualMachine] | None, "Of these machines"] = None,
    name: Annotated[str | None, "Of machines with this in their name"] = None,
    startdate: Annotated[datetime | None, "From this moment on"] = None,
    enddate: Annotated[datetime | None, "Until this moment"] = None,
) -> list:
    """Shows the measurements of virtual machines, oldest first."""
    if id is not None and ids:
        raise InvalidParameter("Give id or ids, not both.")
    rows = VirtualMachine.objects.all().visible_to(caller)
    chosen = [id] if id is not None else ids
    if chosen:
        rows = rows.filter(pk__in=[vm.pk for vm in chosen])
    if name:
        rows = rows.filter(name__icontains=name)
    return samples.history(rows.order_by("pk"), startdate, enddate)
