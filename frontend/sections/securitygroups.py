"""Security groups and their rules."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from frontend import tabs
from frontend.sections.base import Action, Column, F, Facts, Form, Record, Related, Section, Tab
from frontend.sections.columns import DOMAIN, ID, NAME, OWNER_ONLY

_PROTOCOLS = (
    ("tcp", "TCP"),
    ("udp", "UDP"),
    ("icmp", "ICMP"),
    ("all", _("Every protocol")),
)


def _count(name: str):
    return lambda record: len(record.get(name) or [])


def _built_in(record: Record):
    return _("The group default stays.") if record.get("name") == "default" else ""


def _rule_form(whom) -> Form:
    return Form(
        (
            F("protocol", choices=_PROTOCOLS, initial="tcp", help=_("Which traffic")),
            F("startport", placeholder="22"),
            F("endport", placeholder="22"),
            F("cidrlist", whom, placeholder="0.0.0.0/0, 2001:db8::/32", initial="0.0.0.0/0"),
        ),
        more=(
            "icmptype",
            "icmpcode",
            F(
                "usersecuritygrouplist",
                help=_("The machines of another group: account=… and group=…, a line each."),
            ),
        ),
    )


SECURITY_GROUPS = Section(
    key="securitygroups",
    title=_("Security groups"),
    one=_("Security group"),
    icon="shield",
    list="listSecurityGroups",
    state_field="",
    about=_(
        "Rules about who may reach instances in networks that several accounts share. Nothing "
        "comes in that no rule allows; an instance without a group is in the group default."
    ),
    columns=(
        NAME,
        Column("description", _("Description")),
        Column("ingressrule", _("Rules in"), "number", make=_count("ingressrule")),
        Column("egressrule", _("Rules out"), "number", make=_count("egressrule")),
        Column("virtualmachinecount", _("Instances"), "number"),
        Column("account", _("Account")),
        DOMAIN,
    ),
    facts=(
        Facts(
            _("Security group"),
            (
                ID,
                Column("description", _("Description")),
                Column("virtualmachinecount", _("Instances"), "number"),
            ),
        ),
        OWNER_ONLY,
    ),
    actions=(
        Action(
            "authorizeSecurityGroupIngress",
            _("Allow traffic in"),
            "plus",
            param="securitygroupid",
            form=_rule_form(_("From these addresses")),
        ),
        Action(
            "authorizeSecurityGroupEgress",
            _("Allow traffic out"),
            "external-link",
            param="securitygroupid",
            form=_rule_form(_("To these addresses")),
            ask=_("The first rule of this kind shuts out all traffic that no rule allows."),
        ),
        Action(
            "revokeSecurityGroupIngress",
            _("Take the rule away"),
            "trash",
            key="rule",
            source="-",
            hidden=True,
            danger=True,
            form=Form((F("id", widget="hidden"),)),
            ask=_("Traffic that only this rule let in stays out from now on."),
        ),
        Action(
            "revokeSecurityGroupEgress",
            _("Take the rule away"),
            "trash",
            key="rule",
            source="-",
            hidden=True,
            danger=True,
            form=Form((F("id", widget="hidden"),)),
            ask=_("Traffic that only this rule let out stays in; without any rule all goes out."),
        ),
        Action(
            "updateSecurityGroup",
            _("Rename"),
            "edit",
            unless=_built_in,
            form=Form(("name",), prefill=True),
        ),
        Action(
            "deleteSecurityGroup",
            _("Delete"),
            "trash",
            danger=True,
            bulk=True,
            unless=_built_in,
            ask=_("The group and its rules are deleted. One that instances are in cannot be."),
        ),
    ),
    create=(
        Action(
            "createSecurityGroup",
            _("New security group"),
            "plus",
            form=Form(("name", "description"), more=("account", "domainid")),
        ),
    ),
    tabs=(
        Tab("rules", _("Rules"), "frontend/tabs/trafficrules.html", tabs.traffic_rules),
        Related("instances", "securitygroupid"),
    ),
    resource_type="SecurityGroup",
)

SECTIONS = (SECURITY_GROUPS,)
