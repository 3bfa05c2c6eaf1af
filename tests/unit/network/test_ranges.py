"""Ranges of addresses: what cannot be is refused with a sentence, and leaves nothing."""

import pytest
from django.db import transaction

from api.dispatch import execute
from core.errors import CloudError, InUse, InvalidParameter
from infra.models import PodAddress, PodIpRange
from infra.services import pod_ranges, regions
from network.models import GuestVlan, IpRange, PortableIpRange, PublicIp, StorageIpRange
from network.services import addresses, routers
from tests.factories import (
    admin_caller,
    make_account,
    make_domain,
    make_network,
    make_pod,
    make_public_range,
    make_traffic_type,
    make_wires,
    make_zone,
)

pytestmark = pytest.mark.django_db


def do(command, **parameters):
    return execute(admin_caller(), command, parameters).record()


PUBLIC = {"gateway": "198.51.100.1", "netmask": "255.255.255.0", "startip": "198.51.100.10",
          "endip": "198.51.100.20"}  # fmt: skip


@pytest.fixture
def zone(db):
    return make_wires(vlan="100-199").zone


def public(zone, **changes):
    return do("createVlanIpRange", zoneid=zone.uuid, **{**PUBLIC, **changes})


@pytest.mark.parametrize(
    "wrong, said",
    [
        ({"gateway": "198.51.101.1"}, "does not lie in 198.51.101.0/24"),
        ({"gateway": "198.51.100.15"}, "lies in the range 198.51.100.10 to 198.51.100.20 itself"),
        ({"gateway": ""}, "needs gateway, netmask and startip"),
        ({"gateway": "here"}, "gateway is not an IP address"),
        ({"netmask": "255.0.255.0"}, "describe no IPv4 network"),
        ({"startip": "198.51.100.21"}, "lies behind"),
        ({"startip": "fd00::1"}, "must be an IPv4 address"),
        ({"endip": "198.51.100.255"}, "the broadcast address"),
        ({"vlan": "4095"}, "not a number from 1 to 4094"),
        ({"vlan": "blue"}, "is not a number"),
        ({"vlan": "150"}, "VLAN 150 is used by the guest VLANs 100-199"),
        ({"netmask": "255.0.0.0", "gateway": "198.0.0.1", "endip": "198.60.0.0"}, "too many"),
        ({"account": "nobody"}, "There is no account nobody"),
    ],
)
def test_a_public_range_that_cannot_be(zone, wrong, said):
    with pytest.raises(InvalidParameter, match=said):
        public(zone, **wrong)
    assert not IpRange.everything.exists()
    assert not PublicIp.objects.exists()


def test_what_is_set_aside_is_set_aside_once(zone):
    public(zone)
    pod = make_pod(zone)
    make_traffic_type(zone.physical_networks.get(), "Storage")
    regions.ensure_local()
    for command, where in (
        ("createVlanIpRange", {"zoneid": zone.uuid}),
        ("createManagementNetworkIpRange", {"podid": pod.uuid}),
        ("createStorageNetworkIpRange", {"podid": pod.uuid}),
    ):
        with pytest.raises(InvalidParameter, match=r"overlaps the public range in zone .*\.10 to"):
            do(command, **where, **{**PUBLIC, "startip": "198.51.100.20", "endip": ""})
    with pytest.raises(InvalidParameter, match="overlaps the public range"):
        do("createPortableIpRange", regionid=1, **PUBLIC)
    assert IpRange.objects.count() == 1
    assert not PodIpRange.objects.exists()
    assert not StorageIpRange.objects.exists()
    assert not PortableIpRange.objects.exists()


def test_the_other_way_round_too(zone):
    pod = make_pod(zone, "rack")
    do("createManagementNetworkIpRange", podid=pod.uuid, **PUBLIC)
    with pytest.raises(InvalidParameter, match="overlaps the addresses of pod rack"):
        public(zone)


def test_one_subnet_on_one_vlan_has_one_gateway(zone):
    public(zone)
    with pytest.raises(InvalidParameter, match=r"has gateway 198.51.100.1"):
        public(zone, gateway="198.51.100.2", startip="198.51.100.30", endip="198.51.100.40")
    public(zone, gateway="198.51.100.2", startip="198.51.100.30", endip="198.51.100.40", vlan="7")


