"""Physical networks, the traffic on them, and who may use an account's network."""

import threading

import pytest
from django.db import connection, transaction

from accounts.cleaning import forget
from accounts.models import Project
from api.dispatch import execute
from compute.services import nics
from core.errors import CloudError, InvalidParameter, NoSuchObject
from network.models import IpRange, Network, NetworkPermission, PhysicalNetwork
from network.services import addresses, vlans
from tests.factories import (
    admin_caller,
    caller_of,
    make_account,
    make_caller,
    make_domain,
    make_network,
    make_network_offering,
    make_public_range,
    make_wires,
    make_zone,
)

pytestmark = pytest.mark.django_db


def do(command, caller=None, **parameters):
    return execute(caller or admin_caller(), command, parameters).record()


@pytest.mark.parametrize(
    "wrong, said",
    [
        ({"isolationmethods": "GRE"}, "cannot be kept apart by GRE here; there are VLAN, VXLAN"),
        ({"isolationmethods": "VLAN,VXLAN"}, "has one isolation method"),
        ({"vlan": "200-100"}, "is not a range of VLAN ids"),
        ({"vlan": "100-5000"}, "is not a range of VLAN ids"),
        ({"vlan": "ten"}, "is not a range of VLAN ids"),
        ({"isolationmethods": "VXLAN", "vlan": "1-16777216"}, "is not a range of VNIs"),
        ({"name": " "}, "missing parameter name"),
        ({"name": "wires"}, "already a physical network named wires"),
    ],
)
def test_a_physical_network_that_cannot_be(wrong, said):
    zone = make_zone()
    make_wires(zone, "wires")
    with pytest.raises(InvalidParameter, match=said):
        do("createPhysicalNetwork", **{"zoneid": zone.uuid, "name": "new", **wrong})
    assert PhysicalNetwork.objects.count() == 1


def test_a_basic_zone_has_one_physical_network_without_vlans():
    zone = make_zone(network_type="Basic")
    with pytest.raises(InvalidParameter, match="no VLANs of their own"):
        do("createPhysicalNetwork", zoneid=zone.uuid, name="one", vlan="1-10")
    do("createPhysicalNetwork", zoneid=zone.uuid, name="one")
    with pytest.raises(InvalidParameter, match="has its physical network: one"):
        do("createPhysicalNetwork", zoneid=zone.uuid, name="two")


def test_two_physical_networks_on_one_device_share_no_vlan():
    zone = make_zone()
    first = make_wires(zone, "first", vlan="100-199")
    other = do("createPhysicalNetwork", zoneid=zone.uuid, name="other", vlan="150-250")
    with pytest.raises(InvalidParameter, match="VLANs 150-199 are physical network first's"):
        do("addTrafficType", physicalnetworkid=other["id"], traffictype="Guest")
    made = do("addTrafficType", physicalnetworkid=other["id"], traffictype="Guest",
              kvmnetworklabel="eth5")  # fmt: skip
    with pytest.raises(InvalidParameter, match="150-199"):
        do("updateTrafficType", id=made["id"], kvmnetworklabel="")
    do("updatePhysicalNetwork", id=first.uuid, vlan="100-149")
    do("updateTrafficType", id=made["id"], kvmnetworklabel="")
    with pytest.raises(InvalidParameter, match="VLANs 150-160 are physical network other's"):
        do("updatePhysicalNetwork", id=first.uuid, vlan="100-160")


def test_one_physical_network_carries_public_traffic_in_a_zone():
    zone = make_zone()
    make_wires(zone, "first")
    other = do("createPhysicalNetwork", zoneid=zone.uuid, name="other")
    with pytest.raises(InvalidParameter, match="first carries the Public traffic"):
        do("addTrafficType", physicalnetworkid=other["id"], traffictype="Public")
    with pytest.raises(InvalidParameter, match="cannot be a network device's name"):
        do("addTrafficType", physicalnetworkid=other["id"], traffictype="Storage",
           kvmnetworklabel="eth 1; reboot")  # fmt: skip


@pytest.mark.parametrize(
    "change, said",
    [
        ({"state": "Disabled"}, "is Disabled; enable it with updatePhysicalNetwork"),
        ({"tags": ["fast"]}, "has no tag slow"),
    ],
)
def test_a_network_finds_wires_that_suit_it_or_says_what_is_wrong(change, said):
    wires = make_wires()
    PhysicalNetwork.objects.filter(pk=wires.pk).update(**change)
    offering = make_network_offering(tags=["slow"] if "tags" in change else [])
    with pytest.raises(InvalidParameter, match=said):
        do("createNetwork", name="n", zoneid=wires.zone.uuid, networkofferingid=offering.uuid)
    assert not Network.objects.exists()


def test_a_chosen_vlan_of_the_guests_is_taken_out_of_them():
    wires = make_wires(vlan="100-101")
    offering = make_network_offering(specify_vlan=True)
    made = do("createNetwork", name="n", zoneid=wires.zone.uuid, vlan="100",
              networkofferingid=offering.uuid)  # fmt: skip
    assert made["vlan"] == "100"
    late = make_network(zone=wires.zone, physical_network=wires)
    with transaction.atomic():
        assert vlans.take(late) == "101"
    shared = make_network_offering(guest_type="Shared", specify_vlan=True)
    with pytest.raises(InvalidParameter, match="used by"):
        do("createNetwork", name="s", zoneid=wires.zone.uuid, vlan="101",
           networkofferingid=shared.uuid, gateway="10.3.0.1", netmask="255.255.255.0")  # fmt: skip


