"""Security groups: who may reach machines, and whom they may reach."""

from __future__ import annotations

from typing import Annotated

from django.db.models import QuerySet

from accounts.caller import Caller
from accounts.models import Account, Domain, Project
from accounts.services.scoping import named, owner_for
from compute.jobs import apply_group
from compute.models import SecurityGroup, SecurityGroupRule, VirtualMachine
from compute.models.securitygroups import EGRESS, INGRESS
from compute.responses import securitygroup
from compute.services import securitygroups
from compute.services.securitygroups import RuleWish
from core.commands import ADMIN, USER, Filter, Length, Map, Operate, Use, command, listing
from core.errors import InvalidParameter
from core.responses import SUCCESS
from core.steps import Plan


@command(roles=USER, event="SG.CREATE", response=securitygroup)
def createSecurityGroup(
    caller: Caller,
    name: Annotated[str, "Name of the group"],
    description: Annotated[str, Length(4096), "What it is for"] = "",
    account: Annotated[str | None, "The account that owns it; goes with domainid"] = None,
    domainid: Annotated[Domain | None, Use, "The owner's domain"] = None,
    projectid: Annotated[Project | None, Use, "The project that owns it"] = None,
) -> SecurityGroup:
    """Creates a security group."""
    return securitygroups.create(owner_for(caller, account, domainid, projectid), name, description)


@command(roles=ADMIN, event="SG.UPDATE", response=securitygroup)
def updateSecurityGroup(
    caller: Caller,
    id: Annotated[SecurityGroup, Operate, "The group to change"],
    name: Annotated[str | None, "New name"] = None,
) -> SecurityGroup:
    """Renames a security group."""
    return id if name is None else securitygroups.rename(id, name)


@command(roles=USER, event="SG.DELETE", response=SUCCESS)
def deleteSecurityGroup(
    caller: Caller,
    id: Annotated[SecurityGroup | None, Operate, "The group to delete"] = None,
    name: Annotated[str, "The same by name"] = "",
    account: Annotated[str | None, "The account that owns it; goes with domainid"] = None,
    domainid: Annotated[Domain | None, Use, "The owner's domain"] = None,
    projectid: Annotated[Project | None, Use, "The project that owns it"] = None,
) -> None:
    """Deletes a security group that nobody uses."""
    owner = owner_for(caller, account, domainid, projectid)
    securitygroups.delete(_one(caller, owner, id, name, "id", "name"))


@command(roles=USER, event="SG.AUTH.INGRESS", response=securitygroup)
def authorizeSecurityGroupIngress(
    caller: Caller,
    securitygroupid: Annotated[SecurityGroup | None, Operate, "The group to be reached"] = None,
    securitygroupname: Annotated[str, "The same by name"] = "",
    protocol: Annotated[str, "tcp, udp, icmp, all, or a protocol's number"] = "",
    startport: Annotated[int | None, "First port, of tcp and udp"] = None,
    endport: Annotated[int | None, "Last port"] = None,
    icmptype: Annotated[int | None, "Type of ICMP message; -1: any"] = None,
    icmpcode: Annotated[int | None, "Its code; -1: any"] = None,
    cidrlist: Annotated[list[str] | None, "Address ranges that may come in"] = None,
    usersecuritygrouplist: Annotated[
        Map | None, "Groups whose machines may come in: account and group of each"
    ] = None,
    account: Annotated[str | None, "The account that owns it; goes with domainid"] = None,
    domainid: Annotated[Domain | None, Use, "The owner's domain"] = None,
    projectid: Annotated[Project | None, Use, "The project that owns it"] = None,
) -> Plan:
    """Lets traffic in to the machines of a security group."""
    owner = owner_for(caller, account, domainid, projectid)
    group = _of_rule(caller, owner, securitygroupid, securitygroupname)
    wish = RuleWish(protocol, startport, endport, icmptype, icmpcode)
    peers = _peers(caller, owner, domainid, usersecuritygrouplist)
    securitygroups.authorize(group, INGRESS, wish, cidrlist or [], peers)
    return Plan(apply_group, group)