def test_public_addresses_need_public_traffic():
    zone = make_zone()
    with pytest.raises(InvalidParameter, match="carries Public traffic"):
        public(zone)
    other = make_wires()
    with pytest.raises(InvalidParameter, match="is not in zone"):
        do("createVlanIpRange", zoneid=zone.uuid, physicalnetworkid=other.uuid, **PUBLIC)


def test_a_vlan_that_a_network_has_is_nobody_elses(zone):
    make_network(zone=zone, vlan="55", name="web")
    with pytest.raises(InvalidParameter, match="VLAN 55 is used by network web"):
        public(zone, vlan="vlan://55")
    public(zone, vlan="56")
    make_traffic_type(zone.physical_networks.get(), "Storage")
    with pytest.raises(InvalidParameter, match="VLAN 56 is used by the public range"):
        do("createStorageNetworkIpRange", podid=make_pod(zone).uuid, vlan="56",
           gateway="10.0.0.1", netmask="255.255.255.0", startip="10.0.0.5")  # fmt: skip


# -- changed and gone --------------------------------------------------------------------


def test_a_range_in_use_says_by_whom_and_keeps_what_is_used():
    zone = make_zone()
    row = make_public_range(zone)
    network = make_network(make_account("ada"), zone=zone, name="web")
    with transaction.atomic():
        addresses.allocate(network)
    said = "192.0.2.10 by network web of account ada"
    with pytest.raises(InUse, match=said):
        do("deleteVlanIpRange", id=row.uuid)
    with pytest.raises(InUse, match=said):
        do("updateVlanIpRange", id=row.uuid, startip="192.0.2.11")
    with pytest.raises(InUse, match=said):
        do("updateVlanIpRange", id=row.uuid, gateway="192.0.2.2")
    do("updateVlanIpRange", id=row.uuid, endip="192.0.2.12")
    assert sorted(row.public_ips.values_list("address", flat=True)) == [
        "192.0.2.10", "192.0.2.11", "192.0.2.12",
    ]  # fmt: skip


def test_a_guest_range_in_use_names_the_machine():
    wires = make_wires()
    network = make_network(zone=wires.zone, guest_type="Shared")
    made = do("createVlanIpRange", networkid=network.uuid, startip="10.1.1.50", endip="10.1.1.60")
    with transaction.atomic():
        addresses.allocate(network, hostname="web-1")
    with pytest.raises(InUse, match=r"10.1.1.50 by machine web-1"):
        do("deleteVlanIpRange", id=made["id"])
    for wrong, said in (
        ({"startip": "10.1.1.55"}, "overlaps the range 10.1.1.50–10.1.1.60"),
        ({"startip": "10.9.9.9"}, "does not lie in 10.1.1.0/24"),
        ({"startip": "10.1.1.90", "gateway": "10.1.1.2", "netmask": "255.255.255.0"},
         "its ranges are of that subnet"),
    ):  # fmt: skip
        with pytest.raises(InvalidParameter, match=said):
            do("createVlanIpRange", networkid=network.uuid, **wrong)


def test_a_pod_of_another_zone_gets_no_guest_range():
    zone = make_zone(network_type="Basic")
    network = make_network(zone=zone, guest_type="Shared")
    with pytest.raises(InvalidParameter, match="is not in zone"):
        do("createVlanIpRange", networkid=network.uuid, podid=make_pod().uuid,
           forvirtualnetwork="false", startip="10.1.1.50")  # fmt: skip
    advanced = make_network(zone=make_zone(), guest_type="Shared")
    with pytest.raises(InvalidParameter, match="its networks reach all pods"):
        do("createVlanIpRange", networkid=advanced.uuid, podid=make_pod(advanced.zone).uuid,
           startip="10.1.1.50")  # fmt: skip


