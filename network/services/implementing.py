"""What a network takes when it comes to life, and gives back when it goes."""

from __future__ import annotations

from core.errors import InvalidParameter, NotAllowedInState
from network.models import Network, NetworkPermission, NetworkState
from network.services import providers, public_ips, vlans

_ASLEEP = (NetworkState.ALLOCATED, NetworkState.SHUTDOWN)


def prepare(network: Network) -> None:
    """Before the first machine: the wires are there, a VLAN of its own, a public way out.

    In the caller's transaction, with the network's row locked. Raises InvalidParameter for a
    provider that is disabled, InsufficientCapacity when VLANs or addresses are used up.
    """
    if network.state == NetworkState.IMPLEMENTED:
        return
    if network.physical_network is not None:
        _check_wires(network)
    if network.state not in _ASLEEP:
        return
    if network.guest_type != "Shared" and not network.vlan and not network.offering.specify_vlan:
        network.vlan = vlans.take(network)
        if network.vlan:
            Network.objects.filter(pk=network.pk).update(vlan=network.vlan)
    if network.offering.provides("SourceNat") and network.zone.network_type == "Advanced":
        public_ips.take_source_nat(network)


def _check_wires(network: Network) -> None:
    wires = network.physical_network
    if wires.state != "Enabled":
        raise InvalidParameter(
            f"Network {network} is on physical network {wires}, which is {wires.state}; enable it "
            "with updatePhysicalNetwork."
        )
    why = providers.lacking(wires, network.offering)
    if why:
        raise InvalidParameter(f"Network {network} cannot work now. {why}")


def implemented(network: Network) -> None:
    """It is on a host. Harmless when it was before."""
    if network.state in _ASLEEP:
        try:
            network.apply("IMPLEMENTED")
        except NotAllowedInState:  # a job beside this one said so first
            network.refresh_from_db(fields=["state"])


def give_back(network: Network) -> None:
    NetworkPermission.objects.filter(network=network).delete()
    vlans.give_back(network)
    public_ips.give_back_all(network)
