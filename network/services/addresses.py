"""Addresses without races: the network's row is locked, and the database has the last word."""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Callable, Iterable

from core.errors import InsufficientCapacity, InvalidParameter, NotAllowedInState
from infra.models import Pod
from network.models import GuestAddress, IpRange, Network
from network.services import addresses6, implementing, routers

_ROUTERS = 0x0E  # first octet of routers' MACs (the agent's rendering)
_WINDOW = 512  # addresses looked at in one query


def allocate(
    network: Network,
    *,
    hostname: str = "",
    ip4: str = "",
    ip6: str = "",
    mac: str = "",
    pod: Pod | None = None,
    about: Callable[[str | None], dict[str, str]] = lambda ip4: {},
    user_data: str = "",
) -> GuestAddress:
    """A place in the network, with chosen addresses or the next free ones; for a machine in
    ``pod`` none that is another pod's. ``about`` and ``user_data`` (base64) are what the guest
    may read about itself, once its IPv4 address is known.

    Must run in a transaction; the caller's commit makes it known to the router's next apply.
    Raises InvalidParameter for a chosen address that is taken or outside, and
    InsufficientCapacity when the ranges are used up.
    """
    locked = Network.objects.select_for_update().get(pk=network.pk)
    locked.zone = network.zone  # never changes, and the caller often has it
    if not locked.can_use_for_deploy:
        raise NotAllowedInState(f"Network {locked} is being deleted; it takes no more machines.")
    implementing.prepare(locked)
    address = GuestAddress(
        network=locked, hostname=hostname, mac=_mac(mac), user_data=user_data
    )
    if locked.cidr:
        address.ip4_number = _chosen(locked, ip4, pod) if ip4 else _next(locked, pod)
        address.ip4 = str(ipaddress.IPv4Address(address.ip4_number))
        address.gateway, address.netmask = _other_subnet(locked, address.ip4_number)
    elif ip4:
        raise InvalidParameter(f"Network {locked} has no IPv4 addresses to give.")
    if locked.ip6_cidr:
        address.ip6 = addresses6.choose(locked, ip6, address.mac)
    address.metadata = about(address.ip4)
    address.save()
    routers.changed(locked)
    return address


def release(address: GuestAddress) -> None:
    """Give a place back; harmless when it is gone already. No card may have it any more: the
    database sees to that, so Django need not look first."""
    rows = GuestAddress.objects.filter(pk=address.pk)
    if rows._raw_delete(rows.db):
        routers.changed(address.network_id)


def change_ip4(address: GuestAddress, ip4: str) -> None:
    network = Network.objects.select_for_update().get(pk=address.network_id)
    address.ip4_number = _chosen(network, ip4, pod_of([address]))
    address.ip4 = ip4
    address.gateway, address.netmask = _other_subnet(network, address.ip4_number)
    address.save(update_fields=["ip4", "ip4_number", "gateway", "netmask"])
    routers.changed(network)


def rename(address: GuestAddress, hostname: str) -> None:
    """DHCP and DNS know the guest by another name from now on."""
    GuestAddress.objects.filter(pk=address.pk).update(hostname=hostname)
    routers.changed(address.network)


def _mac(wanted: str) -> str:
    """A chosen address if it is free, or a fresh local one (02:…, unicast)."""
    if not wanted:
        tail = secrets.token_bytes(4)
        return "02:01:" + ":".join(f"{b:02x}" for b in tail)
    try:
        octets = [int(part, 16) for part in wanted.replace("-", ":").split(":")]
    except ValueError:
        octets = []
    if len(octets) != 6 or not all(0 <= o < 256 for o in octets):
        raise InvalidParameter(f"“{wanted}” is not a MAC address; write it as 02:00:4c:00:00:01.")
    if octets[0] & 1:
        raise InvalidParameter(f"MAC address {wanted} is a multicast address; choose another.")
    if octets[0] == _ROUTERS:
        raise InvalidParameter(
            f"MAC address {wanted} begins with {_ROUTERS:02x}, as those of routers do; choose "
            "another."
        )
    mac = ":".join(f"{o:02x}" for o in octets)
    if GuestAddress.objects.filter(mac=mac).exists():
        raise InvalidParameter(f"MAC address {mac} is in use by another machine.")
    return mac


def pod_of(addresses: Iterable[GuestAddress]) -> Pod | None:
    """The pod where machines with these addresses must be; None where any will do."""
    for address in addresses:
        row = (
            IpRange.objects.filter(
                network=address.network_id,
                first__lte=address.ip4_number or 0,
                last__gte=address.ip4_number or 0,
            )
            .exclude(pod=None)
            .select_related("pod")
            .first()
        )
        if row is not None:
            return row.pod
    return None


