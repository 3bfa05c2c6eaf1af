"""The life of a machine after its deployment: each function checks, moves the state, and
answers with the plan that does the rest."""

from __future__ import annotations

import uuid as uuids
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils import timezone

from accounts.caller import Caller
from accounts.services import limits
from compute import jobs, spec
from compute.hostnames import hostname_for
from compute.jobs.removal import to_bin
from compute.models import UserData, VirtualMachine, VolumeAttachment
from compute.placement import place
from compute.services import access, groups, holdings, nics, offerings, places
from compute.services.places import Choice
from compute.states import VmEvent, VmState
from core import live
from core.config import Scope, Setting
from core.errors import InvalidParameter, NotAllowedInState, PermissionDenied
from core.steps import Plan
from infra.models import OsType
from storage.models import Volume
from storage.states import Volumes

STOP_WAIT = Setting(
    "vm.stop.wait", 60, "Seconds that a guest has to shut down when it is asked to.",
    minimum=1, maximum=540,
)  # fmt: skip
FORCED_WAIT = Setting(
    "vm.stop.forced.wait", 5,
    "Seconds that a guest has to shut down before a forced stop cuts its power.",
    minimum=0, maximum=540,
)  # fmt: skip
DESTROY_FORCED = Setting(
    "vm.destroy.forcestop", False,
    "Whether destroying a running machine cuts its power without asking the guest first.",
)  # fmt: skip
USER_EXPUNGES = Setting(
    "allow.user.expunge.recover.vm", False,
    "Whether users may expunge their machines at once and recover destroyed ones.",
    scopes=(Scope.GLOBAL, Scope.ACCOUNT),
)  # fmt: skip
USER_FORCES = Setting(
    "allow.user.force.stop.vm", True,
    "Whether users may cut the power of their machines instead of asking the guest.",
    scopes=(Scope.GLOBAL, Scope.ACCOUNT),
)  # fmt: skip
SEES_DESTROYED = Setting(
    "allow.user.view.destroyed.vm", False,
    "Whether users see their machines between their destruction and their end.",
    scopes=(Scope.GLOBAL, Scope.ACCOUNT),
)  # fmt: skip


def start(
    caller: Caller, vm: VirtualMachine, *, choice: Choice | None = None, near: bool = True
) -> Plan:
    """Stopped → Starting, on a host with room (``near``: the last one first).

    Raises NotAllowedInState, PermissionDenied, InsufficientCapacity.
    """
    choice = choice or Choice()
    choice.check(vm.zone)
    if vm.account.state == "disabled":
        raise PermissionDenied(
            f"{limits.account_words(vm.account)} is disabled; enable it to start {vm}."
        )
    vm.apply(VmEvent.START)
    holdings.retake_quota(vm)  # where stopped machines count nothing
    attachments = spec.attachments_of(vm)
    _require_disks(vm, attachments)
    members = list(vm.affinity_groups.all())
    wanted = places.of_machine(vm, attachments, members, choice, last_host=near)
    host = place(wanted, for_admin=caller.is_root_admin).host
    VirtualMachine.objects.filter(pk=vm.pk).update(host=host)
    vm.host = host
    return Plan(jobs.start_vm, vm, resources=[a.volume for a in attachments])


def _require_disks(vm: VirtualMachine, attachments: Sequence[VolumeAttachment]) -> None:
    for volume in (a.volume for a in attachments):
        if volume.state not in (Volumes.READY, Volumes.ALLOCATED):
            raise NotAllowedInState(
                f"Volume {volume} of virtual machine {vm} is {volume.state}; it cannot start now."
            )
    if not any(a.device_id == spec.ROOT_DEVICE for a in attachments) and vm.iso_id is None:
        raise InvalidParameter(f"Virtual machine {vm} has no root disk; attach one to start it.")


def stop(caller: Caller, vm: VirtualMachine, *, forced: bool) -> Plan:
    """Running → Stopping; the guest goes down in the job. Raises NotAllowedInState, and
    PermissionDenied for users who may not cut the power."""
    if forced and not caller.is_domain_admin and not USER_FORCES.get(caller.account):
        raise PermissionDenied(
            f"Users may not cut the power of machines here ({USER_FORCES.name}); stop it without "
            "forced."
        )
    vm.apply(VmEvent.STOP)
    timeout_s = FORCED_WAIT.get() if forced else STOP_WAIT.get()
    return Plan(jobs.stop_vm, vm, {"forced": forced, "timeout_s": timeout_s})


def reboot(caller: Caller, vm: VirtualMachine, *, forced: bool) -> Plan:
    """Raises NotAllowedInState unless the machine is running."""
    if vm.state != VmState.RUNNING:
        raise vm.refused("REBOOT")
    timeout_s = FORCED_WAIT.get() if forced else STOP_WAIT.get()
    return Plan(jobs.reboot_vm, vm, {"forced": forced, "timeout_s": timeout_s})


