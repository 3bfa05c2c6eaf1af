"""Hosts: added only when they are fit, changed, taken away when nothing uses them."""

import pytest
from django.db import transaction

from agent import protocol
from api.dispatch import execute
from core.errors import CloudError, InUse, InvalidParameter, NotAllowedInState
from infra import agents
from infra.models import Alert, Host, HostCapacity
from infra.services import preflight
from infra.services.preflight import NotFit
from jobs.models import AsyncJob, JobStatus
from jobs.worker import run_everything
from tests.factories import admin_caller, make_cluster, make_host, make_pod

pytestmark = pytest.mark.django_db


def add(cluster, url="http://sim-1", **more):
    return execute(
        admin_caller(),
        "addHost",
        {
            "zoneid": str(cluster.zone.uuid),
            "podid": str(cluster.pod.uuid),
            "clusterid": str(cluster.uuid),
            "hypervisor": "Simulator",
            "url": url,
            **more,
        },
    )


def test_a_new_host_is_connecting_and_comes_up_in_its_job(world):
    outcome = add(make_cluster(), hosttags="ssd,gpu")
    assert [(r["name"], r["state"]) for r in outcome.records] == [("sim-1", "Connecting")]
    assert outcome.count == 1

    run_everything()

    host = Host.objects.get(name="sim-1")
    assert (host.status, host.reason, host.cpus, host.tags) == ("Up", "", 16, ["ssd", "gpu"])
    room = HostCapacity.objects.get(host=host)
    assert (room.cpu_limit_mhz, room.memory_limit_mb) == (16 * 2400, 65536)
    job = AsyncJob.objects.get(command="addHost")
    assert job.status == JobStatus.DONE
    assert job.steps.first().result["checks"][0]["passed"] is True


def test_a_simulated_host_is_known_by_its_url_also_after_it_was_taken_away(world):
    cluster = make_cluster()
    (made,) = add(cluster, url="http://sim/c0/h0").records
    assert made["name"] == "sim-c0-h0"
    with pytest.raises(InvalidParameter, match="host sim-c0-h0 already"):
        add(cluster, url="http://sim/c0/h0/")
    add(cluster, url="http://sim/c0/h1")
    run_everything()

    first = Host.objects.get(name="sim-c0-h0")
    assert (first.status, first.cpu_sockets) == ("Up", 4)
    assert first.address.startswith("172.")
    execute(admin_caller(), "deleteHost", {"id": str(first.uuid)})
    add(cluster, url="http://sim/c0/h0")
    run_everything()

    again = Host.objects.get(name="sim-c0-h0")
    assert (again.machine, again.address) == (first.machine, first.address)
    assert Host.objects.get(name="sim-c0-h1").machine != first.machine


def test_a_host_that_fails_its_checks_leaves_nothing_but_an_alert_that_says_why(world):
    cluster = make_cluster()
    add(cluster)
    world.take_down(Host.objects.get(name="sim-1").machine)

    run_everything()

    assert not Host.objects.exists()
    assert not HostCapacity.objects.exists()
    job = AsyncJob.objects.get(command="addHost")
    assert job.status == JobStatus.FAILED
    assert "hypervisor" in job.error_text
    assert job.error_details[0]["cure"]
    alert = Alert.objects.get()
    assert alert.name == "Host sim-1 was not added"
    assert alert.description == job.error_text
    # Its name is free again.
    add(cluster)


def test_a_host_of_another_hypervisor_is_not_taken_into_a_cluster(world):
    add(make_cluster())
    Host.objects.update(hypervisor="KVM")
    cluster = Host.objects.get().cluster
    cluster.hypervisor = "KVM"
    cluster.save()
    run_everything()
    assert "runs Simulator" in AsyncJob.objects.get().error_text
    assert not Host.objects.exists()


def test_one_machine_is_not_two_hosts(world):
    first = make_host(machine="the-same")
    add(make_cluster())
    second = Host.objects.get(name="sim-1")
    facts = protocol.HostFacts("x", "the-same", 1, 1, 1000, 512, "Simulator", "simulated")
    with pytest.raises(NotFit, match=f"host {first.name} already"):
        preflight.accept(second, facts)


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"hypervisor": "KVM"}, "for Simulator hosts"),
        ({"hypervisor": "Xen"}, "no driver"),
        ({"url": "http://"}, "names no machine"),
        ({"clusterid": ""}, "which cluster"),
        ({"clusterid": "", "clustername": "none"}, "no cluster named none"),
        ({"hosttags": 'a"b'}, "is no tag"),
    ],
)
def test_a_wrong_request_to_add_a_host_changes_nothing(changes, said):
    with pytest.raises(InvalidParameter, match=said):
        add(make_cluster(), **changes)
    assert not Host.everything.exists()
    assert not AsyncJob.objects.exists()


def test_pod_and_cluster_must_belong_together():
    with pytest.raises(InvalidParameter, match="not in pod"):
        add(make_cluster(pod := make_pod()), podid=str(make_pod(pod.zone).uuid))


def test_a_kvm_machine_elsewhere_is_told_to_enrol():
    cluster = make_cluster(hypervisor="KVM")
    with pytest.raises(InvalidParameter, match="createHostEnrolment"):
        add(cluster, url="http://192.0.2.7", hypervisor="KVM")


