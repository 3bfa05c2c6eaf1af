"""Machines and volumes that get another owner, with everything that counts and all at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import transaction

from accounts.caller import Caller
from accounts.models import Account, ResourceTag
from accounts.services import limits
from compute.models import Nic, VirtualMachine, VolumeAttachment
from compute.models.securitygroups import SecurityGroup
from compute.services import holdings, nics, offerings, securitygroups
from compute.services.nics import NicWish
from compute.states import VmState
from core import live
from core.errors import InvalidParameter, NotAllowedInState
from core.locking import locked
from jobs.models import AsyncJob, JobStatus
from jobs.rows import lease_name
from network.models import Network
from storage.models import Snapshot, Template, Volume
from storage.services import quota
from storage.services.volumes import check_offering
from storage.states import Volumes

_AT_REST = (Volumes.READY, Volumes.ALLOCATED)


@transaction.atomic
def assign_machine(
    vm: VirtualMachine,
    owner: Account,
    *,
    networks: Sequence[Network] = (),
    groups: Sequence[SecurityGroup] = (),
) -> VirtualMachine:
    """The stopped machine and its volumes are ``owner``'s from now on, in ``networks`` of its
    (else those shared ones it is in that the owner may use too, else the owner's only one).

    Groups, keys and user data of the old owner's are let go; what the guest was told stays.
    Raises NotAllowedInState, InvalidParameter, LimitExceeded.
    """
    vm = locked(vm, "account__domain", "account__role", "zone", "service_offering", "iso")
    attached = VolumeAttachment.objects.filter(machine=vm).select_related(
        "volume__disk_offering", "volume__account", "volume__zone"
    )
    volumes = [attachment.volume for attachment in attached.order_by("volume")]
    _check_machine(vm, owner)
    _check_volumes(volumes, owner)
    _refuse_at_work([vm, *volumes])
    limits.transfer(vm.account, owner, _sum(holdings.quota_of(vm), map(quota.held, volumes)))
    _move_nics(vm, owner, networks)
    _own_machine(vm, owner)
    for volume in volumes:
        _own_volume(volume, owner)
    rows = Nic.objects.filter(machine=vm).select_related("network__offering")
    there = [nic.network for nic in rows]
    securitygroups.assign(vm, securitygroups.chosen(owner, there, groups, ()))
    live.changed(vm)
    return vm


@transaction.atomic
def assign_volume(volume: Volume, owner: Account) -> Volume:
    """A volume in no machine. Raises NotAllowedInState, InvalidParameter, LimitExceeded."""
    volume = locked(volume, "account__domain", "account__role", "disk_offering", "zone")
    holder = VolumeAttachment.objects.filter(volume=volume).select_related("machine").first()
    if holder is not None:
        raise InvalidParameter(
            f"Volume {volume} is in virtual machine {holder.machine}; detach it, or assign the "
            "machine."
        )
    _refuse_same(volume.account, owner, f"Volume {volume}")
    _check_volumes([volume], owner)
    _refuse_at_work([volume])
    quota.move(volume, owner)
    _own_volume(volume, owner)
    return volume


def _check_machine(vm: VirtualMachine, owner: Account) -> None:
    _refuse_same(vm.account, owner, f"Virtual machine {vm}")
    if vm.state != VmState.STOPPED:
        raise NotAllowedInState(
            f"Virtual machine {vm} is {vm.state}; stop it to give it to another account."
        )
    if vm.zone.domain_id is not None and not _is_in(owner, vm.zone.domain.path):
        raise InvalidParameter(f"Zone {vm.zone} is not for account {owner}.")
    offerings.check_usable(vm.service_offering, owner, vm.zone)
    if vm.template_id is not None and not _may_use(owner, vm.template_id):
        raise InvalidParameter(
            f"Account {owner} may not use template {vm.template} of virtual machine {vm}; share "
            "it first."
        )


def _is_in(owner: Account, path: str) -> bool:
    return owner.domain.path.startswith(path)


def _may_use(owner: Account, template: int) -> bool:
    """A removed template is nobody's to use any more, and no reason to keep a machine."""
    if not Template.objects.filter(pk=template).exists():
        return True
    return Template.objects.filter(pk=template).usable_by(Caller(owner)).exists()


def _refuse_same(old: Account, new: Account, what: str) -> None:
    if old.pk == new.pk:
        raise InvalidParameter(f"{what} belongs to {limits.account_words(new).lower()} already.")


def _check_volumes(volumes: Sequence[Volume], owner: Account) -> None:
    for volume in volumes:
        if volume.state not in _AT_REST:
            raise NotAllowedInState(
                f"Volume {volume} is {volume.state}; it cannot be given to another account now."
            )
        if volume.disk_offering is not None:
            check_offering(volume.disk_offering, owner, volume.zone)
        if Snapshot.objects.filter(volume=volume).exists():
            raise InvalidParameter(
                f"Volume {volume} has snapshots, which belong to {volume.account}; delete these "
                "first."
            )


def _refuse_at_work(rows: Iterable[VirtualMachine | Volume]) -> None:
    """A job that has only been asked for knows the old owner."""
    names = {lease_name(row): row for row in rows}
    pending = AsyncJob.objects.filter(status=JobStatus.PENDING)
    for held in pending.values_list("resources", flat=True):
        for name in held:
            if name in names:
                row = names[name]
                raise NotAllowedInState(
                    f"{row.KIND} {row} is being worked on; wait until that is done."
                )


def _sum(
    first: dict[limits.Key, int], more: Iterable[dict[limits.Key, int]]
) -> dict[limits.Key, int]:
    found = dict(first)
    for part in more:
        for key, amount in part.items():
            found[key] = found.get(key, 0) + amount
    return found


def _move_nics(vm: VirtualMachine, owner: Account, networks: Sequence[Network]) -> None:
    there = list(Nic.objects.filter(machine=vm).select_related("network").order_by("network"))
    wanted = list(dict.fromkeys(networks)) or _shared(there, owner)
    if not wanted:
        wanted = [wish.network for wish in nics.default_wishes(owner, vm.zone)]
    for network in wanted:
        nics.check_usable(network, owner, vm.zone)
    keys = {network.pk for network in wanted}
    for nic in there:
        if nic.network_id not in keys:
            nics.unplug(nic)
    stays = {nic.network_id for nic in there}
    nics.plug(vm, [NicWish(network) for network in wanted if network.pk not in stays])
    left = Nic.objects.filter(machine=vm).order_by("device_id")
    if not left.filter(is_default=True).exists():
        nics.make_default(vm, left[0])


def _shared(there: Sequence[Nic], owner: Account) -> list[Network]:
    shared = [nic.network_id for nic in there if nic.network.guest_type == "Shared"]
    usable = Network.objects.all().usable_by(Caller(owner)).filter(pk__in=shared)
    return list(usable.order_by("pk"))


def _own_machine(vm: VirtualMachine, owner: Account) -> None:
    vm.affinity_groups.clear()
    vm.key_pairs.clear()
    fields = {
        "account": owner, "of_project": owner.is_project, "user": None, "group": None,
        "user_data_source": None,
    }  # fmt: skip
    if vm.iso_id is not None and not _may_use(owner, vm.iso_id):
        fields["iso"] = None
    VirtualMachine.objects.filter(pk=vm.pk).update(**fields)
    for name, value in fields.items():
        setattr(vm, name, value)
    _tags_follow(vm, owner)


def _own_volume(volume: Volume, owner: Account) -> None:
    Volume.objects.filter(pk=volume.pk).update(account=owner)
    volume.account = owner
    _tags_follow(volume, owner)
    live.changed(volume)


def _tags_follow(row: VirtualMachine | Volume, owner: Account) -> None:
    tags = ResourceTag.objects.filter(resource_uuid=row.uuid)
    tags.update(account=owner, of_project=owner.is_project)
