"""What networks take when they come to life: VLANs, public addresses; and give back."""

import pytest
from django.db import transaction

from accounts.models import ResourceCount
from accounts.services.limits import Resource
from api.dispatch import execute
from core.errors import InsufficientCapacity, InUse, InvalidParameter
from jobs.worker import run_everything
from network.models import GuestVlan, Network, NetworkServiceProvider, PublicIp
from network.services import addresses, routers, vlans
from tests.factories import (
    admin_caller,
    make_account,
    make_caller,
    make_domain,
    make_host,
    make_network,
    make_network_offering,
    make_public_range,
    make_wires,
    make_zone,
)

pytestmark = pytest.mark.django_db(transaction=True)


def do(command, caller=None, **parameters):
    return execute(caller or admin_caller(), command, parameters).record()


def alive(network):
    """With the address of a first machine."""
    with transaction.atomic():
        addresses.allocate(network)
    network.refresh_from_db()
    return network


def public_ips_of(account) -> int:
    row = ResourceCount.objects.filter(account=account, resource=Resource.PUBLIC_IP).first()
    return row.used if row else 0


# -- VLANs -------------------------------------------------------------------------------


def test_each_isolated_network_gets_a_vlan_of_its_own_with_the_first_machine():
    wires = make_wires(vlan="100-101")
    one, other = (make_network(zone=wires.zone, physical_network=wires) for _ in range(2))
    assert one.vlan == ""
    assert {alive(one).vlan, alive(other).vlan} == {"100", "101"}
    assert alive(one).vlan == "100"  # and keeps it


def test_when_all_are_taken_it_says_who_has_them():
    wires = make_wires(vlan="100,110-119")
    keeper = make_account("keeper")
    vlans.dedicate(wires, keeper, "110-119")
    alive(make_network(zone=wires.zone, physical_network=wires))
    late = make_network(zone=wires.zone, physical_network=wires)
    with pytest.raises(InsufficientCapacity, match="1 of 11 in use, 110-119 kept for account keep"):
        alive(late)


def test_an_accounts_own_vlans_come_first_and_others_do_not_get_them():
    wires = make_wires(vlan="100-120")
    rich, poor = make_account(), make_account()
    vlans.dedicate(wires, rich, "115-116")
    numbers = [
        alive(make_network(account, zone=wires.zone, physical_network=wires)).vlan
        for account in (rich, poor, rich, rich)
    ]
    assert numbers == ["115", "100", "116", "101"]


def test_a_shared_network_takes_none_and_a_zone_without_ranges_needs_none():
    wires = make_wires(vlan="100-101")
    shared = make_network(zone=wires.zone, physical_network=wires, guest_type="Shared")
    assert alive(shared).vlan == ""
    plain = make_wires()
    assert alive(make_network(zone=plain.zone, physical_network=plain)).vlan == ""
    assert not GuestVlan.objects.exists()


def test_a_vlan_is_a_device_of_the_guest_traffic_and_a_vni_a_vxlan():
    wires = make_wires(vlan="100-101")
    wires.traffic_types.filter(type="Guest").update(kvm_label="eth1")
    network = alive(make_network(zone=wires.zone, physical_network=wires))
    assert routers.bridge_for(network).uplink == "eth1.100"
    wires.isolation_methods = ["VXLAN"]
    wires.save()
    network = Network.objects.get(pk=network.pk)
    assert (routers.bridge_for(network).uplink, routers.bridge_for(network).vni) == ("eth1", 100)


def test_shrinking_says_which_network_uses_a_vlan():
    wires = make_wires(vlan="100-110")
    network = alive(make_network(zone=wires.zone, physical_network=wires, name="web"))
    with pytest.raises(InUse, match=r"100 by network web"):
        do("updatePhysicalNetwork", id=wires.uuid, vlan="105-110")
    changed = do("updatePhysicalNetwork", id=wires.uuid, vlan="100-102,200-210,203-220")
    assert changed["vlan"] == "100-102,200-220"
    assert network.vlan == "100"


# -- public addresses --------------------------------------------------------------------


def test_an_isolated_network_takes_a_public_address_and_gives_it_back(world):
    zone = make_zone()
    make_public_range(zone)
    account = make_account()
    network = alive(make_network(account, zone=zone))
    ip = PublicIp.objects.get(network=network)
    assert (ip.address, ip.state, ip.is_source_nat) == ("192.0.2.10", "Allocated", True)
    assert public_ips_of(account) == 1
    network.addresses.all().delete()
    execute(admin_caller(), "deleteNetwork", {"id": network.uuid})
    run_everything()
    ip.refresh_from_db()
    assert (ip.state, ip.account, ip.network, ip.is_source_nat) == ("Free", None, None, False)
    assert public_ips_of(account) == 0


def test_an_accounts_own_range_comes_first_then_its_domains():
    zone = make_zone()
    make_public_range(zone)
    account = make_account()
    for third, owner in ((3, {"domain": account.domain}), (4, {"account": account})):
        do("createVlanIpRange", zoneid=zone.uuid, gateway=f"192.0.{third}.1",
           netmask="255.255.255.0", startip=f"192.0.{third}.10",
           domainid=account.domain.uuid,
           **({"account": account.name} if "account" in owner else {}))  # fmt: skip
    got = [
        PublicIp.objects.get(network=alive(make_network(account, zone=zone))).address
        for _ in range(3)
    ]
    assert got == ["192.0.4.10", "192.0.3.10", "192.0.2.10"]
    stranger = make_account()
    assert PublicIp.objects.get(
        network=alive(make_network(stranger, zone=zone))
    ).address == "192.0.2.11"


