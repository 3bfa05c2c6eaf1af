"""Volumes: what may be made, grown, destroyed and brought back.

For machines (compute): ``allocate`` in the request, ``assign`` when the pool is chosen, then
the steps of ``storage.services.disks``; ``discard`` undoes the request. A volume may be
attached, resized, … only from Ready: ``volume.apply(VolumeEvent.…)`` in the request is the
lock that keeps a deletion out.
"""

from __future__ import annotations

import uuid as uuids
from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.caller import Caller
from accounts.models import Account
from core.config import Scope, Setting
from core.errors import InvalidParameter, NotAllowedInState, PermissionDenied
from core.steps import Plan
from core.units import GIB, size
from infra.models import Host, Zone
from infra.services.preferences import default_zone
from infra.services.usage import refuse_if_used
from storage import states
from storage.jobs import volumes as jobs
from storage.models import DiskOffering, Snapshot, Volume
from storage.services import quota, space
from storage.services.allocation import allocate, assign, discard, unassign
from storage.services.follow import follow_up
from storage.services.reach import disk_ref, pool_ref

__all__ = ["allocate", "assign", "disk_ref", "discard", "pool_ref", "unassign"]

SIZE_MIN = Setting("custom.diskoffering.size.min", 1, "Smallest disk of a custom size, in GB.",
                   minimum=1)  # fmt: skip
SIZE_MAX = Setting("custom.diskoffering.size.max", 1024, "Largest disk of a custom size, in GB.",
                   minimum=1)  # fmt: skip
VOLUME_MAX = Setting("storage.max.volume.size", 2000, "Largest volume of all, in GB.",
                     category="Storage", minimum=1)  # fmt: skip
USER_EXPUNGES = Setting(
    "allow.user.expunge.recover.volume", True,
    "Whether users may expunge their volumes at once and recover destroyed ones.",
    scopes=(Scope.GLOBAL, Scope.ACCOUNT),
)  # fmt: skip
CLEANUP_DELAY = Setting(
    "storage.cleanup.delay", 86400,
    "Seconds that a destroyed volume can still be recovered.", minimum=0,
)  # fmt: skip

_V, _E = states.Volumes, states.VolumeEvent


# -- making --------------------------------------------------------------------------------


def create(
    account: Account,
    *,
    name: str = "",
    zone: Zone | None = None,
    offering: DiskOffering | None = None,
    size_gb: int | None = None,
    snapshot: Snapshot | None = None,
    min_iops: int | None = None,
    max_iops: int | None = None,
    display: bool = True,
    uuid: uuids.UUID | None = None,
    host: Host | None = None,
) -> Volume:
    """The row of a data volume, counted; from a snapshot also with room on a pool (one that
    ``host`` reaches, where given). ``create_plan`` does the rest.

    Without a snapshot the volume stays Allocated until it is first attached, because only
    then is it known which pool is near.
    """
    if snapshot is not None:
        zone = _zone_of(snapshot, zone)
    elif offering is None:
        raise InvalidParameter("Give diskofferingid or snapshotid: what the volume is made of.")
    zone = zone or default_zone(account)
    if zone is None:
        raise InvalidParameter("Give zoneid: the zone the volume is made in.")
    if offering is not None:
        check_offering(offering, account, zone)
    size_bytes = _size(offering, size_gb, snapshot)
    iops = _iops(offering, min_iops, max_iops)
    volume = allocate(
        account,
        zone,
        name=name or f"DATA-{uuids.uuid4().hex[:8]}",
        size_bytes=size_bytes,
        offering=offering,
        snapshot=snapshot,
        display=display,
        uuid=uuid,
        **iops,
    )
    if snapshot is not None:
        tags = offering.tags if offering else ()
        kind = offering.storage_type if offering and offering.storage_type == "local" else ""
        assign(volume, space.choose(zone, host, tags, size_bytes, storage_type=kind))
    return volume


def create_plan(volume: Volume) -> Plan:
    return Plan(jobs.create_volume, volume)


def _zone_of(snapshot: Snapshot, zone: Zone | None) -> Zone:
    if snapshot.state != states.Snapshots.BACKED_UP:
        raise NotAllowedInState(
            f"Snapshot {snapshot} is {snapshot.state}; a volume is made of it once it is BackedUp."
        )
    if zone is not None and zone.pk != snapshot.zone_id:
        raise InvalidParameter(
            f"Snapshot {snapshot} is in zone {snapshot.zone}, not in {zone}; copy it there first."
        )
    return snapshot.zone


