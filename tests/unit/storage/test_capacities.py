"""Storage in listCapacity."""

import pytest

from api.dispatch import execute
from core.units import GIB
from infra.services import configuration
from tests.factories import admin_caller, make_host, make_pool, make_store, make_zone

pytestmark = pytest.mark.django_db


def listed(**given) -> dict[int, tuple[int, int]]:
    records = execute(admin_caller(), "listCapacity", given).records
    return {
        r["type"]: (r["capacityused"], r["capacitytotal"])
        for r in records
        if r["type"] in (2, 3, 6, 9)
    }


def test_pools_and_stores_are_summed_by_kind_with_their_overcommit():
    host = make_host()
    sizes = {"capacity_bytes": 100 * GIB, "used_bytes": 10 * GIB}
    make_pool(cluster=host.cluster, allocated_bytes=30 * GIB, **sizes)
    own = make_pool(cluster=host.cluster, allocated_bytes=5 * GIB, **sizes)
    make_pool(host=host, allocated_bytes=7 * GIB, **sizes)
    make_pool(cluster=host.cluster, state="Maintenance", **sizes)
    make_store(host.zone, **sizes)
    configuration.set_value("storage.overprovisioning.factor", "3.0", own)
    assert listed(zoneid=host.zone.uuid) == {
        2: (30 * GIB, 300 * GIB),
        3: (35 * GIB, 500 * GIB),
        9: (7 * GIB, 200 * GIB),
        6: (10 * GIB, 100 * GIB),
    }
    assert listed(clusterid=host.cluster.uuid)[3] == (35 * GIB, 500 * GIB)


def test_a_place_without_storage_lists_none():
    make_pool(cluster=make_host().cluster)
    assert listed(zoneid=make_zone().uuid) == {}
