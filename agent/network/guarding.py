"""A card in a shared network is who the portal says it is.

Routers know guests by their address and MAC (metadata, passwords), and neighbours trust ARP,
DHCP and router advertisements: a guest that lies about these could take what is another
account's. Applied at the tap's ingress, where nothing the guest sends has been believed yet.
"""

from __future__ import annotations

from agent import names
from agent import protocol as p


def matches(nic: p.Nic) -> list[str]:
    """nftables matches (netdev family) of what this card must not send.

    IPv6 source addresses are left free: guests make temporary ones of their own (RFC 8981).
    """
    mac = names.mac(nic.mac)
    found = [
        f"ether saddr != {mac}",
        # Tagged frames could hop into another network where the bridge has a device in it.
        "ether type { 8021q, 8021ad }",
        f"ether type arp arp saddr ether != {mac}",
        "udp sport { 67, 547 }",
        "icmpv6 type nd-router-advert",
    ]
    if nic.ip4:
        # 0.0.0.0 asks for an address (DHCP) or whether one is taken (RFC 5227).
        own = f"{{ 0.0.0.0, {names.ip4(nic.ip4)} }}"
        found += [f"ether type arp arp saddr ip != {own}", f"ip saddr != {own}"]
    return found