def full_pods(network: Network, ip4: str = "") -> set[int]:
    """Pods with ranges of their own in the network, all of whose addresses are taken; of a
    chosen address all but its own pod."""
    rows = list(
        IpRange.objects.filter(network=network).exclude(last=0).values_list("first", "last", "pod")
    )
    pods = {pod for _, _, pod in rows if pod is not None}
    if not pods or any(pod is None for *_, pod in rows):
        return set()
    if ip4:
        number = int(ipaddress.IPv4Address(ip4)) if _is_ip4(ip4) else 0
        return pods - {pod for first, last, pod in rows if first <= number <= last}
    return {pod for pod in pods if not _has_room(network, [r[:2] for r in rows if r[2] == pod])}


def _has_room(network: Network, ranges: list[tuple[int, int]]) -> bool:
    return any(_first_free(network, first, last) is not None for first, last in ranges)


def _is_ip4(text: str) -> bool:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True


def _chosen(network: Network, ip4: str, pod: Pod | None = None) -> int:
    try:
        address = ipaddress.IPv4Address(ip4)
    except ValueError:
        raise InvalidParameter(f"“{ip4}” is not an IPv4 address.") from None
    gateway, netmask = _other_subnet(network, int(address))
    subnet = ipaddress.IPv4Network(
        f"{gateway}/{netmask}" if gateway else network.cidr, strict=False
    )
    if address not in subnet or address in (subnet.network_address, subnet.broadcast_address):
        raise InvalidParameter(f"{ip4} is not an address of network {network} ({network.cidr}).")
    if ip4 in (network.gateway, gateway):
        raise InvalidParameter(f"{ip4} is the gateway of network {network}; choose another.")
    if GuestAddress.objects.filter(network=network, ip4_number=int(address)).exists():
        raise InvalidParameter(f"{ip4} in network {network} is in use; choose another or none.")
    if pod is not None:
        _check_pod(network, int(address), pod)
    return int(address)


def _other_subnet(network: Network, number: int) -> tuple[str | None, str]:
    """Gateway and netmask of an address outside the network's own subnet, in a Basic zone."""
    if network.zone.network_type != "Basic":
        return None, ""
    row = IpRange.objects.filter(network=network, first__lte=number, last__gte=number).first()
    if row is None or row.gateway == network.gateway:
        return None, ""
    return row.gateway, row.netmask


def _check_pod(network: Network, number: int, pod: Pod) -> None:
    row = (
        IpRange.objects.filter(network=network, first__lte=number, last__gte=number)
        .exclude(pod=None)
        .select_related("pod")
        .first()
    )
    if row is not None and row.pod_id != pod.pk:
        raise InvalidParameter(
            f"{_text(number)} is of the range of pod {row.pod}; the machine is in pod {pod}."
        )


def _next(network: Network, pod: Pod | None = None) -> int:
    ranges = _ranges(network, pod)
    after = [(max(lo, network.cursor + 1), hi) for lo, hi in ranges if hi > network.cursor]
    for low, high in [*after, *ranges]:
        found = _first_free(network, low, high)
        if found is not None:
            Network.objects.filter(pk=network.pk).update(cursor=found)
            return found
    where = f" for pod {pod}" if pod is not None and network.zone.network_type == "Basic" else ""
    raise InsufficientCapacity(
        f"Network {network} has no free address left{where} in "
        f"{', '.join(f'{_text(a)}–{_text(b)}' for a, b in ranges) or network.cidr}."
    )


def _ranges(network: Network, pod: Pod | None) -> list[tuple[int, int]]:
    """The ranges set up for the network (but other pods'), or all of its subnet but the edges."""
    found = list(
        IpRange.objects.filter(network=network)
        .exclude(last=0)
        .order_by("first")
        .values_list("first", "last", "pod_id")
    )
    if found:
        return [(a, b) for a, b, of in found if pod is None or of in (None, pod.pk)]
    subnet = ipaddress.IPv4Network(network.cidr)
    return [(int(subnet.network_address) + 1, int(subnet.broadcast_address) - 1)]


def _first_free(network: Network, low: int, high: int) -> int | None:
    gateway = int(ipaddress.IPv4Address(network.gateway)) if network.gateway else 0
    while low <= high:
        top = min(low + _WINDOW, high + 1)
        taken = set(
            GuestAddress.objects.filter(
                network=network, ip4_number__gte=low, ip4_number__lt=top
            ).values_list("ip4_number", flat=True)
        )
        for number in range(low, top):
            if number not in taken and number != gateway:
                return number
        low = top
    return None


def _text(number: int) -> str:
    return str(ipaddress.IPv4Address(number))