def check_offering(offering: DiskOffering, account: Account, zone: Zone) -> None:
    """Raises InvalidParameter when an account may not use the offering there."""
    if offering.state != "Active":
        raise InvalidParameter(f"Disk offering {offering} is {offering.state}; choose another.")
    rows = DiskOffering.objects.filter(pk=offering.pk)
    if not rows.for_domain(account.domain).exists():
        raise InvalidParameter(
            f"Disk offering {offering} is not for domain {account.domain.name_path}."
        )
    if not rows.for_zone(zone).exists():
        raise InvalidParameter(f"Disk offering {offering} is not for zone {zone}.")


def _size(offering: DiskOffering | None, size_gb: int | None, snapshot: Snapshot | None) -> int:
    if snapshot is not None:
        wanted = (size_gb or 0) * GIB or (offering.size_bytes if offering else 0)
        if wanted and wanted < snapshot.size_bytes:
            raise InvalidParameter(
                f"The volume cannot be smaller than snapshot {snapshot} "
                f"({size(snapshot.size_bytes)})."
            )
        wanted = wanted or snapshot.size_bytes
    elif offering.is_custom:
        wanted = custom_size(offering, size_gb)
    else:
        wanted = offering.size_bytes
    check_size(wanted)
    return wanted


def custom_size(offering: DiskOffering, size_gb: int | None) -> int:
    """Bytes of a disk whose size the user names. Raises InvalidParameter."""
    low, high = SIZE_MIN.get(), SIZE_MAX.get()
    if size_gb is None:
        raise InvalidParameter(f"Disk offering {offering} has no size of its own; give size in GB.")
    if not low <= size_gb <= high:
        raise InvalidParameter(f"A disk of custom size has {low} to {high} GB, not {size_gb}.")
    return size_gb * GIB


def check_size(size_bytes: int) -> None:
    if size_bytes > VOLUME_MAX.get() * GIB:
        raise InvalidParameter(f"A volume has at most {VOLUME_MAX.get()} GB.")


def _iops(
    offering: DiskOffering | None, low: int | None, high: int | None
) -> dict[str, int | None]:
    if offering is not None and not offering.is_custom_iops:
        return {"min_iops": offering.min_iops, "max_iops": offering.max_iops}
    if (low is None) != (high is None) or (low and high and low > high):
        raise InvalidParameter("Give miniops and maxiops together, the smaller first.")
    return {"min_iops": low, "max_iops": high}


# -- changing ------------------------------------------------------------------------------


def update(
    volume: Volume,
    *,
    name: str | None = None,
    display: bool | None = None,
    delete_protection: bool | None = None,
    chain_info: str | None = None,
    custom_id: uuids.UUID | None = None,
) -> Plan:
    wanted = {
        "name": name or None,
        "display": display,
        "delete_protection": delete_protection,
        "chain_info": chain_info,
        "uuid": str(custom_id) if custom_id else None,
    }
    changes = {field: value for field, value in wanted.items() if value is not None}
    return Plan(jobs.update_volume, volume, {"changes": changes})


def resize(
    volume: Volume,
    *,
    size_gb: int | None = None,
    offering: DiskOffering | None = None,
    shrink_ok: bool = False,
    domain_uuid: str = "",
    device_id: int = 0,
    host: Host | None = None,
) -> Plan:
    """Another size, another offering, or both. For a volume in a running machine the caller
    gives the domain, the device and the host.

    More is counted and promised here; less is given back when the file has shrunk. Raises
    InvalidParameter, NotAllowedInState, LimitExceeded, InsufficientCapacity.
    """
    wanted = _new_size(volume, size_gb, offering)
    if wanted < volume.size_bytes and not shrink_ok:
        raise InvalidParameter(
            f"Volume {volume} has {size(volume.size_bytes)}; making it {size(wanted)} cuts off "
            "its end. Set shrinkok if that is wanted."
        )
    if wanted < volume.size_bytes and domain_uuid:
        raise InvalidParameter("A volume can shrink only while its machine is stopped.")
    if volume.state == _V.READY:
        volume.apply(_E.RESIZE)
    elif volume.state != _V.ALLOCATED:
        raise volume.refused(_E.RESIZE)
    _count(volume, max(wanted, volume.size_bytes), offering)
    if wanted > volume.size_bytes:
        _promise_more(volume, wanted)
    arguments: dict[str, Any] = {
        "size_bytes": wanted,
        "offering": offering,
        "shrink_ok": shrink_ok,
        "domain_uuid": domain_uuid,
        "device_id": device_id,
        "host": host,
    }
    return Plan(jobs.resize_volume, volume, arguments)


