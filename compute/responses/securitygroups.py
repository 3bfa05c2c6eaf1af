"""Security groups with their rules and members."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from accounts.owners import owner
from accounts.pinned import responses as pinned
from compute.models import SecurityGroup, SecurityGroupRule, VirtualMachine
from compute.models.securitygroups import EGRESS, INGRESS
from compute.together import Together, grouped
from core.responses import Response, computed, many, number, text

securitygrouprule = Response(
    "securitygrouprule",
    SecurityGroupRule,
    (
        text("ruleid", "uuid"),
        text("protocol"),
        number("startport", "start_port"),
        number("endport", "end_port"),
        number("icmptype", "icmp_type"),
        number("icmpcode", "icmp_code"),
        computed("cidr", ("cidr",), lambda text: text or None),
        text("securitygroupname", "peer__name"),
        text("account", "peer__account__name"),
    ),
)


def _rules(direction: str) -> Any:
    def fetch(keys: Sequence[int], caller: Any) -> dict[int, list[dict[str, Any]]]:
        rows = SecurityGroupRule.objects.filter(group__in=keys, direction=direction)
        found = grouped(securitygrouprule, rows.order_by("pk"), "group", caller)
        return {key: found.get(key, []) for key in keys}

    return fetch


def _members(keys: Sequence[int], caller: Any) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {key: [] for key in keys}
    rows = VirtualMachine.objects.filter(security_groups__in=keys).order_by("pk")
    for key, uuid in rows.values_list("security_groups", "uuid"):
        if key in found:
            found[key].append(str(uuid))
    return found


_member_facts = Together(_members)

_plain = (text("id", "uuid"), text("name"), text("description"), *owner())

#: As a machine shows the groups it is in.
securitygroup_of_machine = Response("securitygroup", SecurityGroup, _plain)

securitygroup = Response(
    "securitygroup",
    SecurityGroup,
    (
        *_plain,
        many("ingressrule", _rules(INGRESS), of=securitygrouprule),
        many("egressrule", _rules(EGRESS), of=securitygrouprule),
        many("virtualmachinecount", _member_facts.part(len), kind="integer"),
        many("virtualmachineids", _member_facts.part(list), kind="list"),
        pinned.tags(SecurityGroup),
    ),
)
