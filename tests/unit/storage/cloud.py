"""Rows and files together, and the books that must balance whatever happened."""

from collections import Counter

from accounts.models import Account, ResourceCount
from accounts.resources import Resource
from accounts.services import limits
from agent import protocol as p
from agent.drivers.world import SimFile
from jobs.models import AsyncJob, JobStatus, Lease
from storage.models import (
    PoolTemplate,
    Snapshot,
    StoragePool,
    Template,
    TemplateCopy,
    Volume,
)
from storage.upkeep.comparing import known_in_store, known_on_pool
from tests.factories import make_snapshot, make_template, make_volume

_BUSY = {"Creating", "Snapshotting", "Resizing", "RevertSnapshotting", "Expunging", "Attaching",
         "Destroying", "PrepareForMaintenance", "CancelMaintenance", "Copying"}  # fmt: skip


class Cloud:
    def __init__(self, world, site):
        self.world = world
        self.site = site

    # -- things that are really there ------------------------------------------------------

    def volume(self, account=None, **fields):
        """A Ready volume with its file, counted as a real one is."""
        volume = make_volume(account, pool=self.site.pool, **fields)
        limits.reserve(
            volume.account,
            {Resource.VOLUME: 1, Resource.PRIMARY_STORAGE: volume.size_bytes},
        )
        type(volume).objects.filter(pk=volume.pk).update(
            counted=True, counted_bytes=volume.size_bytes
        )
        volume.refresh_from_db()
        self.world.ledger.put(
            "files", str(volume.pool.uuid), volume.path, SimFile(volume.size_bytes)
        )
        return volume

    def template(self, account=None, **fields):
        """A template whose copy in the store is whole."""
        template = make_template(account, store=self.site.store, **fields)
        copy = template.copies.get()
        self._image(copy.name, template.size_bytes, template.physical_bytes, template.format)
        return template

    def snapshot(self, volume, **fields):
        snapshot = make_snapshot(volume, store=self.site.store, **fields)
        self._image(snapshot.path, volume.size_bytes, 300_000, "QCOW2")
        return snapshot

    def _image(self, name, size_bytes, physical_bytes, format_):
        info = p.ImageInfo(size_bytes, physical_bytes, format_, "{SHA-512}" + "0" * 128)
        self.world.ledger.put("images", self.site.store.path, name, info)

    # -- what is there -----------------------------------------------------------------------

    def files(self, pool=None) -> set[str]:
        return set(self.world.ledger.group("files", str((pool or self.site.pool).uuid)))

    def images(self, store=None) -> set[str]:
        return set(self.world.ledger.group("images", (store or self.site.store).path))

    # -- the books ---------------------------------------------------------------------------

    def assert_balanced(self):
        """No job pends, no lease is held, no row is busy; files are those of rows, promises
        those of volumes and templates, counts those of a recount."""
        pending = AsyncJob.objects.filter(status=JobStatus.PENDING)
        assert not pending.exists(), [(j.plan, j.note) for j in pending]
        assert not Lease.objects.exclude(job=None).exists()
        self._assert_nothing_busy()
        for pool in StoragePool.everything.all():
            self._assert_pool(pool)
        assert self.images() <= known_in_store(self.site.store)
        self._assert_counts()

    def _assert_nothing_busy(self):
        for model in (Volume, Snapshot, Template, TemplateCopy, PoolTemplate, StoragePool):
            busy = model._base_manager.filter(state__in=_BUSY)
            if hasattr(model, "removed"):
                busy = busy.filter(removed=None)
            assert not busy.exists(), [(str(row), row.state) for row in busy]

    def _assert_pool(self, pool):
        assert self.files(pool) <= known_on_pool(pool)
        promised = sum(v.reserved_bytes for v in Volume.everything.filter(pool=pool))
        promised += sum(b.reserved_bytes for b in PoolTemplate.objects.filter(pool=pool))
        pool.refresh_from_db()
        assert pool.allocated_bytes == promised

    def _assert_counts(self):
        keys = list(Account.everything.values_list("pk", flat=True))
        for resource in (Resource.VOLUME, Resource.SNAPSHOT, Resource.TEMPLATE,
                         Resource.PRIMARY_STORAGE, Resource.SECONDARY_STORAGE):  # fmt: skip
            rows = ResourceCount.objects.filter(resource=resource, account__in=keys, used__gt=0)
            noted = Counter(dict(rows.values_list("account", "used")))
            found = Counter(dict(limits.COUNTERS[resource](keys)))
            assert +noted == +found, resource