def test_two_pods_in_a_basic_zone_share_no_addresses():
    zone = make_zone(network_type="Basic")
    network = make_network(zone=zone, guest_type="Shared")
    one, other = make_pod(zone), make_pod(zone)
    where = {"networkid": network.uuid, "startip": "10.1.1.50", "endip": "10.1.1.60"}
    do("createVlanIpRange", podid=one.uuid, **where)
    with pytest.raises(InvalidParameter, match="overlaps"):
        do("createVlanIpRange", podid=other.uuid, **where)
    do("createVlanIpRange", podid=other.uuid, **{**where, "startip": "10.1.1.70",
                                                 "endip": "10.1.1.70"})  # fmt: skip
    with transaction.atomic():
        assert addresses.allocate(network, pod=other).ip4 == "10.1.1.70"
        assert addresses.allocate(network, pod=one).ip4 == "10.1.1.50"
        with pytest.raises(CloudError, match="no free address left for pod"):
            addresses.allocate(network, pod=other)
        with pytest.raises(InvalidParameter, match="is of the range of pod"):
            addresses.allocate(network, pod=other, ip4="10.1.1.55")


def test_pods_of_a_basic_zone_may_have_subnets_of_their_own():
    zone = make_zone(network_type="Basic")
    network = make_network(zone=zone, guest_type="Shared")
    one, other = make_pod(zone), make_pod(zone)
    where = {"networkid": network.uuid, "netmask": "255.255.255.0"}
    do("createVlanIpRange", podid=one.uuid, startip="10.1.1.50", gateway="10.1.1.1", **where)
    do("createVlanIpRange", podid=other.uuid, startip="10.6.0.50", gateway="10.6.0.1", **where)
    with pytest.raises(InvalidParameter, match="a subnet of network .* with another gateway"):
        do("createVlanIpRange", podid=other.uuid, startip="10.6.0.70", gateway="10.6.0.2", **where)
    with transaction.atomic():
        first = addresses.allocate(network, pod=one)
        second = addresses.allocate(network, pod=other)
        third = addresses.allocate(network, ip4="10.1.1.77")
    assert (first.ip4, first.gateway) == ("10.1.1.50", None)
    assert (second.ip4, second.gateway, second.netmask) == (
        "10.6.0.50", "10.6.0.1", "255.255.255.0",
    )  # fmt: skip
    assert third.gateway is None
    assert addresses.pod_of([second]) == other
    served = routers.spec_for(routers.ensure(network), routers.guests_of(network)).networks[0]
    assert [(s.gateway, s.prefix) for s in served.more4] == [("10.6.0.1", 24)]
    with transaction.atomic(), pytest.raises(InvalidParameter, match="not an address of network"):
        addresses.allocate(network, ip4="10.7.0.5")


# -- dedication --------------------------------------------------------------------------


def test_a_dedicated_range_is_released_before_it_is_anothers():
    row = make_public_range()
    account = make_account()
    given = {"id": row.uuid, "domainid": account.domain.uuid}
    assert do("dedicatePublicIpRange", account=account.name, **given)["account"] == account.name
    with pytest.raises(InvalidParameter, match="is dedicated to .* already"):
        do("dedicatePublicIpRange", **given)
    do("releasePublicIpRange", id=row.uuid)
    with pytest.raises(InvalidParameter, match="is not dedicated"):
        do("releasePublicIpRange", id=row.uuid)


def test_a_range_that_others_use_is_not_dedicated():
    row = make_public_range()
    do("reserveIpAddress", id=row.public_ips.first().uuid)
    with pytest.raises(InUse, match="kept for account admin"):
        do("dedicatePublicIpRange", id=row.uuid, domainid=make_domain().uuid)


def test_guest_vlans_are_dedicated_once_and_within_the_range():
    wires = make_wires(vlan="100-199")
    account = make_account()
    given = {"physicalnetworkid": wires.uuid, "account": account.name,
             "domainid": account.domain.uuid}  # fmt: skip
    for wrong, said in (("90-110", "are not all in 100-199"), ("100,120", "is not one range"),
                        ("x", "is not a range")):  # fmt: skip
        with pytest.raises(InvalidParameter, match=said):
            do("dedicateGuestVlanRange", vlanrange=wrong, **given)
    do("dedicateGuestVlanRange", vlanrange="100-110", **given)
    with pytest.raises(InvalidParameter, match="are dedicated to account"):
        do("dedicateGuestVlanRange", vlanrange="110-120", **given)
    with pytest.raises(InUse, match="dedicated to account"):
        do("updatePhysicalNetwork", id=wires.uuid, vlan="150-199")


