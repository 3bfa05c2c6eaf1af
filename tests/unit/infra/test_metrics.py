"""Places and hosts with what was measured of them."""

import base64
import hashlib
import hmac

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.services import keys
from api.dispatch import execute
from core.errors import InvalidParameter
from infra.models import HostCapacity, HostSample
from infra.services import capacities, configuration
from infra.services.thresholds import CPU_FULL, THRESHOLDS
from tests.factories import (
    admin_caller,
    make_cluster,
    make_host,
    make_pod,
    make_pool,
    make_user,
    make_vm,
    make_volume,
    make_zone,
)

pytestmark = pytest.mark.django_db


def ask(command, **given):
    return execute(admin_caller(), command, {k: str(v) for k, v in given.items()})


def loaded(cluster, cpu_percent, memory_used_mb, given_mhz=0):
    host = make_host(cluster)  # 16 × 2000 MHz, 64 GiB
    HostSample.objects.create(
        host=host, cpu_used_percent=cpu_percent, memory_used_mb=memory_used_mb
    )
    HostCapacity.objects.filter(host=host).update(cpu_used_mhz=given_mhz)
    return host


def test_a_clusters_figures_are_those_of_its_hosts():
    cluster = make_cluster()
    loaded(cluster, 20, 16384, given_mhz=16000)
    loaded(cluster, 40, 16384, given_mhz=0)
    make_host(cluster, status="Down")
    (shown,) = ask("listClustersMetrics", id=cluster.uuid).records
    assert shown["hosts"] == "2 / 3"
    assert shown["cputotal"] == "96.00 Ghz"
    assert shown["cpuused"] == "20.00%"  # of all three: 0.2 × 32 + 0.4 × 32 of 96 GHz
    assert shown["cpuallocated"] == "16.67%"
    assert shown["cpumaxdeviation"] == "10.00%"
    assert shown["memoryused"] == "16.67%"
    assert shown["cputhreshold"] is False


def test_thresholds_are_those_of_the_place():
    cluster = make_cluster()
    host = loaded(cluster, 50, 1024)
    assert ask("listHostsMetrics", id=host.uuid).records[0]["cputhreshold"] is False
    configuration.set_value(THRESHOLDS[capacities.CPU].name, "0.4", cluster)
    shown = ask("listHostsMetrics", id=host.uuid).records[0]
    assert shown["cputhreshold"] is True
    assert shown["memorythreshold"] is False
    (shown,) = ask("listClustersMetrics", id=cluster.uuid).records
    assert shown["cputhreshold"] is True
    assert shown["cpudisablethreshold"] is False
    configuration.set_value(CPU_FULL.name, "0.45", cluster)
    (shown,) = ask("listClustersMetrics", id=cluster.uuid).records
    assert shown["cpudisablethreshold"] is True
    assert shown["memoryallocateddisablethreshold"] is False


def test_a_zone_without_hosts_has_no_load():
    (shown,) = ask("listZonesMetrics", id=make_zone().uuid).records
    assert (shown["clusters"], shown["cpuused"], shown["memorythreshold"]) == (
        "0 / 0", "0.00%", False,
    )  # fmt: skip


def test_pools_say_how_full_they_are():
    pool = make_pool(used_bytes=900 * 2**30, allocated_bytes=0)  # of 1 TiB
    (shown,) = ask("listStoragePoolsMetrics", id=pool.uuid).records
    assert shown["storageusagethreshold"] is True
    assert shown["storageusagedisablethreshold"] is True
    assert shown["storageallocatedthreshold"] is False
    assert shown["disksizeunallocatedgb"] == "2048.00 GB"  # overcommitted twice


def _hosts(n):
    for _ in range(n):
        loaded(make_cluster(), 10, 100)


def _clusters(n):
    pod = make_pod()
    for _ in range(n):
        loaded(make_cluster(pod), 10, 100)


def _zones(n):
    for _ in range(n):
        make_zone()


def _pools(n):
    for _ in range(n):
        make_pool()


def _volumes(n):
    for _ in range(n):
        make_volume()


@pytest.mark.parametrize(
    ("command", "make"),
    [
        ("listHostsMetrics", _hosts),
        ("listClustersMetrics", _clusters),
        ("listZonesMetrics", _zones),
        ("listStoragePoolsMetrics", _pools),
        ("listVolumesMetrics", _volumes),
    ],
)
def test_the_number_of_queries_is_that_of_one_row(command, make):
    def count():
        configuration.stored("warm")
        with CaptureQueriesContext(connection, ) as seen:
            found = ask(command, listall="true")
        return found.count, len(seen)

    make(1)
    ask(command, listall="true")
    few, with_few = count()
    make(12)
    many, with_many = count()
    assert many >= few + 12
    assert with_many <= with_few + 1


def test_the_identifier_is_signed_with_the_users_own_key():
    user = make_user()
    with pytest.raises(InvalidParameter, match="no keys"):
        ask("getCloudIdentifier", userid=user.uuid)
    _, secret = keys.register(user)
    found = ask("getCloudIdentifier", userid=user.uuid).value
    name = found["cloudidentifier"]
    wanted = hmac.new(secret.encode(), name.encode(), hashlib.sha1).digest()
    assert found["signature"] == base64.b64encode(wanted).decode()


def test_machines_are_counted_on_their_hosts():
    vm = make_vm("Running")
    (shown,) = ask("listHostsMetrics", id=vm.host.uuid).records
    assert shown["instances"] == "1 / 1"
