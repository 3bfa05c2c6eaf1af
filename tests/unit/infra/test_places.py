"""Zones, pods and clusters: made, changed, seen by those who may."""

import pytest

from api.dispatch import execute
from core.errors import CloudError, InvalidParameter
from infra.models import Pod, Zone
from infra.services import configuration
from tests.factories import (
    admin_caller,
    make_caller,
    make_cluster,
    make_domain,
    make_host,
    make_pod,
    make_pool,
    make_system_vm,
    make_zone,
)

pytestmark = pytest.mark.django_db

ZONE = {
    "name": "北京一区",
    "networktype": "advanced",
    "dns1": "8.8.8.8",
    "internaldns1": "10.0.0.1",
}


def do(command, /, **parameters):
    return execute(admin_caller(), command, parameters).record()


def test_a_zone_shows_what_it_was_made_with():
    made = do("createZone", **ZONE, ip6dns1="2001:DB8::1", guestcidraddress="10.1.0.0/16")
    assert (made["name"], made["networktype"], made["allocationstate"]) == (
        "北京一区", "Advanced", "Enabled",
    )  # fmt: skip
    assert made["ip6dns1"] == "2001:db8::1"
    changed = do("updateZone", id=str(made["id"]), dns2="9.9.9.9", allocationstate="disabled")
    assert (changed["dns2"], changed["allocationstate"]) == ("9.9.9.9", "Disabled")


@pytest.mark.parametrize(
    "wrong, said",
    [
        ({"dns1": "8.8.8"}, "dns1 is not an IP address"),
        ({"dns1": "2001:db8::1"}, "dns1 must be an IPv4 address"),
        ({"ip6dns1": "8.8.8.8"}, "ip6dns1 must be an IPv6 address"),
        ({"guestcidraddress": "10.1.1.1"}, "not a network"),
        ({"guestcidraddress": "10.1.1.1/24"}, "not a network"),
        ({"domain": "-bad-"}, "not a DNS domain"),
        ({"networktype": "Flat"}, "Basic, Advanced"),
        ({"name": "  "}, "name"),
    ],
)
def test_a_zone_is_not_made_from_nonsense(wrong, said):
    with pytest.raises(InvalidParameter, match=said):
        do("createZone", **{**ZONE, **wrong})
    assert not Zone.objects.exists()


def test_names_are_unique_among_the_living():
    first = do("createZone", **ZONE)
    with pytest.raises(InvalidParameter, match="already a zone named 北京一区"):
        do("createZone", **ZONE)
    do("deleteZone", id=str(first["id"]))
    do("createZone", **ZONE)


def test_a_basic_zone_has_security_groups():
    assert do("createZone", **{**ZONE, "networktype": "Basic"})["securitygroupsenabled"] is True


def test_who_sees_which_zone():
    domain = make_domain()
    child, other = make_domain(parent=domain), make_domain()
    public, closed = make_zone("public"), make_zone("closed", allocation_state="Disabled")
    make_zone("theirs", domain=domain)

    def seen(caller):
        return {r["name"] for r in execute(caller, "listZones").records}

    assert seen(make_caller(domain=child)) == {"public", "theirs"}
    assert seen(make_caller(domain=domain)) == {"public", "theirs"}
    assert seen(make_caller(domain=other)) == {public.name}
    assert seen(make_caller("DomainAdmin", domain.parent)) == {"public", "theirs"}
    assert seen(admin_caller()) == {"public", closed.name, "theirs"}


def test_users_are_not_told_the_operators_name_servers():
    make_zone()
    shown = execute(make_caller(), "listZones").records[0]
    assert "dns1" not in shown
    assert "internaldns1" not in shown


def test_a_domains_zone_is_opened_but_never_closed_again():
    zone = make_zone(domain=make_domain())
    assert "domainid" not in do("updateZone", id=str(zone.uuid), ispublic="true")
    with pytest.raises(InvalidParameter, match="public and stays so"):
        do("updateZone", id=str(zone.uuid), ispublic="false")


POD = {"gateway": "10.0.0.1", "netmask": "255.255.255.0", "startip": "10.0.0.10",
       "endip": "10.0.0.20"}  # fmt: skip


def test_a_pod_shows_its_addresses():
    made = do("createPod", name="p", zoneid=str(make_zone().uuid), **POD)
    assert (made["startip"], made["endip"]) == (["10.0.0.10"], ["10.0.0.20"])
    assert made["ipranges"][0]["gateway"] == "10.0.0.1"


@pytest.mark.parametrize(
    "wrong, said",
    [
        ({"netmask": ""}, "need gateway and netmask"),
        ({"netmask": "255.0.255.0"}, "no IPv4 network"),
        ({"startip": "10.0.0.30"}, "lies behind"),
        ({"endip": "10.0.1.5"}, "does not lie in"),
        ({"startip": "10.0.0.1"}, "gateway 10.0.0.1 lies in the range"),
        ({"startip": ""}, "goes with startip"),
        ({"gateway": "here"}, "gateway is not an IP address"),
    ],
)
def test_a_pods_addresses_must_agree(wrong, said):
    with pytest.raises(InvalidParameter, match=said):
        do("createPod", name="p", zoneid=str(make_zone().uuid), **{**POD, **wrong})
    assert not Pod.objects.exists()


