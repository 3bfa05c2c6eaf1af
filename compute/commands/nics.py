"""Machines in networks."""

from __future__ import annotations

from typing import Annotated

from django.db.models import QuerySet

from accounts.caller import Caller
from compute.models import Nic, VirtualMachine
from compute.responses import nic as nic_response
from compute.responses import virtualmachine
from compute.services import cards
from compute.services.nics import NicWish
from core.commands import USER, Filter, Operate, Use, command, listing
from core.steps import Plan
from network.models import Network


@command(roles=USER, event="NIC.CREATE", response=virtualmachine)
def addNicToVirtualMachine(
    caller: Caller,
    virtualmachineid: Annotated[VirtualMachine, Operate, "The virtual machine"],
    networkid: Annotated[Network, Use, "The network to plug it into"],
    ipaddress: Annotated[str, "Its IPv4 address there"] = "",
    macaddress: Annotated[str, "Its hardware address there"] = "",
) -> Plan:
    """Plugs a virtual machine into one more network."""
    return cards.add(virtualmachineid, NicWish(networkid, ip4=ipaddress, mac=macaddress))


@command(roles=USER, event="NIC.DELETE", response=virtualmachine)
def removeNicFromVirtualMachine(
    caller: Caller,
    virtualmachineid: Annotated[VirtualMachine, Operate, "The virtual machine"],
    nicid: Annotated[Nic, Operate, "Its NIC to pull out"],
) -> Plan:
    """Pulls a virtual machine out of a network."""
    return cards.remove(virtualmachineid, nicid)


@command(roles=USER, event="NIC.UPDATE", response=virtualmachine)
def updateDefaultNicForVirtualMachine(
    caller: Caller,
    virtualmachineid: Annotated[VirtualMachine, Operate, "The virtual machine"],
    nicid: Annotated[Nic, Operate, "The NIC that is to be its default"],
) -> Plan:
    """Makes another NIC the default one of a virtual machine."""
    return cards.set_default(virtualmachineid, nicid)


@command(roles=USER, event="NIC.UPDATE", response=virtualmachine)
def updateVmNicIp(
    caller: Caller,
    nicid: Annotated[Nic, Operate, "The NIC of a stopped virtual machine"],
    ipaddress: Annotated[str, "The IPv4 address it is to have"] = "",
) -> Plan:
    """Gives a NIC of a stopped virtual machine another IPv4 address."""
    plan = cards.readdress(nicid, ipaddress)
    plan.response = nicid.machine
    return plan


@listing(Nic, response=nic_response, keyword=("network__name",), scoped=False)
def listNics(
    caller: Caller,
    rows: QuerySet,
    virtualmachineid: Annotated[VirtualMachine, Filter("machine"), "Those of this machine"],
    nicid: Annotated[Nic | None, Filter("pk"), "Only this one"] = None,
    networkid: Annotated[Network | None, Filter("network"), "Only in this network"] = None,
) -> QuerySet:
    """Lists the NICs of a virtual machine."""
    return rows
