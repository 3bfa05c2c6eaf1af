"""Pools, stores, templates, volumes and snapshots."""

import uuid

from django.db.models import F

from accounts.models import Account
from infra.models import (
    Cluster,
    Host,
    Zone,
)
from storage.models import (
    DiskOffering,
    ImageStore,
    Snapshot,
    StoragePool,
    Template,
    TemplateCopy,
    Volume,
)
from tests.factories.accounts import make_account
from tests.factories.basics import unique
from tests.factories.infra import make_zone

GIB = 2**30


def make_pool(
    zone: Zone | None = None,
    *,
    host: Host | None = None,
    cluster: Cluster | None = None,
    name: str = "",
    state: str = "Up",
    scope: str = "",
    **fields,
) -> StoragePool:
    """A pool of 1 TiB that is Up: local with ``host``, else of a cluster, else of a zone."""
    scope = scope or ("HOST" if host else "CLUSTER" if cluster else "ZONE")
    place = host or cluster
    zone = zone or (place.zone if place else make_zone())
    name = name or unique("pool")
    path = fields.pop("path", f"/srv/{name}")
    fields = {"capacity_bytes": 2**40, "hypervisor": "Simulator", **fields}
    return StoragePool.objects.create(
        name=name,
        zone=zone,
        pod=place.pod if place else None,
        cluster=host.cluster if host else cluster,
        host=host,
        scope=scope,
        type="Filesystem" if host else "SharedMountPoint",
        path=path,
        location=f"{scope}:{(place or zone).uuid}:{path}",
        state=state,
        **fields,
    )


def make_store(zone: Zone | None = None, name: str = "", **fields) -> ImageStore:
    """A secondary store that is Ready; a zone is made unless ``zone=None, everywhere=True``."""
    if not fields.pop("everywhere", False):
        zone = zone or make_zone()
    name = name or unique("store")
    path = fields.pop("path", f"/export/{name}")
    fields = {"state": "Ready", "capacity_bytes": 2**40, "url": f"file://{path}", **fields}
    return ImageStore.objects.create(name=name, zone=zone, path=path, **fields)


def make_template(
    account: Account | None = None,
    *,
    store: ImageStore | None = None,
    zone: Zone | None = None,
    name: str = "",
    ready: bool = True,
    **fields,
) -> Template:
    """A template of 2 GiB; with ``store`` it has a copy there (Ready unless told)."""
    kind = fields.pop("kind", "TEMPLATE")
    name = name or unique(kind.lower())
    fields = {
        "size_bytes": 2 * GIB,
        "physical_bytes": GIB // 4,
        "hypervisor": "" if kind == "ISO" else "Simulator",
        "format": "ISO" if kind == "ISO" else "QCOW2",
        "url": f"http://images.example.org/{name}",
        **fields,
    }
    template = Template.objects.create(
        account=account or make_account(),
        name=name,
        display_text=name,
        kind=kind,
        zone=zone or (store.zone if store else None),
        **fields,
    )
    if store is not None:
        TemplateCopy.objects.create(
            template=template,
            store=store,
            state="Ready" if ready else "Allocated",
            percent=100 if ready else 0,
            physical_bytes=template.physical_bytes,
        )
    return template


def make_iso(account: Account | None = None, **fields) -> Template:
    return make_template(account, kind="ISO", **fields)


def make_disk_offering(name: str = "", *, size_gb: int = 5, domains=(), zones=(), **fields):
    """A public disk offering; ``size_gb=0`` makes one of any size."""
    offering = DiskOffering.objects.create(
        name=name or unique("disk"),
        display_text=fields.pop("display_text", "A disk"),
        size_bytes=size_gb * GIB,
        is_custom=not size_gb,
        **fields,
    )
    offering.domains.set(domains)
    offering.zones.set(zones)
    return offering


def make_volume(
    account: Account | None = None,
    *,
    pool: StoragePool | None = None,
    zone: Zone | None = None,
    name: str = "",
    state: str = "",
    size_gb: int = 5,
    **fields,
) -> Volume:
    """A volume: Ready when it has a pool (its bytes reserved there), Allocated without."""
    size_bytes = fields.pop("size_bytes", size_gb * GIB)
    if pool is not None:
        StoragePool.objects.filter(pk=pool.pk).update(
            allocated_bytes=F("allocated_bytes") + size_bytes
        )
    return Volume.objects.create(
        account=account or make_account(),
        name=name or unique("volume"),
        zone=zone or (pool.zone if pool else make_zone()),
        pool=pool,
        path=str(uuid.uuid4()) if pool else "",
        reserved_bytes=size_bytes if pool else 0,
        state=state or ("Ready" if pool else "Allocated"),
        size_bytes=size_bytes,
        **fields,
    )


def make_snapshot(volume: Volume | None = None, *, store: ImageStore | None = None, **fields):
    """A finished snapshot in a store."""
    volume = volume or make_volume()
    fields = {"state": "BackedUp", "size_bytes": volume.size_bytes, **fields}
    return Snapshot.objects.create(
        account=fields.pop("account", volume.account),
        name=fields.pop("name", unique("snapshot")),
        volume=volume,
        volume_type=volume.type,
        zone=volume.zone,
        store=store or make_store(volume.zone),
        **fields,
    )