# -- permissions -------------------------------------------------------------------------


def test_an_account_that_is_let_in_plugs_machines_in_and_changes_nothing():
    owner, friend = make_caller(), make_caller()
    network = make_network(owner.account)
    with pytest.raises(InvalidParameter, match="may not use network"):
        nics.check_usable(network, friend.account, network.zone)
    do("createNetworkPermissions", owner, networkid=network.uuid, accounts=friend.account.name)
    nics.check_usable(network, friend.account, network.zone)
    assert execute(friend, "listNetworks", {"id": network.uuid}).count == 1
    with pytest.raises(NoSuchObject):
        do("updateNetwork", friend, id=network.uuid, name="mine now")
    with pytest.raises(NoSuchObject):
        do("listNetworkPermissions", friend, networkid=network.uuid)
    do("removeNetworkPermissions", owner, networkid=network.uuid, accounts=friend.account.name)
    assert execute(friend, "listNetworks", {}).count == 0


def test_permissions_are_for_others_and_for_networks_of_ones_own():
    owner = make_caller()
    network = make_network(owner.account)
    elsewhere = make_account(domain=make_domain())
    for given, said in (
        ({"accounts": owner.account.name}, "own"),
        ({"accounts": elsewhere.name}, "There is no account"),
        ({}, "Name somebody"),
    ):
        with pytest.raises(InvalidParameter, match=said):
            do("createNetworkPermissions", owner, networkid=network.uuid, **given)
    shared = make_network(guest_type="Shared")
    with pytest.raises(InvalidParameter, match="shared with a whole domain"):
        do("createNetworkPermissions", networkid=shared.uuid, accountids=elsewhere.uuid)
    with pytest.raises(InvalidParameter, match="has no permission"):
        do("removeNetworkPermissions", networkid=network.uuid, accountids=elsewhere.uuid)


def test_a_projects_members_use_a_network_their_project_was_let_into():
    owner, member = make_caller(), make_caller()
    network = make_network(owner.account)
    made = do("createProject", member, name="apollo", displaytext="Apollo")
    do("createNetworkPermissions", networkid=network.uuid, projectids=made["id"])
    project = Project.objects.get(uuid=made["id"])
    assert execute(caller_of(member.user), "listNetworks", {"id": network.uuid}).count == 1
    nics.check_usable(network, project.account, network.zone)
    do("resetNetworkPermissions", owner, networkid=network.uuid)
    assert not NetworkPermission.objects.exists()


def test_what_was_kept_for_an_account_that_goes_is_everybodys():
    wires = make_wires(vlan="100-199")
    account = make_account()
    row = make_public_range(wires.zone, account=account)
    vlans.dedicate(wires, account, "110-120")
    NetworkPermission.objects.create(network=make_network(), account=account)
    forget(account)
    row.refresh_from_db()
    assert (row.account, row.domain) == (None, None)
    assert not account.dedicated_vlan_ranges.filter(removed=None).exists()
    assert not NetworkPermission.objects.exists()


# -- at once -----------------------------------------------------------------------------


def _at_once(*functions):
    """All begin together, each with a connection of its own; what each came to."""
    start, results = threading.Barrier(len(functions)), [None] * len(functions)

    def run(index, function):
        start.wait()
        try:
            results[index] = function()
        except CloudError as error:
            results[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(functions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.django_db(transaction=True)
def test_of_two_administrators_one_gets_the_range():
    zone, caller = make_wires().zone, admin_caller()
    given = {"zoneid": zone.uuid, "gateway": "192.0.2.1", "netmask": "255.255.255.0",
             "startip": "192.0.2.10", "endip": "192.0.2.20"}  # fmt: skip
    results = _at_once(*[lambda: execute(caller, "createVlanIpRange", given)] * 2)
    refused = [r for r in results if isinstance(r, CloudError)]
    assert len(refused) == 1
    assert "overlaps the public range" in refused[0].message
    assert IpRange.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_networks_that_wake_at_once_get_vlans_of_their_own():
    wires = make_wires(vlan="100-103")
    make_public_range(wires.zone)
    networks = [make_network(zone=wires.zone, physical_network=wires) for _ in range(4)]

    def wake(network):
        def run():
            for attempt in range(20):
                try:
                    with transaction.atomic():
                        addresses.allocate(network)
                    return True
                except CloudError:
                    raise
                except Exception:  # SQLite: the database is locked; the dispatcher tries again
                    if attempt == 19:
                        raise
            return False

        return run

    assert _at_once(*[wake(n) for n in networks]) == [True] * 4
    rows = Network.objects.order_by("vlan")
    assert [n.vlan for n in rows] == ["100", "101", "102", "103"]
    taken = [n.public_ips.get().address for n in rows]
    assert len(set(taken)) == 4