def test_pods_of_a_zone_do_not_share_addresses():
    zone = str(make_zone().uuid)
    do("createPod", name="a", zoneid=zone, **POD)
    with pytest.raises(InvalidParameter, match="overlaps the addresses of pod a"):
        do("createPod", name="b", zoneid=zone, **{**POD, "startip": "10.0.0.20", "endip": ""})


def test_a_cluster_belongs_to_a_pod_of_its_zone():
    pod, elsewhere = make_pod(), make_zone()
    wanted = {"clustername": "c", "clustertype": "CloudManaged", "hypervisor": "kvm"}
    made = do("addCluster", **wanted, podid=str(pod.uuid), zoneid=str(pod.zone.uuid))
    assert (made["hypervisortype"], made["cpuovercommitratio"]) == ("KVM", "1.0")
    with pytest.raises(InvalidParameter, match="is not in zone"):
        do("addCluster", **wanted, podid=str(pod.uuid), zoneid=str(elsewhere.uuid))


def test_a_clusters_hypervisor_is_settled_once_it_has_hosts():
    cluster = make_cluster()
    assert do("updateCluster", id=str(cluster.uuid), hypervisor="KVM")["hypervisortype"] == "KVM"
    make_host(cluster)
    with pytest.raises(InvalidParameter, match="only while it is empty"):
        do("updateCluster", id=str(cluster.uuid), hypervisor="Simulator")
    do("updateCluster", id=str(cluster.uuid), hypervisor="KVM", clustername="renamed")


def test_pods_clusters_and_hosts_are_hidden_from_users():
    make_host()
    for name in ("listPods", "listClusters", "listHosts"):
        assert execute(make_caller("ResourceAdmin"), name).count == 0
        with pytest.raises(CloudError):
            execute(make_caller(), name)


def test_lists_filter_by_place_and_state():
    host, other = make_host(), make_host(status="Alert")

    def names(command, **where):
        return [r["name"] for r in execute(admin_caller(), command, where).records]

    assert names("listHosts", state="alert") == [other.name]
    assert names("listHosts", zoneid=str(host.zone.uuid)) == [host.name]
    assert names("listHosts", clusterid=str(host.cluster.uuid), hypervisor="simulator") == [
        host.name
    ]
    assert names("listHosts", type="SecondaryStorageVM") == []
    assert names("listHosts", keyword="HOST", page="1", pagesize="1") == [host.name]
    assert names("listClusters", podid=str(other.pod.uuid)) == [other.cluster.name]
    assert names("listPods", zoneid=str(other.zone.uuid)) == [other.pod.name]


def test_a_host_shows_as_much_as_is_asked(django_assert_max_num_queries):
    for _ in range(20):
        make_host(facts={"kernel": "6.1"})
    caller = admin_caller()
    execute(caller, "listHosts")
    with django_assert_max_num_queries(6):  # for each: the count, the keys, the rows
        lean = execute(caller, "listHosts", {"details": "min"}).records
        usual = execute(caller, "listHosts").records
    full = execute(admin_caller(), "listHosts", {"details": "all"}).records
    assert "cpuallocated" not in lean[0]
    assert usual[0]["cpuallocated"] == "0.00%"
    assert "details" not in usual[0]
    assert full[0]["details"] == {"kernel": "6.1"}
    assert (full[0]["memorytotal"], full[0]["memorywithoverprovisioning"]) == (
        64 * 2**30, str(64 * 2**30),
    )  # fmt: skip


def test_the_whole_at_a_glance():
    host = make_host()
    make_pool(cluster=host.cluster)
    make_system_vm(host.zone, host=host)
    counts = do("listInfrastructure")
    assert (counts["storagepools"], counts["imagestores"], counts["systemvms"]) == (1, 0, 1)
    assert {k: counts[k] for k in ("zones", "pods", "clusters", "hosts", "cpusockets")} == {
        "zones": 1, "pods": 1, "clusters": 1, "hosts": 1, "cpusockets": 1,
    }  # fmt: skip


def test_clusters_are_made_of_hypervisors_that_are_offered_only():
    configuration.set_value("hypervisor.list", "KVM")
    shown = execute(admin_caller(), "listHypervisors", {}).value
    assert [h["name"] for h in shown] == ["KVM"]
    pod = make_pod()
    about = {"zoneid": str(pod.zone.uuid), "podid": str(pod.uuid), "clustername": "c",
             "clustertype": "CloudManaged"}  # fmt: skip
    with pytest.raises(InvalidParameter, match=r"hypervisor\.list does not name it"):
        execute(admin_caller(), "addCluster", {**about, "hypervisor": "Simulator"})
    execute(admin_caller(), "addCluster", {**about, "hypervisor": "kvm"})