@command(roles=USER, event="SG.AUTH.EGRESS", response=securitygroup)
def authorizeSecurityGroupEgress(
    caller: Caller,
    securitygroupid: Annotated[SecurityGroup | None, Operate, "The group that reaches out"] = None,
    securitygroupname: Annotated[str, "The same by name"] = "",
    protocol: Annotated[str, "tcp, udp, icmp, all, or a protocol's number"] = "",
    startport: Annotated[int | None, "First port, of tcp and udp"] = None,
    endport: Annotated[int | None, "Last port"] = None,
    icmptype: Annotated[int | None, "Type of ICMP message; -1: any"] = None,
    icmpcode: Annotated[int | None, "Its code; -1: any"] = None,
    cidrlist: Annotated[list[str] | None, "Address ranges that may be reached"] = None,
    usersecuritygrouplist: Annotated[
        Map | None, "Groups whose machines may be reached: account and group of each"
    ] = None,
    account: Annotated[str | None, "The account that owns it; goes with domainid"] = None,
    domainid: Annotated[Domain | None, Use, "The owner's domain"] = None,
    projectid: Annotated[Project | None, Use, "The project that owns it"] = None,
) -> Plan:
    """Lets traffic out of the machines of a security group. The first such rule shuts out
    all else; without any, everything goes out."""
    owner = owner_for(caller, account, domainid, projectid)
    group = _of_rule(caller, owner, securitygroupid, securitygroupname)
    wish = RuleWish(protocol, startport, endport, icmptype, icmpcode)
    peers = _peers(caller, owner, domainid, usersecuritygrouplist)
    securitygroups.authorize(group, EGRESS, wish, cidrlist or [], peers)
    return Plan(apply_group, group)


@command(roles=USER, event="SG.REVOKE.INGRESS", response=SUCCESS)
def revokeSecurityGroupIngress(
    caller: Caller, id: Annotated[SecurityGroupRule, Operate, "The rule to take away"]
) -> Plan:
    """Takes away a rule that let traffic in."""
    return _revoke(id, INGRESS)


@command(roles=USER, event="SG.REVOKE.EGRESS", response=SUCCESS)
def revokeSecurityGroupEgress(
    caller: Caller, id: Annotated[SecurityGroupRule, Operate, "The rule to take away"]
) -> Plan:
    """Takes away a rule that let traffic out."""
    return _revoke(id, EGRESS)


@listing(SecurityGroup, response=securitygroup, tagged=True)
def listSecurityGroups(
    caller: Caller,
    rows: QuerySet,
    securitygroupname: Annotated[str | None, Filter("name"), "Only of this name"] = None,
    virtualmachineid: Annotated[
        VirtualMachine | None, Filter("machines"), "Only those this machine is in"
    ] = None,
) -> QuerySet:
    """Lists security groups."""
    return rows


def _revoke(rule: SecurityGroupRule, direction: str) -> Plan:
    if rule.direction != direction:
        raise InvalidParameter(f"Rule {rule} is about {rule.direction}, not {direction}.")
    securitygroups.revoke(rule)
    return Plan(apply_group, rule.group)


def _of_rule(
    caller: Caller, owner: Account, group: SecurityGroup | None, name: str
) -> SecurityGroup:
    return _one(caller, owner, group, name, "securitygroupid", "securitygroupname")


def _one(
    caller: Caller, owner: Account, group: SecurityGroup | None, name: str, *names: str
) -> SecurityGroup:
    if (group is None) == (not name):
        raise InvalidParameter(f"Give {names[0]} or {names[1]} of the security group.")
    if group is not None:
        return group
    found = securitygroups.found(owner, name)
    if not SecurityGroup.objects.operable_by(caller).filter(pk=found.pk).exists():
        raise InvalidParameter(f"Account {owner} has no security group named {name}.")
    return found


def _peers(
    caller: Caller, owner: Account, domain: Domain | None, entries: list[dict[str, str]] | None
) -> list[SecurityGroup]:
    """Groups of accounts the caller may see; without an account, the owner's."""
    found = []
    for entry in entries or []:
        low = {k.lower(): v for k, v in entry.items()}
        if not low.get("group"):
            raise InvalidParameter("Each entry of usersecuritygrouplist needs a group.")
        account = low.get("account")
        of = named(caller, account, domain) if account else owner
        found.append(securitygroups.found(of, low["group"]))
    return found
