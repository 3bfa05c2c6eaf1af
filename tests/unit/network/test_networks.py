"""Networks through their commands."""

import pytest
from django.db import transaction

from accounts.models import ResourceCount
from accounts.services.limits import Resource
from api.dispatch import execute
from core.errors import InUse, InvalidParameter, NoSuchObject, PermissionDenied
from jobs.models import AsyncJob, JobStatus, Lease
from jobs.worker import run_everything
from network.models import GuestAddress, Network, NetworkOffering, Router
from network.services import addresses, networks, offerings, routers
from tests.factories import (
    admin_caller,
    make_caller,
    make_domain,
    make_host,
    make_network,
    make_network_offering,
    make_wires,
    make_zone,
)

pytestmark = pytest.mark.django_db(transaction=True)


def create(caller, zone, offering, **more):
    given = {"name": "web", "zoneid": zone.uuid, "networkofferingid": offering.uuid, **more}
    return execute(caller, "createNetwork", given).record()


def used(account) -> int:
    row = ResourceCount.objects.filter(account=account, resource=Resource.NETWORK).first()
    return row.used if row else 0


def test_a_tenant_makes_an_isolated_network_with_a_subnet_of_its_own():
    caller, zone = make_caller(), make_wires().zone
    made = create(caller, zone, make_network_offering(), gateway="10.9.0.1", netmask="255.255.0.0")
    assert (made["cidr"], made["type"], made["state"]) == ("10.9.0.0/16", "Isolated", "Allocated")
    assert made["networkdomain"].endswith(".cloud.internal")
    assert used(caller.account) == 1


def test_without_a_gateway_an_isolated_network_has_the_usual_subnet():
    made = create(make_caller(), make_wires().zone, make_network_offering())
    assert (made["cidr"], made["gateway"]) == ("10.1.1.0/24", "10.1.1.1")


def test_names_may_be_in_any_script():
    made = create(make_caller(), make_wires().zone, make_network_offering(), name="前端网络")
    assert made["name"] == "前端网络"


