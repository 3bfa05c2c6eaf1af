"""Security groups and their rules, and which of them a machine is in."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Q

from accounts.models import Account
from compute.models import Nic, SecurityGroup, SecurityGroupRule, VirtualMachine
from compute.models.securitygroups import DEFAULT
from compute.services import filtering
from compute.states import VmState
from core import live
from core.errors import InUse, InvalidParameter, NotAllowedInState
from network.models import Network

_NUMBERS = {"1": "icmp", "6": "tcp", "17": "udp"}
_MOST_RULES = 500  # of a group, in one direction: each is a rule on every member's host


@dataclass(frozen=True)
class RuleWish:
    """What a rule is to let pass, as asked."""

    protocol: str = ""
    start_port: int | None = None
    end_port: int | None = None
    icmp_type: int | None = None
    icmp_code: int | None = None


def create(owner: Account, name: str, description: str = "") -> SecurityGroup:
    return SecurityGroup.objects.create(
        account=owner, name=_unused(owner, name), description=description
    )


def rename(group: SecurityGroup, name: str) -> SecurityGroup:
    if group.name == DEFAULT:
        raise InvalidParameter("The group default keeps its name; machines without one use it.")
    if name != group.name:
        group.name = _unused(group.account, name)
        group.save(update_fields=["name"])
        live.changed(group)
    return group


def delete(group: SecurityGroup) -> None:
    """Raises InUse while machines are in it or rules of other groups name it."""
    if group.name == DEFAULT:
        raise InvalidParameter("The group default cannot be deleted.")
    members = list(group.machines.filter(removed=None).order_by("pk")[:5])
    if members:
        raise InUse(f"Security group {group} has machines: {', '.join(map(str, members))}.")
    naming = group.naming_rules.filter(removed=None).exclude(group=group).select_related("group")
    users = sorted({rule.group.name for rule in naming})
    if users:
        raise InUse(f"Security group {group} is named in rules of {', '.join(users[:5])}.")
    _remove(group)


def remove_all(owner: Account) -> None:
    """With the account, when its machines are gone. Rules of others that name its groups go
    too: nobody is left whom they could let in."""
    groups = SecurityGroup.objects.filter(account=owner)
    for rule in SecurityGroupRule.objects.filter(peer__in=groups).exclude(group__in=groups):
        revoke(rule)
    for group in groups:
        _remove(group)


def _remove(group: SecurityGroup) -> None:
    for rule in SecurityGroupRule.objects.filter(group=group):
        rule.remove()
    group.remove()


def default_of(owner: Account) -> SecurityGroup:
    return SecurityGroup.objects.get_or_create(
        account=owner, name=DEFAULT, alive=True,
        defaults={"description": "Machines that name no security group"},
    )[0]  # fmt: skip


def found(owner: Account, name: str) -> SecurityGroup:
    if name == DEFAULT:
        return default_of(owner)
    group = SecurityGroup.objects.filter(account=owner, name=name).first()
    if group is None:
        raise InvalidParameter(f"Account {owner} has no security group named {name}.")
    return group


# -- rules -------------------------------------------------------------------------------


def authorize(
    group: SecurityGroup,
    direction: str,
    wish: RuleWish,
    cidrs: Sequence[str],
    peers: Sequence[SecurityGroup],
) -> list[SecurityGroupRule]:
    """New rules, one for each address range and group. Raises InvalidParameter."""
    if not cidrs and not peers:
        raise InvalidParameter("Say whom the rule is about: cidrlist or usersecuritygrouplist.")
    fields = _checked(wish)
    ends = [{"cidr": _cidr(text), "peer": None} for text in cidrs]
    ends += [{"cidr": "", "peer": peer} for peer in peers]
    SecurityGroup.objects.select_for_update().get(pk=group.pk)
    there = SecurityGroupRule.objects.filter(group=group, direction=direction)
    if there.count() + len(ends) > _MOST_RULES:
        raise InvalidParameter(
            f"Security group {group} would have more than {_MOST_RULES} {direction} rules."
        )
    made = []
    for end in ends:
        if there.filter(**fields, **end).exists():
            raise InvalidParameter(
                f"Security group {group} has this rule for {end['cidr'] or end['peer']} already."
            )
        rule = SecurityGroupRule(group=group, direction=direction, **fields, **end)
        rule.save()
        made.append(rule)
    filtering.changed([group])
    live.changed(group)
    return made


def revoke(rule: SecurityGroupRule) -> None:
    rule.remove()
    filtering.changed([rule.group])
    live.changed(rule.group)


def _checked(wish: RuleWish) -> dict[str, object]:
    """Fields of a rule, all that does not belong to its protocol empty."""
    protocol = wish.protocol.lower().strip() or "tcp"
    protocol = _NUMBERS.get(protocol, protocol)
    ports = {"start_port": None, "end_port": None}
    icmp = {"icmp_type": None, "icmp_code": None}
    if protocol in ("tcp", "udp"):
        ports = _ports(wish)
    elif protocol == "icmp":
        icmp = {"icmp_type": _icmp(wish.icmp_type, "icmptype"),
                "icmp_code": _icmp(wish.icmp_code, "icmpcode")}  # fmt: skip
    elif protocol != "all" and not (protocol.isdigit() and 0 <= int(protocol) <= 255):
        raise InvalidParameter(
            f"protocol must be tcp, udp, icmp, all or a number up to 255, not “{wish.protocol}”."
        )
    return {"protocol": protocol, **ports, **icmp}


def _ports(wish: RuleWish) -> dict[str, int]:
    if wish.start_port is None:
        raise InvalidParameter("Rules of tcp and udp need startport (and endport).")
    end = wish.start_port if wish.end_port is None else wish.end_port
    for name, port in (("startport", wish.start_port), ("endport", end)):
        if not 0 <= port <= 65535:
            raise InvalidParameter(f"{name} must lie between 0 and 65535, not {port}.")
    if end < wish.start_port:
        raise InvalidParameter(f"endport {end} lies before startport {wish.start_port}.")
    return {"start_port": wish.start_port, "end_port": end}


def _icmp(value: int | None, name: str) -> int:
    value = -1 if value is None else value
    if not -1 <= value <= 255:
        raise InvalidParameter(f"{name} must lie between -1 (any) and 255, not {value}.")
    return value


def _cidr(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text.strip(), strict=False))
    except ValueError:
        raise InvalidParameter(f"“{text}” in cidrlist is not an address range.") from None


# -- machines ----------------------------------------------------------------------------


def chosen(
    owner: Account,
    networks: Sequence[Network],
    groups: Sequence[SecurityGroup],
    names: Sequence[str],
) -> list[SecurityGroup]:
    """The groups of a new machine of ``owner`` in these networks: those asked for, else the
    account's default. Raises InvalidParameter where security groups mean nothing."""
    if groups and names:
        raise InvalidParameter("Give securitygroupids or securitygroupnames, not both.")
    wanted = [*groups, *(found(owner, name) for name in names)]
    if not any(n.offering.provides("SecurityGroup") for n in networks):
        if wanted:
            raise InvalidParameter(
                "None of the machine's networks has security groups; choose another network, "
                "or leave the groups out."
            )
        return []
    for group in wanted:
        if group.account_id != owner.pk:
            raise InvalidParameter(
                f"Security group {group} belongs to another account than the machine."
            )
    return list({g.pk: g for g in wanted}.values()) or [default_of(owner)]


def assign(vm: VirtualMachine, groups: Sequence[SecurityGroup]) -> None:
    """Exactly these. Machines whose rules name the groups learn of it by themselves."""
    before = list(vm.security_groups.all())
    vm.security_groups.set(groups)
    filtering.follow(vm.pk)
    filtering.members_changed([*before, *groups])


def change(vm: VirtualMachine, groups: Sequence[SecurityGroup], names: Sequence[str]) -> None:
    """Raises NotAllowedInState unless the machine is stopped, as in CloudStack."""
    if vm.state != VmState.STOPPED:
        raise NotAllowedInState(
            f"Virtual machine {vm} is {vm.state}; stop it to change its security groups."
        )
    rows = Nic.objects.filter(machine=vm).select_related("network__offering")
    assign(vm, chosen(vm.account, [n.network for n in rows], groups, names))


def _unused(owner: Account, name: str) -> str:
    name = name.strip()
    if not name:
        raise InvalidParameter("A security group needs a name.")
    taken = Q(account=owner, name=name)
    if name == DEFAULT or SecurityGroup.objects.filter(taken).exists():
        raise InvalidParameter(
            f"Account {owner} has a security group named {name} already; choose another name."
        )
    return name