def test_checking_a_machine_shows_each_check_and_adds_nothing(world):
    cluster = make_cluster()
    outcome = execute(
        admin_caller(), "checkHost", {"clusterid": str(cluster.uuid), "url": "http://sim-9"}
    )
    run_everything()
    outcome.job.refresh_from_db()
    assert outcome.job.status == JobStatus.DONE
    assert outcome.job.steps.get().result["checks"][0]["name"] == "hypervisor"
    assert not Host.everything.exists()


def test_reconnecting_reads_the_facts_anew(world):
    host = make_host(status="Alert", cpus=4)
    execute(admin_caller(), "reconnectHost", {"id": str(host.uuid)})
    host.refresh_from_db()
    assert host.status == "Connecting"
    run_everything()
    host.refresh_from_db()
    assert (host.status, host.facts["hypervisor"]) == ("Up", "Simulator")


def test_a_host_that_cannot_be_reconnected_is_in_alert_with_the_reason(world):
    host = make_host()
    world.faults.fail("host.facts", protocol.OperationFailed("libvirt said no"), times=9)
    execute(admin_caller(), "reconnectHost", {"id": str(host.uuid)})
    run_everything()
    host.refresh_from_db()
    assert (host.status, host.reason) == ("Alert", "libvirt said no")


def test_a_connecting_host_is_not_reconnected_twice(world):
    host = make_host(status="Connecting")
    with pytest.raises(NotAllowedInState, match="connecting already"):
        execute(admin_caller(), "reconnectHost", {"id": str(host.uuid)})


def test_disabling_and_enabling_a_host():
    host = make_host()
    shown = execute(
        admin_caller(), "updateHost", {"id": str(host.uuid), "allocationstate": "Disable"}
    ).record()
    assert shown["resourcestate"] == "Disabled"
    execute(admin_caller(), "updateHost", {"id": str(host.uuid), "allocationstate": "Enable"})
    host.refresh_from_db()
    assert host.resource_state == "Enabled"


def test_tags_are_replaced_as_a_whole():
    host = make_host(tags=["old"])
    shown = execute(
        admin_caller(), "updateHost", {"id": str(host.uuid), "hosttags": "fast,gpu"}
    ).record()
    assert shown["hosttags"] == "fast,gpu"
    tags = execute(admin_caller(), "listHostTags").records
    assert [t["name"] for t in tags] == ["fast", "gpu"]
    found = execute(admin_caller(), "listHosts", {"hosttag": "gpu"})
    assert [r["name"] for r in found.records] == [host.name]
    assert execute(admin_caller(), "listHosts", {"hosttag": "gp"}).count == 0


def test_a_deleted_host_frees_its_name_and_machine(world):
    host = make_host(machine="m-1")
    execute(admin_caller(), "deleteHost", {"id": str(host.uuid)})
    gone = Host.everything.get(pk=host.pk)
    assert (gone.status, gone.machine, gone.removed is not None) == ("Removed", None, True)
    assert not HostCapacity.objects.exists()
    again = make_host(gone.cluster, name=gone.name, machine="m-1")
    assert execute(admin_caller(), "listHosts").count == 1
    assert again.pk != gone.pk


def test_a_zone_with_hosts_cannot_be_deleted_and_says_what_is_in_it():
    host = make_host()
    with pytest.raises(InUse, match=f"pod {host.pod.name}.*cluster {host.cluster.name}"):
        execute(admin_caller(), "deleteZone", {"id": str(host.zone.uuid)})
    with pytest.raises(InUse, match=f"host {host.name}"):
        execute(admin_caller(), "deleteCluster", {"id": str(host.cluster.uuid)})


def test_nothing_above_is_needed_to_take_an_empty_tree_down(world):
    host = make_host()
    caller = admin_caller()
    for name, row in (
        ("deleteHost", host),
        ("deleteCluster", host.cluster),
        ("deletePod", host.pod),
        ("deleteZone", host.zone),
    ):
        execute(caller, name, {"id": str(row.uuid)})
    assert execute(caller, "listZones").count == 0


def test_a_call_inside_a_transaction_is_refused(world):
    host = make_host()
    assert agents.call(host, "host.facts").hypervisor == "Simulator"
    with transaction.atomic(), pytest.raises(RuntimeError, match="inside a database transaction"):
        agents.call(host, "host.facts")


def test_without_an_agent_the_refusal_says_so():
    agents.use_simulated(None)
    with pytest.raises(protocol.HostUnavailable, match="runs no simulator"):
        agents.call(make_host(), "host.facts")
    local = make_host(name="here")
    local.link = "local"
    with pytest.raises(protocol.HostUnavailable, match="runs no host agent"):
        agents.call(local, "host.facts")
    local.link = "remote"
    with pytest.raises(protocol.HostUnavailable, match="not connected"):
        agents.call(local, "host.facts")


def test_picking_a_host_prefers_one_of_this_machine():
    cluster = make_cluster()
    make_host(cluster)
    here = make_host(cluster)
    Host.objects.filter(pk=here.pk).update(link="local")
    assert agents.pick_host(cluster.zone) == here
    Host.objects.update(status="Down")
    with pytest.raises(CloudError, match="No host of zone"):
        agents.pick_host(cluster.zone, for_="secondary storage")
