"""A zone with a simulated host, a pool and a store, all ready for work."""

from dataclasses import dataclass

import pytest

from agent import protocol as p
from infra import agents
from infra.models import Host, Zone
from storage.models import ImageStore, StoragePool
from storage.services import reach
from tests.factories import make_host, make_pool, make_store, make_zone
from tests.unit.storage.cloud import Cloud


@dataclass
class Site:
    zone: Zone
    host: Host
    pool: StoragePool
    store: ImageStore


@pytest.fixture
def site(db, world):
    zone = make_zone()
    host = make_host(zone=zone)
    pool = make_pool(cluster=host.cluster, name="primary")
    store = make_store(zone, name="secondary")
    agents.call(host, "pool.prepare", p.PreparePool(reach.pool_ref(pool)))
    agents.call(host, "store.prepare", p.PrepareStore(reach.store_ref(store)))
    return Site(zone, host, pool, store)


@pytest.fixture
def cloud(site, world):
    """The site, with ways to put files where rows say they are, and to look for leaks."""
    return Cloud(world, site)


class Hand:
    """A ``run`` for steps that are called by hand."""

    def __init__(self, job_uuid="11111111-2222-3333-4444-555555555555"):
        self.job_uuid = job_uuid
        self.correlation_id = "test"
        self.results = {}

    def progress(self, percent, note=""):
        pass

    def fences(self):
        return {}


@pytest.fixture
def run():
    return Hand()
