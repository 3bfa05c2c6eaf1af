"""Machines that become larger or smaller."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction
from django.utils import timezone

from compute import jobs
from compute.models import ServiceOffering, VirtualMachine, VolumeAttachment
from compute.services import holdings, offerings
from compute.states import VmState
from core import live
from core.errors import InvalidParameter, NotAllowedInState
from core.locking import locked
from core.steps import Plan


def scale(
    vm: VirtualMachine, offering: ServiceOffering, details: Mapping[str, str]
) -> VirtualMachine:
    """Another offering, or other numbers of a custom one; only while Stopped.

    Raises NotAllowedInState, InvalidParameter, LimitExceeded.
    """
    with transaction.atomic():
        vm = _locked(vm)
        if vm.state != VmState.STOPPED:
            raise NotAllowedInState(
                f"Virtual machine {vm} is {vm.state}; stop it to change its service offering."
            )
        offerings.check_usable(offering, vm.account, vm.zone)
        size = offerings.size_of(offering, details)
        _check_storage(vm, offering)
        tags = holdings.host_tags(offering, vm.template)
        vm.counted_tags = holdings.resize_quota(vm, size, tags)
        vm.service_offering = offering
        vm.vcpus, vm.memory_mb = size.vcpus, size.memory_mb
        vm.cpu_speed_mhz = size.cpu_speed_mhz
        vm.details = {**vm.details, **offerings.kept_details(details)}
        vm.updated = timezone.now()
        vm.save(
            update_fields=[
                "service_offering", "vcpus", "memory_mb", "cpu_speed_mhz", "details", "updated",
                "counted_tags",
            ]
        )  # fmt: skip
    live.changed(vm)
    return vm


def scale_plan(
    vm: VirtualMachine, offering: ServiceOffering, details: Mapping[str, str]
) -> Plan:
    """The same as a job, which is what clients wait for: the request does it all."""
    return Plan(jobs.done, scale(vm, offering, details))


def _locked(vm: VirtualMachine) -> VirtualMachine:
    return locked(vm, "account__domain", "account__role", "zone", "template")


def _check_storage(vm: VirtualMachine, offering: ServiceOffering) -> None:
    """The root disk stays where it is, so the new offering must be content with its pool."""
    root = VolumeAttachment.objects.filter(machine=vm, device_id=0).select_related("volume__pool")
    found = root.first()
    pool = found.volume.pool if found else None
    if pool is None or found.volume.disk_offering_id is not None:
        return
    missing = set(offering.storage_tags) - set(pool.tags)
    if missing:
        raise InvalidParameter(
            f"The root disk is on storage pool {pool}, which lacks storage tag "
            f"{', '.join(sorted(missing))} of service offering {offering}."
        )