def test_without_a_free_one_the_first_machine_is_refused_and_nothing_stays():
    zone = make_zone()
    row = make_public_range(zone)
    row.public_ips.update(state="Reserved", account=make_account())
    network = make_network(zone=zone, name="web")
    with pytest.raises(InsufficientCapacity, match="no free public address for network web"):
        alive(network)
    assert not network.addresses.exists()


def test_the_router_goes_out_by_the_public_wire_where_there_is_one(world):
    wires = make_wires(vlan="100-110")
    wires.traffic_types.filter(type="Public").update(kvm_label="eth2")
    make_public_range(wires.zone, vlan="50")
    network = alive(make_network(zone=wires.zone, physical_network=wires))
    spec = routers.spec_for(routers.ensure(network), routers.guests_of(network))
    assert spec.public.address4 == "192.0.2.10/24"
    assert spec.public.gateway4 == "192.0.2.1"
    assert spec.public.bridge.uplink == "eth2.50"
    host = make_host(zone=wires.zone)
    routers.apply(None, network, host)
    network.refresh_from_db()
    assert network.state == "Implemented"
    assert len(world.ledger.group("bridges", str(host.uuid))) == 2
    routers.remove(None, network)
    assert not world.ledger.group("bridges", str(host.uuid))


def test_without_a_device_the_host_lets_the_router_out():
    zone = make_zone()
    make_public_range(zone)
    network = alive(make_network(zone=zone))
    spec = routers.spec_for(routers.ensure(network), routers.guests_of(network))
    assert spec.public is None
    assert spec.uplink4


def test_reserved_addresses_count_and_are_seen_by_their_account_only():
    zone = make_zone()
    row = make_public_range(zone)
    caller, stranger = make_caller(), make_caller()
    free = row.public_ips.order_by("number").first()
    assert do("reserveIpAddress", caller, id=free.uuid)["state"] == "Reserved"
    assert public_ips_of(caller.account) == 1
    seen = execute(caller, "listPublicIpAddresses", {}).records
    assert [r["ipaddress"] for r in seen] == ["192.0.2.10"]
    assert execute(stranger, "listPublicIpAddresses", {}).records == []
    kept = do("createVlanIpRange", zoneid=zone.uuid, gateway="192.0.3.1",
              netmask="255.255.255.0", startip="192.0.3.10", account=caller.account.name,
              domainid=caller.domain.uuid)  # fmt: skip
    assert kept["account"] == caller.account.name
    for who, count in ((caller, 11), (stranger, 10)):
        assert execute(who, "listPublicIpAddresses", {"state": "free"}).count == count
    with pytest.raises(InvalidParameter):
        do("releaseIpAddress", stranger, id=free.uuid)
    do("releaseIpAddress", caller, id=free.uuid)
    assert public_ips_of(caller.account) == 0


def test_an_account_that_goes_leaves_its_addresses_and_what_was_kept_for_its_domain(world):
    zone, domain = make_zone(), make_domain()
    row = make_public_range(zone)
    account = make_account(domain=domain)
    do("dedicatePublicIpRange", id=row.uuid, domainid=domain.uuid)
    do("reserveIpAddress", id=row.public_ips.first().uuid, account=account.name,
       domainid=domain.uuid)  # fmt: skip
    network = alive(make_network(account, zone=zone))
    network.addresses.all().delete()
    assert row.public_ips.exclude(state="Free").count() == 2
    execute(admin_caller(), "deleteDomain", {"id": domain.uuid, "cleanup": "true"})
    run_everything()
    assert not row.public_ips.exclude(state="Free").exists()
    row.refresh_from_db()
    assert row.domain is None


def test_the_way_out_of_a_network_is_not_released():
    zone = make_zone()
    make_public_range(zone)
    network = alive(make_network(zone=zone, name="web"))
    ip = PublicIp.objects.get(network=network)
    with pytest.raises(InUse, match="used by network web"):
        do("releaseIpAddress", id=ip.uuid)


# -- providers ---------------------------------------------------------------------------


def test_a_disabled_provider_stops_new_networks_and_those_that_sleep():
    wires = make_wires()
    network = make_network(zone=wires.zone, physical_network=wires)
    NetworkServiceProvider.objects.filter(name="VirtualRouter").update(state="Disabled")
    with pytest.raises(InvalidParameter, match="VirtualRouter for .*Dhcp.*it is Disabled"):
        do("createNetwork", name="n", zoneid=wires.zone.uuid,
           networkofferingid=make_network_offering().uuid)  # fmt: skip
    with pytest.raises(InvalidParameter, match="cannot work now"):
        alive(network)


def test_a_provider_is_enabled_after_its_element_and_stays_while_it_serves():
    wires = make_wires()
    make_network(zone=wires.zone, physical_network=wires, name="web")
    router = NetworkServiceProvider.objects.get(name="VirtualRouter")
    with pytest.raises(InUse, match="serves web"):
        do("deleteNetworkServiceProvider", id=router.uuid)
    element = router.elements.first()
    with pytest.raises(InUse, match="disable it before its element"):
        do("configureVirtualRouterElement", id=element.uuid, enabled="false")
    do("updateNetworkServiceProvider", id=router.uuid, state="Disabled")
    do("configureVirtualRouterElement", id=element.uuid, enabled="false")
    with pytest.raises(InvalidParameter, match="is not ready: enable its element first"):
        do("updateNetworkServiceProvider", id=router.uuid, state="Enabled")
