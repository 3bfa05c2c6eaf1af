"""NICs added to, taken from and changed on machines that are there already."""

from __future__ import annotations

from compute import jobs
from compute.models import Nic, VirtualMachine
from compute.services.nics import NicWish, check_usable, make_default, plug
from compute.states import VmState
from core import live
from core.errors import InvalidParameter, NotAllowedInState
from core.steps import Plan
from network.services import addresses


def add(vm: VirtualMachine, wish: NicWish) -> Plan:
    """One more network; a running guest sees the card at once."""
    _require_settled(vm, "get another NIC")
    check_usable(wish.network, vm.account, vm.zone)
    nic = plug(vm, [wish])[0]
    live.changed(vm)
    return Plan(jobs.add_nic, vm, {"nic": nic})


def remove(vm: VirtualMachine, nic: Nic) -> Plan:
    """Raises InvalidParameter for another machine's NIC, and for the default one."""
    _require_own(vm, nic)
    _require_settled(vm, "lose a NIC")
    if nic.is_default:
        raise InvalidParameter(
            f"The NIC in network {nic.network} is the default one of virtual machine {vm}; make "
            "another the default first."
        )
    return Plan(jobs.remove_nic, vm, {"nic": nic})


def set_default(vm: VirtualMachine, nic: Nic) -> Plan:
    """Takes effect in the guest at its next start."""
    _require_own(vm, nic)
    _require_settled(vm, "change its default NIC")
    make_default(vm, nic)
    live.changed(vm)
    return Plan(jobs.done, vm)


def readdress(nic: Nic, ip4: str) -> Plan:
    """Another IPv4 address; the guest gets it at its next start."""
    vm = nic.machine
    if vm.state != VmState.STOPPED:
        raise NotAllowedInState(
            f"Virtual machine {vm} is {vm.state}; stop it to change the address of a NIC."
        )
    if not ip4:
        raise InvalidParameter("Give ipaddress: the address the NIC is to have.")
    if nic.address.ip4 != ip4:
        addresses.change_ip4(nic.address, ip4)
    live.changed(vm)
    return Plan(jobs.readdress_nic, vm, {"nic": nic})


def _require_own(vm: VirtualMachine, nic: Nic) -> None:
    if nic.machine_id != vm.pk:
        raise InvalidParameter(f"The NIC is not one of virtual machine {vm}.")


def _require_settled(vm: VirtualMachine, verb: str) -> None:
    if vm.state not in (VmState.RUNNING, VmState.STOPPED):
        raise NotAllowedInState(f"Virtual machine {vm} is {vm.state}; it cannot {verb} now.")
