"""Instance groups and affinity groups."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Q, QuerySet

from accounts.models import Account
from compute.models import AffinityGroup, InstanceGroup, VirtualMachine
from compute.states import VmState
from core.errors import InvalidParameter, NotAllowedInState


def group_named(owner: Account, name: str) -> InstanceGroup:
    """The account's group of this name, made when there is none."""
    found, _ = InstanceGroup.objects.get_or_create(account=owner, name=name, alive=True)
    return found


def create_group(owner: Account, name: str) -> InstanceGroup:
    _refuse_taken(InstanceGroup, owner, name, "an instance group")
    return InstanceGroup.objects.create(account=owner, name=name)


def rename_group(group: InstanceGroup, name: str) -> InstanceGroup:
    if name != group.name:
        _refuse_taken(InstanceGroup, group.account, name, "an instance group")
        group.name = name
        group.save(update_fields=["name"])
    return group


def delete_group(group: InstanceGroup) -> None:
    """Its machines stay; they are in no group then."""
    VirtualMachine.everything.filter(group=group).update(group=None)
    group.remove()


def create_affinity(owner: Account, name: str, kind: str, description: str) -> AffinityGroup:
    _refuse_taken(AffinityGroup, owner, name, "an affinity group")
    return AffinityGroup.objects.create(
        account=owner, name=name, type=kind, description=description
    )


def delete_affinity(group: AffinityGroup) -> None:
    """Its machines stay where they are; they are no longer bound to each other."""
    if group.is_dedicated:
        raise InvalidParameter(
            f"Affinity group {group} belongs to a dedication; release what is dedicated instead."
        )
    group.machines.clear()
    group.remove()


def affinity_groups(
    owner: Account, rows: Sequence[AffinityGroup], names: Sequence[str]
) -> list[AffinityGroup]:
    """Groups given by row or by name, all of them ``owner``'s and of fitting kinds."""
    if rows and names:
        raise InvalidParameter("Give affinitygroupids or affinitygroupnames, not both.")
    found = list(rows)
    for name in names:
        group = _joinable(owner).filter(name=name).first()
        if group is None:
            raise InvalidParameter(f"Account {owner} has no affinity group named {name}.")
        found.append(group)
    for group in found:
        if not _joinable(owner).filter(pk=group.pk).exists():
            raise InvalidParameter(
                f"Affinity group {group} belongs to another account than the machine."
            )
    return list({g.pk: g for g in found}.values())


def _joinable(owner: Account) -> QuerySet[AffinityGroup]:
    """Its own, and those of dedications to a domain it is in."""
    return AffinityGroup.objects.filter(
        Q(account=owner, domain=None) | Q(domain__in=owner.domain.ancestor_ids)
    )


def change_affinity(vm: VirtualMachine, groups: Sequence[AffinityGroup]) -> None:
    """Takes effect at the next start, so a running machine is refused."""
    if vm.state not in (VmState.STOPPED, VmState.DESTROYED):
        raise NotAllowedInState(
            f"Virtual machine {vm} is {vm.state}; stop it to change its affinity groups."
        )
    vm.affinity_groups.set(groups)


def _refuse_taken(model: type, owner: Account, name: str, what: str) -> None:
    if model.objects.filter(account=owner, name=name).exists():
        raise InvalidParameter(f"Account {owner} has {what} named {name} already.")