def _new_size(volume: Volume, size_gb: int | None, offering: DiskOffering | None) -> int:
    if size_gb is None and offering is None:
        raise InvalidParameter("Give size or diskofferingid: what the volume becomes.")
    kind = offering or volume.disk_offering
    if offering is not None:
        check_offering(offering, volume.account, volume.zone)
        if set(offering.tags) - set(volume.pool.tags if volume.pool else offering.tags):
            raise InvalidParameter(
                f"Storage pool {volume.pool} lacks tags of offering {offering}; migrate first."
            )
    if offering is not None and not offering.is_custom:
        wanted = offering.size_bytes
    elif size_gb is None:
        wanted = volume.size_bytes
    else:
        if volume.type != "ROOT" and kind is not None and not kind.is_custom:
            raise InvalidParameter(
                f"Disks of offering {kind} have a fixed size; choose an offering of custom size."
            )
        wanted = size_gb * GIB
    if wanted <= 0:
        raise InvalidParameter("A volume has at least 1 GB.")
    check_size(wanted)
    return wanted


def _count(volume: Volume, size_bytes: int, offering: DiskOffering | None) -> None:
    """Until the file has its new size, under the tags of both offerings."""
    if volume.counted:
        tags = [*volume.counted_tags.split(","), *(offering.tags if offering else ())]
        quota.resize(volume, size_bytes, tags=tags)


def _promise_more(volume: Volume, size_bytes: int) -> None:
    if volume.pool is not None:
        space.reserve(volume.pool, size_bytes - volume.reserved_bytes, growing=True)
        Volume.objects.filter(pk=volume.pk).update(reserved_bytes=size_bytes)
        volume.reserved_bytes = size_bytes


# -- the end -------------------------------------------------------------------------------


def delete(caller: Caller, volume: Volume) -> None:
    """Out of sight for good, at once; its file goes in a job that starts now."""
    _mark_destroyed(volume, at_once=True)
    volume.apply(_E.EXPUNGE)
    follow_up(Plan(jobs.expunge_volume, volume), caller, "deleteVolume")


def destroy(caller: Caller, volume: Volume, *, expunge: bool) -> Plan:
    """To the bin, from which it can be recovered for ``storage.cleanup.delay`` seconds; with
    ``expunge`` for good."""
    if expunge:
        _require_right(caller, "expunge")
    _mark_destroyed(volume, at_once=expunge)
    if not expunge:
        return Plan(jobs.destroy_volume, volume)
    volume.apply(_E.EXPUNGE)
    return Plan(jobs.expunge_volume, volume)


def mark_destroyed(volume: Volume) -> None:
    """To the bin, with the machine whose it is (called in the request that destroys that)."""
    volume.apply(_E.DESTROY, expunge_due=timezone.now() + timedelta(seconds=CLEANUP_DELAY.get()))
    quota.give_back(volume)


def _mark_destroyed(volume: Volume, *, at_once: bool) -> None:
    if volume.delete_protection:
        raise InvalidParameter(
            f"Volume {volume} is protected from deletion; switch deleteprotection off first."
        )
    if volume.state == _V.CREATING:
        raise volume.refused(_E.DESTROY)  # its job is at it; cancel that instead
    if volume.state == _V.DESTROY and at_once:
        Volume.objects.filter(pk=volume.pk).update(expunge_due=timezone.now())
    else:
        mark_destroyed(volume)
        # Asked after the state has moved: whoever attaches it now is refused by that.
        refuse_if_used(volume)


def recover(caller: Caller, volume: Volume) -> Volume:
    """Out of the bin. Raises LimitExceeded when there is no room for it any more."""
    _require_right(caller, "recover")
    event = _E.RECOVER if volume.pool_id else _E.RECOVER_EMPTY
    volume.apply(event, expunge_due=None, expunge_attempts=0)
    quota.retake(volume, volume.size_bytes)
    return volume


def _require_right(caller: Caller, verb: str) -> None:
    if not caller.is_domain_admin and not USER_EXPUNGES.get(caller.account):
        raise PermissionDenied(f"Users may not {verb} volumes here; ask an administrator.")