def test_guest_vlans_in_use_are_listed_with_their_network_and_free_ones_by_page():
    wires = make_wires(vlan="100-199,300-309")
    network = make_network(zone=wires.zone, physical_network=wires, name="web")
    GuestVlan.objects.create(physical_network=wires, number=105, network=network)
    listed = execute(admin_caller(), "listGuestVlans", {"page": 2, "pagesize": 4})
    assert listed.count == 110
    assert [r["vlan"] for r in listed.records] == ["104", "105", "106", "107"]
    used = execute(admin_caller(), "listGuestVlans", {"allocatedonly": "true"})
    assert [(r["vlan"], r["network"][0]["name"]) for r in used.records] == [("105", "web")]
    last = execute(admin_caller(), "listGuestVlans", {"page": 11, "pagesize": 10}).records
    assert [r["vlan"] for r in last] == [str(n) for n in range(300, 310)]
    again = execute(admin_caller(), "listGuestVlans", {"id": last[0]["id"]}).records
    assert [r["vlan"] for r in again] == ["300"]


# -- pods --------------------------------------------------------------------------------


def test_the_address_of_a_system_machine_is_not_released_under_it():
    pod = make_pod()
    do("createManagementNetworkIpRange", podid=pod.uuid, **PUBLIC)
    held = pod_ranges.take(pod.zone, pod, holder="v-1-VM")
    with pytest.raises(InUse, match="v-1-VM"):
        do("releasePodIpAddress", id=held.pk)
    assert PodAddress.objects.get() == held


def test_management_addresses_that_are_taken_keep_their_range_and_their_pod():
    pod = make_pod()
    do("createManagementNetworkIpRange", podid=pod.uuid, **PUBLIC)
    taken = do("acquirePodIpAddress", zoneid=pod.zone.uuid, podid=pod.uuid)
    ends = {"podid": pod.uuid, "startip": PUBLIC["startip"], "endip": PUBLIC["endip"]}
    with pytest.raises(InUse, match=r"198.51.100.10 \(API\)"):
        do("deleteManagementNetworkIpRange", vlan="untagged", **ends)
    with pytest.raises(InUse, match="in use by pod address 198.51.100.10"):
        do("deletePod", id=pod.uuid)
    do("releasePodIpAddress", id=taken["id"])
    assert not PodAddress.objects.exists()
    with pytest.raises(InvalidParameter, match="no management address with the id"):
        do("releasePodIpAddress", id=taken["id"])
    with pytest.raises(InvalidParameter, match="has VLAN untagged"):
        do("deleteManagementNetworkIpRange", vlan="77", **ends)
    do("deleteManagementNetworkIpRange", vlan="vlan://untagged", **ends)
    do("deletePod", id=pod.uuid)


def test_a_range_of_a_pod_is_of_the_pods_subnet():
    pod = make_pod(gateway="10.0.0.1", netmask="255.255.255.0")
    with pytest.raises(InvalidParameter, match="its ranges have the same"):
        do("createManagementNetworkIpRange", podid=pod.uuid, **PUBLIC)


# -- taken down ----------------------------------------------------------------------------


def test_what_is_in_use_is_named_by_whoever_is_deleted(zone):
    wires = zone.physical_networks.get()
    with pytest.raises(InUse, match=f"in use by physical network {wires}"):
        do("deleteZone", id=zone.uuid)
    row = public(zone)
    with pytest.raises(InUse, match="198.51.100.10–198.51.100.20"):
        do("deletePhysicalNetwork", id=wires.uuid)
    traffic = wires.traffic_types.get(type="Public")
    with pytest.raises(InUse, match="is used by 198.51.100.10–198.51.100.20"):
        do("deleteTrafficType", id=traffic.uuid)
    do("deleteVlanIpRange", id=row["id"])
    managed = make_traffic_type(wires, "Management")
    pod = make_pod(zone)
    with pytest.raises(InUse, match=f"is used by {pod}"):
        do("deleteTrafficType", id=managed.uuid)
    do("deletePod", id=pod.uuid)
    do("deleteTrafficType", id=managed.uuid)
    do("deletePhysicalNetwork", id=wires.uuid)
    do("deleteZone", id=zone.uuid)