def destroy(
    caller: Caller, vm: VirtualMachine, *, expunge: bool, with_volumes: Sequence[Volume] = ()
) -> Plan:
    """To the bin, from which it can be recovered for ``expunge.delay`` seconds; with
    ``expunge`` for good. Data disks stay, but for those named.

    Raises NotAllowedInState, PermissionDenied, InvalidParameter.
    """
    if expunge:
        _require_right(caller, "expunge")
    _refuse_protected(vm)
    _check_volumes(vm, with_volumes)
    if vm.state in (VmState.ERROR, VmState.DESTROYED) and (expunge or vm.state == VmState.ERROR):
        return _expunge(vm)
    if vm.state == VmState.RUNNING:
        vm.apply(VmEvent.STOP)
    else:
        to_bin(vm)
    arguments: dict[str, Any] = {
        "forced": True,
        "timeout_s": 0 if expunge or DESTROY_FORCED.get() else STOP_WAIT.get(),
        "expunge": expunge,
        "with_volumes": list(with_volumes),
    }
    return Plan(jobs.destroy_vm, vm, arguments, resources=_disks(vm))


def expunge(caller: Caller, vm: VirtualMachine) -> Plan:
    """Destroyed (or failed to deploy) → Expunging."""
    _require_right(caller, "expunge")
    _refuse_protected(vm)
    return _expunge(vm)


def _expunge(vm: VirtualMachine) -> Plan:
    vm.apply(VmEvent.EXPUNGE)
    return Plan(jobs.expunge_vm, vm, resources=_disks(vm))


def expunge_now(vm: VirtualMachine) -> Plan:
    """For what runs by itself: the delay is over, or an earlier try did not get through."""
    if vm.state != VmState.EXPUNGING:
        vm.apply(VmEvent.EXPUNGE)
    return Plan(jobs.expunge_vm, vm, resources=_disks(vm))


def recover(caller: Caller, vm: VirtualMachine) -> VirtualMachine:
    """Destroyed → Stopped. Raises LimitExceeded when its owner has no room for it any more."""
    _require_right(caller, "recover")
    vm.apply(VmEvent.RECOVER, destroyed_at=None)
    if not holdings.COUNT_RUNNING.get():
        holdings.retake_quota(vm)
    return vm


def _disks(vm: VirtualMachine) -> list[Volume]:
    return [a.volume for a in spec.attachments_of(vm)]


def may_expunge(caller: Caller) -> bool:
    """Whether machines are the caller's to expunge and recover, as far as settings go."""
    return caller.is_domain_admin or bool(USER_EXPUNGES.get(caller.account))


def may_see_destroyed(caller: Caller) -> bool:
    """Whether the caller is shown its machines between their destruction and their end."""
    return caller.is_domain_admin or bool(SEES_DESTROYED.get(caller.account))


def _require_right(caller: Caller, verb: str) -> None:
    if not may_expunge(caller):
        raise PermissionDenied(f"Users may not {verb} machines here; ask an administrator.")


def _refuse_protected(vm: VirtualMachine) -> None:
    if vm.delete_protection:
        raise InvalidParameter(
            f"Virtual machine {vm} is protected from deletion; switch deleteprotection off first."
        )


def _check_volumes(vm: VirtualMachine, wanted: Sequence[Volume]) -> None:
    if not wanted:
        return
    attached = VolumeAttachment.objects.filter(machine=vm, volume__type="DATADISK")
    keys = set(attached.values_list("volume", flat=True))
    for volume in wanted:
        if volume.pk not in keys:
            raise InvalidParameter(f"Volume {volume} is not a data disk of virtual machine {vm}.")
        if volume.delete_protection:
            raise InvalidParameter(f"Volume {volume} is protected from deletion.")


def update(
    vm: VirtualMachine,
    *,
    name: str | None = None,
    group: str | None = None,
    details: Mapping[str, str] | None = None,
    clean_details: bool = False,
    os_type: OsType | None = None,
    user_data: str | None = None,
    user_data_row: UserData | None = None,
    user_data_values: Mapping[str, str] | None = None,
    uuid: uuids.UUID | None = None,
    **fields: Any,
) -> VirtualMachine:
    """``fields`` are plain columns: display_name, display, ha_enabled, dynamic_scaling,
    delete_protection. What concerns the guest reaches it at its next start."""
    if vm.state in (VmState.ERROR, VmState.EXPUNGING):
        raise NotAllowedInState(f"Virtual machine {vm} is {vm.state}; it cannot change any more.")
    changes: dict[str, Any] = {k: v for k, v in fields.items() if v is not None}
    if name is not None and name != vm.name:
        changes |= _renamed(vm, name)
    if group is not None:
        changes["group"] = groups.group_named(vm.account, group) if group else None
    if clean_details or details is not None:
        changes["details"] = {} if clean_details else offerings.kept_details(details or {})
    if os_type is not None:
        changes["os_type"] = os_type
    if user_data is not None or user_data_row is not None:
        changes |= access.user_data_fields(
            vm.account, user_data or "", user_data_row, user_data_values or {}
        )
    if uuid is not None:
        changes["uuid"] = uuid
    for field, value in {**changes, "updated": timezone.now()}.items():
        setattr(vm, field, value)
    vm.save(update_fields=[*changes, "updated"])
    live.changed(vm)
    return vm


def _renamed(vm: VirtualMachine, name: str) -> dict[str, str]:
    if not name.strip():
        raise InvalidParameter("A machine's name cannot be empty.")
    hostname = hostname_for(name, str(vm.uuid))
    if hostname != vm.hostname:
        nics.rename(vm, hostname)
    return {"name": name, "hostname": hostname}
