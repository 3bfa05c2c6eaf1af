"""New machines, and where they could go."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from accounts.caller import Caller
from accounts.models import Domain
from accounts.services import tags
from accounts.services.scoping import OfProject, own_uuid, owner_for
from compute.lookup import find
from compute.models import AffinityGroup, SecurityGroup, ServiceOffering, UserData
from compute.responses import virtualmachine
from compute.responses.placement import placement
from compute.services import deploy
from compute.services.disks import DataDisk
from compute.services.nics import NicWish
from compute.services.places import Choice
from core.commands import (
    USER,
    AdminOnly,
    Between,
    Details,
    Length,
    Map,
    Secret,
    Use,
    command,
)
from core.errors import InvalidParameter
from core.steps import Plan
from infra.models import Cluster, Host, Pod, Zone
from network.models import Network
from storage.models import DiskOffering, Template

_DEPLOY = "deployVirtualMachine"


@command(roles=USER, event="VM.CREATE", response=virtualmachine)
def deployVirtualMachine(
    caller: Caller,
    zoneid: Annotated[Zone, Use, "The zone it is to be in"],
    serviceofferingid: Annotated[ServiceOffering, Use, "Its size and speed"],
    templateid: Annotated[Template, Use, "The template or ISO it starts from"],
    name: Annotated[str, "Its name; the guest's host name is made from it"] = "",
    displayname: Annotated[str, "What lists call it, if not by its name"] = "",
    account: Annotated[str | None, "The account that owns it; goes with domainid"] = None,
    domainid: Annotated[Domain | None, "The owner's domain"] = None,
    projectid: OfProject = None,
    group: Annotated[str, "The instance group to put it in, made when there is none"] = "",
    hypervisor: Annotated[str, "What is to run it; needed for ISOs only"] = "",
    networkids: Annotated[list[Network] | None, Use, "Its networks, the default first"] = None,
    iptonetworklist: Annotated[Map | None, "Networks with addresses: networkid, ip, ipv6, mac"] = None,  # noqa: E501
    ipaddress: Annotated[str, "Its IPv4 address in the default network"] = "",
    ip6address: Annotated[str, "Its IPv6 address in the default network"] = "",
    macaddress: Annotated[str, "Its hardware address in the default network"] = "",
    details: Annotated[Details | None, "cpuNumber, cpuSpeed, memory of custom offerings, …"] = None,
    rootdisksize: Annotated[int | None, Between(1), "Size of the root disk in GiB"] = None,
    diskofferingid: Annotated[
        DiskOffering | None, Use, "A data disk to come with it; with an ISO, the root disk"
    ] = None,
    size: Annotated[int | None, Between(1), "GiB of that disk when its offering leaves it open"] = None,  # noqa: E501
    overridediskofferingid: Annotated[DiskOffering | None, Use, "What the root disk is"] = None,
    datadisksdetails: Annotated[
        Map | None, "Several data disks: diskofferingid, size, miniops, maxiops of each"
    ] = None,
    keypair: Annotated[str, "Name of the SSH key that gets in"] = "",
    keypairs: Annotated[list[str] | None, "Names of several"] = None,
    password: Annotated[str, Secret, Length(128), "Its password; one is made otherwise"] = "",
    userdata: Annotated[str, Length(1048576), "Data for the guest, in base64"] = "",
    userdataid: Annotated[UserData | None, Use, "Data that was registered"] = None,
    userdatadetails: Annotated[Details | None, "Values of its variables"] = None,
    affinitygroupids: Annotated[list[AffinityGroup] | None, Use, "Its affinity groups"] = None,
    affinitygroupnames: Annotated[list[str] | None, "The same by name"] = None,
    securitygroupids: Annotated[
        list[SecurityGroup] | None, Use, "Its security groups, in a network that has them"
    ] = None,
    securitygroupnames: Annotated[list[str] | None, "The same by name"] = None,
    keyboard: Annotated[str, "Keyboard layout of its console: us, de, jp, …"] = "",
    boottype: Annotated[Literal["BIOS", "UEFI"], "Its firmware"] = "BIOS",
    bootmode: Annotated[Literal["Legacy", "Secure"], "Secure boot, with UEFI"] = "Legacy",
    startvm: Annotated[bool, "Start it at once"] = True,
    dynamicscalingenabled: Annotated[bool | None, "Whether it may grow while it runs"] = None,
    copyimagetags: Annotated[bool, "Give it the template's tags"] = False,
    hostid: Annotated[Host | None, AdminOnly, "On this host"] = None,
    clusterid: Annotated[Cluster | None, AdminOnly, "In this cluster"] = None,
    podid: Annotated[Pod | None, AdminOnly, "In this pod"] = None,
    customid: Annotated[str | None, AdminOnly, "A uuid of one's own choice"] = None,
    displayvm: Annotated[bool, AdminOnly, "Show it to its owner"] = True,
) -> Plan:
    """Deploys a virtual machine."""
    root_offering, data_disks = _disks(
        caller, templateid, diskofferingid, size, overridediskofferingid, datadisksdetails, _DEPLOY
    )
    asked = deploy.Request(
        zone=zoneid,
        offering=serviceofferingid,
        template=templateid,
        owner=owner_for(caller, account, domainid, projectid),
        name=name.strip(),
        display_name=displayname.strip(),
        group=group.strip(),
        hypervisor=hypervisor,
        networks=_networks(
            caller, networkids, iptonetworklist, ipaddress, ip6address, macaddress
        ),
        details=details or {},
        root_disk_gb=rootdisksize if not templateid.is_iso else size,
        root_offering=root_offering,
        data_disks=data_disks,
        key_pairs=[*(keypairs or []), keypair],
        password=password,
        user_data=userdata,
        user_data_row=userdataid,
        user_data_values=userdatadetails or {},
        affinity=affinitygroupids or [],
        affinity_names=affinitygroupnames or [],
        security=securitygroupids or [],
        security_names=securitygroupnames or [],
        keyboard=keyboard,
        boot_type=boottype,
        boot_mode=bootmode,
        start=startvm,
        choice=Choice(hostid, clusterid, podid),
        uuid=own_uuid(customid, "customid") if customid else None,
        display=displayvm,
        dynamic_scaling=dynamicscalingenabled,
    )
    plan = deploy.deploy(caller, asked)
    if copyimagetags:
        tags.copy(templateid, plan.subject)
    return plan


@command(roles=USER, response=placement)
def explainPlacement(
    caller: Caller,
    zoneid: Annotated[Zone, Use, "The zone it would be in"],
    serviceofferingid: Annotated[ServiceOffering, Use, "Its size and speed"],
    templateid: Annotated[Template, Use, "The template or ISO it would start from"],
    account: Annotated[str | None, "The account that would own it; goes with domainid"] = None,
    domainid: Annotated[Domain | None, "The owner's domain"] = None,
    projectid: OfProject = None,
    hypervisor: Annotated[str, "What is to run it; needed for ISOs only"] = "",
    details: Annotated[Details | None, "cpuNumber, cpuSpeed, memory of custom offerings"] = None,
    rootdisksize: Annotated[int | None, Between(1), "Size of the root disk in GiB"] = None,
    diskofferingid: Annotated[DiskOffering | None, Use, "A data disk, or an ISO's root disk"] = None,  # noqa: E501
    size: Annotated[int | None, Between(1), "GiB of that disk when its offering leaves it open"] = None,  # noqa: E501
    overridediskofferingid: Annotated[DiskOffering | None, Use, "What the root disk is"] = None,
    datadisksdetails: Annotated[Map | None, "Several data disks: diskofferingid and size"] = None,
    affinitygroupids: Annotated[list[AffinityGroup] | None, Use, "Its affinity groups"] = None,
    affinitygroupnames: Annotated[list[str] | None, "The same by name"] = None,
    hostid: Annotated[Host | None, AdminOnly, "On this host"] = None,
    clusterid: Annotated[Cluster | None, AdminOnly, "In this cluster"] = None,
    podid: Annotated[Pod | None, AdminOnly, "In this pod"] = None,
) -> dict:
    """Says whether and where a machine could be deployed now, and what speaks against each
    other place. Changes and reserves nothing."""
    root_offering, data_disks = _disks(
        caller, templateid, diskofferingid, size, overridediskofferingid, datadisksdetails,
        "explainPlacement",
    )  # fmt: skip
    asked = deploy.Request(
        zone=zoneid,
        offering=serviceofferingid,
        template=templateid,
        owner=owner_for(caller, account, domainid, projectid),
        hypervisor=hypervisor,
        details=details or {},
        root_disk_gb=rootdisksize if not templateid.is_iso else size,
        root_offering=root_offering,
        data_disks=data_disks,
        affinity=affinitygroupids or [],
        affinity_names=affinitygroupnames or [],
        choice=Choice(hostid, clusterid, podid),
    )
    return deploy.dry_run(asked).as_json(for_admin=caller.is_root_admin)


def _disks(
    caller: Caller,
    template: Template,
    offering: DiskOffering | None,
    size_gb: int | None,
    root_offering: DiskOffering | None,
    several: list[dict[str, str]] | None,
    command_name: str,
) -> tuple[DiskOffering | None, list[DataDisk]]:
    """The root disk's offering and the data disks: with an ISO, diskofferingid is the root's."""
    if several and (offering is not None or size_gb is not None):
        raise InvalidParameter("Give diskofferingid or datadisksdetails, not both.")
    if template.is_iso:
        return root_offering or offering, _several(caller, several, command_name)
    if offering is None:
        if size_gb is not None:
            raise InvalidParameter("Parameter size is for the disk of diskofferingid; give that.")
        return root_offering, _several(caller, several, command_name)
    return root_offering, [DataDisk(offering, size_gb)]


def _several(
    caller: Caller, entries: list[dict[str, str]] | None, command_name: str
) -> list[DataDisk]:
    found = []
    for entry in entries or []:
        low = {k.lower(): v for k, v in entry.items()}
        if not low.get("diskofferingid"):
            raise InvalidParameter("Each entry of datadisksdetails needs a diskofferingid.")
        offering = find(
            caller, DiskOffering, low["diskofferingid"],
            command=command_name, parameter="datadisksdetails",
        )  # fmt: skip
        numbers = {n: _number(low, n) for n in ("size", "miniops", "maxiops")}
        found.append(DataDisk(offering, numbers["size"], numbers["miniops"], numbers["maxiops"]))
    return found


def _number(entry: dict[str, Any], name: str) -> int | None:
    text = entry.get(name)
    if text in (None, ""):
        return None
    if not str(text).isdigit() or not int(text):
        raise InvalidParameter(f"{name} in datadisksdetails must be a number, not “{text}”.")
    return int(text)


def _networks(
    caller: Caller,
    networks: list[Network] | None,
    mapped: list[dict[str, str]] | None,
    ip4: str,
    ip6: str,
    mac: str,
) -> list[NicWish]:
    if networks and mapped:
        raise InvalidParameter("Give networkids or iptonetworklist, not both.")
    if mapped:
        if ip4 or ip6 or mac:
            raise InvalidParameter("Addresses go into iptonetworklist when that is given.")
        return [_mapped(caller, entry) for entry in mapped]
    wishes = [NicWish(n) for n in networks or []]
    if ip4 or ip6 or mac:
        if not wishes:
            raise InvalidParameter("Say in networkids which network the address is in.")
        wishes[0] = NicWish(wishes[0].network, ip4, ip6, mac)
    return wishes


def _mapped(caller: Caller, entry: dict[str, str]) -> NicWish:
    low = {k.lower(): v for k, v in entry.items()}
    if not low.get("networkid"):
        raise InvalidParameter("Each entry of iptonetworklist needs a networkid.")
    network = find(
        caller, Network, low["networkid"], command=_DEPLOY, parameter="iptonetworklist"
    )
    return NicWish(network, low.get("ip", ""), low.get("ipv6", ""), low.get("mac", ""))