@pytest.mark.parametrize(
    "given, said",
    [
        ({"gateway": "10.9.0.1", "netmask": "255.0.255.0"}, "not a subnet"),
        ({"gateway": "10.9.0.1", "netmask": "255.255.255.255"}, "not a usable size"),
        ({"gateway": "nine", "netmask": "255.255.255.0"}, "not a subnet"),
        ({"gateway": "10.9.0.1", "netmask": "255.255.255.0", "startip": "10.8.0.2"},
         "does not lie in"),
        ({"ip6cidr": "fd00::/48"}, "must be a /64"),
        ({"ip6cidr": "fd00::/64", "ip6gateway": "fd01::1"}, "not in fd00::/64"),
        ({"networkdomain": "no spaces.example"}, "not a DNS name"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_and_leaves_nothing(given, said):
    caller, zone = make_caller(), make_wires().zone
    with pytest.raises(InvalidParameter, match=said):
        create(caller, zone, make_network_offering(), **given)
    assert not Network.everything.exists()
    assert used(caller.account) == 0


def test_only_a_root_administrator_makes_a_shared_network():
    zone, offering = make_zone(), make_network_offering(guest_type="Shared")
    with pytest.raises(PermissionDenied, match="root administrator"):
        create(make_caller("DomainAdmin"), zone, offering, gateway="10.9.0.1", netmask="24")


def test_a_disabled_offering_is_refused():
    with pytest.raises(InvalidParameter, match="not enabled"):
        create(make_caller(), make_zone(), make_network_offering(state="Disabled"))


def test_a_shared_network_of_root_is_seen_by_everybody_and_changed_by_nobody_else():
    network = make_network(admin_caller().account, guest_type="Shared")
    caller = make_caller(domain=make_domain())
    listed = execute(caller, "listNetworks", {}).records
    assert [n["name"] for n in listed] == [network.name]
    with pytest.raises(NoSuchObject):
        execute(caller, "deleteNetwork", {"id": network.uuid})


def test_a_shared_network_of_a_domain_is_unseen_elsewhere():
    here, elsewhere = make_domain(), make_domain()
    make_network(make_caller(domain=here).account, guest_type="Shared")
    below = make_caller(domain=make_domain(parent=here))
    assert len(execute(below, "listNetworks", {}).records) == 1
    assert execute(make_caller(domain=elsewhere), "listNetworks", {}).records == []


def test_without_subdomain_access_only_the_domain_itself_sees_it():
    here = make_domain()
    make_network(make_caller(domain=here).account, guest_type="Shared", subdomain_access=False)
    assert len(execute(make_caller(domain=here), "listNetworks", {}).records) == 1
    below = make_caller(domain=make_domain(parent=here))
    assert execute(below, "listNetworks", {}).records == []


def test_a_vlan_is_taken_once():
    caller, zone = admin_caller(), make_wires().zone
    offering = make_network_offering(specify_vlan=True)
    create(caller, zone, offering, vlan="100")
    with pytest.raises(InvalidParameter, match="VLAN 100 is used by network web"):
        create(caller, zone, offering, name="db", vlan="100")


def test_a_network_in_use_says_so_and_stays():
    caller = make_caller()
    network = make_network(caller.account)
    with transaction.atomic():
        addresses.allocate(network)
    with pytest.raises(InUse, match="are in use: 1 "):
        execute(caller, "deleteNetwork", {"id": network.uuid})
    network.refresh_from_db()
    assert network.state == "Allocated"


def test_deleting_takes_router_quota_and_row(world):
    caller, zone = make_caller(), make_wires().zone
    made = create(caller, zone, make_network_offering())
    network, host = Network.objects.get(uuid=made["id"]), make_host(zone=zone)
    routers.apply(None, network, host)
    job = execute(caller, "deleteNetwork", {"id": network.uuid}).job
    run_everything()
    job.refresh_from_db()
    assert job.status == JobStatus.DONE, job.error_text
    assert not Network.objects.exists()
    assert not Router.objects.exists()
    assert used(caller.account) == 0
    assert not Lease.objects.exclude(job=None).exists()


def test_a_deletion_that_fails_gives_the_network_back(world, monkeypatch):
    caller, zone = make_caller(), make_wires().zone
    network = make_network(caller.account, zone=zone)
    execute(caller, "deleteNetwork", {"id": network.uuid})
    GuestAddress.objects.create(network=network, mac="02:00:00:00:00:01")
    run_everything()
    network.refresh_from_db()
    assert AsyncJob.objects.get().status == JobStatus.FAILED
    assert network.state == "Shutdown"
    assert network.can_use_for_deploy


def test_restarting_applies_the_router_anew(world):
    caller, zone = make_caller(), make_wires().zone
    network, host = make_network(caller.account, zone=zone), make_host(zone=zone)
    routers.apply(None, network, host)
    before = Router.objects.get().applied_version
    execute(caller, "restartNetwork", {"id": network.uuid})
    run_everything()
    assert Router.objects.get().applied_version > before


def test_built_in_offerings_are_made_once():
    offerings.ensure_built_in()
    offerings.ensure_built_in()
    assert NetworkOffering.objects.filter(is_default=True).count() == len(offerings.BUILT_IN)


def test_an_offering_in_use_cannot_be_deleted():
    network = make_network()
    with pytest.raises(InUse, match=network.name):
        execute(admin_caller(), "deleteNetworkOffering", {"id": network.offering.uuid})


def test_an_offering_with_a_service_nobody_provides_is_refused():
    given = {"name": "x", "guestiptype": "Isolated", "traffictype": "Guest",
             "supportedservices": "Dhcp,Magic"}  # fmt: skip
    with pytest.raises(InvalidParameter, match="Magic"):
        execute(admin_caller(), "createNetworkOffering", given)


def test_a_list_of_networks_costs_the_same_however_long(django_assert_max_num_queries):
    caller = make_caller()
    for _ in range(20):
        make_network(caller.account)
    with django_assert_max_num_queries(8):
        assert len(execute(caller, "listNetworks", {}).records) == 20


@pytest.mark.parametrize("name", ["acme.example\n", "a b", "-a.example", "a..example", "1.2.3.4"])
def test_a_domain_that_dns_could_not_say_is_refused(name):
    with pytest.raises(InvalidParameter, match="not a DNS name"):
        networks.check_domain_name(name)
