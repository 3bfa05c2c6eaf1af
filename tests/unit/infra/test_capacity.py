"""What hosts can give: reserved without races, summed per place, told of when it runs short."""

import threading

import pytest
from django.db import IntegrityError, connections, transaction

from api.dispatch import execute
from core.errors import InsufficientCapacity
from core.units import GIB
from infra.models import Alert, HostCapacity
from infra.services import capacities, capacity, thresholds
from infra.services.capacities import Amount
from tests.factories import admin_caller, make_caller, make_cluster, make_host, make_pod, make_zone

pytestmark = pytest.mark.django_db


def used(host):
    row = HostCapacity.objects.get(host=host)
    return row.cpu_used_mhz, row.memory_used_mb, row.cores_used


def test_what_is_reserved_is_given_back_whole():
    host = make_host()
    capacity.reserve(host, cpu_mhz=1000, memory_mb=512, cores=2)
    assert used(host) == (1000, 512, 2)
    capacity.release(host, cpu_mhz=1000, memory_mb=512, cores=2)
    assert used(host) == (0, 0, 0)


@pytest.mark.parametrize(
    "wanted, said",
    [
        ({"cpu_mhz": 32001, "memory_mb": 1}, "32001 MHz are needed and 32000 of 32000 are free"),
        ({"cpu_mhz": 1, "memory_mb": 65537}, "64 GiB of 64 GiB are free"),
    ],
)
def test_more_than_there_is_is_refused_in_figures(wanted, said):
    host = make_host()
    with pytest.raises(InsufficientCapacity, match=said):
        capacity.reserve(host, **wanted)
    assert used(host) == (0, 0, 0)
    assert said in capacity.fits(host, **wanted)
    assert capacity.fits(host, cpu_mhz=32000, memory_mb=65536) == ""


def test_a_host_that_has_not_said_what_it_has_gives_nothing():
    host = make_host()
    HostCapacity.objects.all().delete()
    with pytest.raises(InsufficientCapacity, match="has not said yet"):
        capacity.reserve(host, cpu_mhz=1, memory_mb=1)


def test_giving_back_more_than_was_taken_is_a_defect_the_database_stops():
    host = make_host()
    with pytest.raises(IntegrityError), transaction.atomic():
        capacity.release(host, cpu_mhz=1, memory_mb=0)


@pytest.mark.django_db(transaction=True)
def test_of_two_that_race_for_the_last_room_one_is_refused():
    host = make_host(cpus=10, cpu_speed_mhz=1000)
    gate, outcomes = threading.Barrier(8), []

    def take():
        try:
            gate.wait()
            with transaction.atomic():
                capacity.reserve(host, cpu_mhz=2500, memory_mb=1)
            outcomes.append("taken")
        except InsufficientCapacity:
            outcomes.append("refused")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["refused"] * 4 + ["taken"] * 4
    assert used(host) == (10000, 4, 0)


def test_sums_by_zone_pod_and_cluster():
    zone = make_zone()
    pod = make_pod(zone)
    one, two = make_cluster(pod), make_cluster(pod)
    host = make_host(one)
    make_host(two)
    make_host(two, resource_state="Disabled")
    make_host(zone=make_zone())
    capacity.reserve(host, cpu_mhz=16000, memory_mb=1024)

    def shown(**where):
        records = execute(admin_caller(), "listCapacity", where).records
        return {(r.get("clustername") or r["zonename"], r["name"]): r for r in records}

    by_zone = shown(zoneid=str(zone.uuid))
    cpu, memory = by_zone[zone.name, "CPU"], by_zone[zone.name, "MEMORY"]
    assert (cpu["capacitytotal"], cpu["capacityused"], cpu["percentused"]) == (
        64000, 16000, "25.00",
    )  # fmt: skip
    assert (memory["capacitytotal"], memory["capacityused"]) == (128 * GIB, GIB)
    by_cluster = shown(clusterid=str(one.uuid))
    assert by_cluster[one.name, "CPU"]["percentused"] == "50.00"
    assert by_cluster[one.name, "CPU"]["podname"] == pod.name
    fullest = execute(admin_caller(), "listCapacity", {"sortby": "usage", "type": "1"}).records
    assert [r["percentused"] for r in fullest] == ["50.00", "0.00", "0.00"]


def test_storage_adds_its_own_sums(monkeypatch):
    zone = make_zone()
    monkeypatch.setattr(capacities, "_providers", [
        lambda level, where: [Amount(capacities.STORAGE, zone.pk, total=100, used=80)]
    ])  # fmt: skip
    records = execute(admin_caller(), "listCapacity").records
    assert [(r["name"], r["percentused"]) for r in records] == [("STORAGE", "80.00")]


def test_places_show_their_capacities_only_when_asked(django_assert_max_num_queries):
    for _ in range(5):
        make_host()
    for name in ("listZones", "listPods", "listClusters"):
        plain = execute(admin_caller(), name).records
        assert all("capacity" not in r for r in plain)
        with django_assert_max_num_queries(18):
            full = execute(admin_caller(), name, {"showcapacities": "true"}).records
        assert [r["capacity"][1]["capacitytotal"] for r in full] == [32000] * 5


def test_capacities_are_the_operators_matter():
    make_host()
    assert execute(make_caller("ResourceAdmin"), "listCapacity").records == []
    zone = execute(make_caller(), "listZones", {"showcapacities": "true"}).records[0]
    assert "capacity" not in zone


def test_a_cluster_that_runs_full_raises_one_alert_until_there_is_room():
    host = make_host()
    capacity.reserve(host, cpu_mhz=24001, memory_mb=1)
    assert thresholds.check() == 1
    thresholds.check()
    alert = Alert.objects.get()
    assert (alert.type, alert.count, alert.cluster) == (1, 2, host.cluster)
    assert alert.name == f"Cpu of {host.cluster} runs short"
    capacity.release(host, cpu_mhz=2000, memory_mb=0)
    assert thresholds.check() == 0
    alert.refresh_from_db()
    assert alert.resolved is not None
