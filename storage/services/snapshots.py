"""Volume snapshots: whole copies in secondary storage, independent of their volume."""

from __future__ import annotations

from django.utils import timezone

from core import live
from core.config import Setting
from core.errors import InvalidParameter, NotAllowedInState
from core.steps import Plan
from infra.models import Host
from storage import states
from storage.jobs import snapshots as jobs
from storage.models import Snapshot, Volume
from storage.services import quota, stores

ENABLED = Setting(
    "kvm.snapshot.enabled", True,
    "Whether volumes of running KVM machines may be snapshotted.", category="Snapshots",
)  # fmt: skip

_S, _SE = states.Snapshots, states.SnapshotEvent
_V, _VE = states.Volumes, states.VolumeEvent


def create(
    volume: Volume,
    *,
    name: str = "",
    domain_uuid: str = "",
    device_id: int = 0,
    quiesce: bool = False,
    host: Host | None = None,
    hypervisor: str = "KVM",
    type: str = "MANUAL",
) -> Plan:
    """A snapshot in Creating, counted as large as the volume, and the plan that takes it.

    For a volume in a running machine the caller gives the domain, its device and its host.
    Raises InvalidParameter where running ones may not be snapshotted, NotAllowedInState for a
    volume that is not Ready, LimitExceeded, InsufficientCapacity.
    """
    if domain_uuid and hypervisor == "KVM" and not ENABLED.get():
        raise InvalidParameter(
            f"Volume {volume} is in a running machine, and snapshots of those are switched off "
            "here (setting kvm.snapshot.enabled). Stop the machine first."
        )
    if volume.state != _V.READY or volume.pool_id is None:
        raise NotAllowedInState(
            f"Volume {volume} is {volume.state}; a snapshot can be taken of a Ready one only."
        )
    store = stores.choose(volume.zone, volume.physical_bytes)
    volume.apply(_VE.SNAPSHOT)
    counted = quota.take(volume.account, Snapshot, volume.size_bytes)
    template = volume.template
    snapshot = Snapshot.objects.create(
        account=volume.account,
        name=name or _name(volume),
        volume=volume,
        volume_type=volume.type,
        zone=volume.zone,
        store=store,
        state=_S.CREATING.value,
        type=type,
        size_bytes=volume.size_bytes,
        template=template,
        os_type=template.os_type if template else None,
        **counted,
    )
    live.changed(snapshot)
    arguments = {
        "volume": volume,
        "domain_uuid": domain_uuid,
        "device_id": device_id,
        "quiesce": quiesce,
        "host": host,
    }
    return Plan(jobs.take_snapshot, snapshot, arguments, resources=[volume])


def _name(volume: Volume) -> str:
    """As CloudStack names them: the volume and the moment."""
    return f"{volume.name[:200]}_{timezone.now():%Y%m%d%H%M%S}"


def delete(snapshot: Snapshot) -> Plan:
    """Destroying now; the file goes in the job. Volumes and templates made of it stay."""
    snapshot.apply(_SE.DESTROY)
    return Plan(jobs.delete_snapshot, snapshot)


def revert(snapshot: Snapshot, *, host: Host | None = None) -> Plan:
    """The volume becomes what it was. The caller has made sure that its machine is off.

    Raises NotAllowedInState unless the snapshot is BackedUp and the volume Ready.
    """
    if snapshot.state != _S.BACKED_UP:
        raise NotAllowedInState(f"Snapshot {snapshot} is {snapshot.state}; it must be BackedUp.")
    volume = snapshot.volume
    if volume.removed or volume.pool_id is None:
        raise InvalidParameter(
            f"The volume of snapshot {snapshot} is gone; create a new volume from the snapshot."
        )
    volume.apply(_VE.REVERT)
    return Plan(jobs.revert_volume, snapshot, {"volume": volume, "host": host}, resources=[volume])
