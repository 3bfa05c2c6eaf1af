"""Templates made of what machines have on their disks."""

from __future__ import annotations

from typing import Any

from accounts.caller import Caller
from accounts.models import Account
from compute.models import VolumeAttachment
from compute.states import VmState
from core.errors import InvalidParameter, NotAllowedInState
from core.steps import Plan
from storage.models import Snapshot, Volume
from storage.services import templates


def create(
    caller: Caller,
    owner: Account,
    *,
    snapshot: Snapshot | None,
    volume: Volume | None,
    **fields: Any,
) -> Plan:
    """Raises NotAllowedInState for a volume that a guest is writing to."""
    if snapshot is not None and volume is not None:
        raise InvalidParameter("Give snapshotid or volumeid, not both.")
    source = snapshot.volume_id if snapshot else volume.pk
    rows = VolumeAttachment.objects.filter(volume=source).select_related("machine")
    found = rows.first()
    vm = found.machine if found else None
    if volume is not None and vm is not None and vm.state != VmState.STOPPED:
        raise NotAllowedInState(
            f"Volume {volume} is in virtual machine {vm}, which is {vm.state}; stop it, or make "
            "the template of a snapshot."
        )
    plan = templates.create_from(
        caller,
        owner,
        snapshot=snapshot,
        volume=volume,
        hypervisor=_hypervisor(snapshot, volume, vm),
        **fields,
    )
    if volume is not None and vm is not None:
        plan.resources = [*plan.resources, vm]
    return plan


def _hypervisor(snapshot: Snapshot | None, volume: Volume | None, vm: Any) -> str:
    """What the disk was last used with."""
    if vm is not None:
        return vm.hypervisor
    row = volume or snapshot.volume
    if row.template is not None and row.template.hypervisor:
        return row.template.hypervisor
    return (row.pool.hypervisor if row.pool else "") or "KVM"
