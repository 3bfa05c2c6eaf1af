"""Domains and accounts: who owns."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from frontend import tabs
from frontend.sections.base import (
    Action,
    Column,
    F,
    Facts,
    Filter,
    Form,
    Record,
    Related,
    Section,
    Tab,
    Text,
)
from frontend.sections.columns import DOMAIN_FILTER, ID, NAME, STATE, TAGS, states

if TYPE_CHECKING:
    from frontend.reader import Reader

DOMAIN = Column("domain", _("Domain"), to="domains", by="domainid")

ROLE = Column("rolename", _("Role"), to="roles", by="roleid")

CREATED = Column("created", _("Created"), "time")


def not_first(record: Record) -> Text:
    if record.get("isdefault"):
        return _("The first administrator and the portal's own account cannot be changed.")
    return ""


def own_domain(reader: Reader) -> str:
    """The domain that the reader acts in: the scope's, else its own."""
    return reader.scope.get("domainid") or str(reader.caller.domain.uuid)


def ruled_domain(reader: Reader) -> str:
    """The same for who rules a domain; what root administrators make is for everybody."""
    return "" if reader.is_admin else own_domain(reader)


def _may_give(reader: Reader, role: Record) -> bool:
    """Nobody gives a role as high as its own."""
    caller = reader.caller
    return caller.role.is_unrestricted or role.get("type") in caller.role_type.below


def _below_root(record: Record) -> Text:
    return "" if record.get("parentdomainid") else _("ROOT holds everything; it stays.")


LIMIT = Form(
    (
        F(
            "resourcetype", label=_("Of what"),
            help=_("Each kind of thing is counted, and limited, by itself."),
            choices=tuple((str(kind), name) for kind, (name, *_rest) in tabs.RESOURCES.items()),
        ),
        F("tag", widget="hidden"),
        F("max", help=_("-1 means no limit. Memory counts in MiB, storage in GiB.")),
    )
)  # fmt: skip

DOMAINS = Section(
    key="domains",
    title=_("Domains"),
    one=_("Domain"),
    icon="sitemap",
    list="listDomains",
    resource_type="Domain",
    about=_(
        "A domain is a branch of your organisation. It holds accounts and further domains, and its "
        "administrators see nothing outside it."
    ),
    columns=(
        NAME,
        STATE,
        Column("path", _("Path"), "mono"),
        Column("vmtotal", _("Instances"), "number"),
        Column("cputotal", _("CPU cores"), "number"),
        Column("memorytotal", _("Memory"), "memory"),
        Column("parentdomainname", _("Parent"), to="domains", by="parentdomainid", shown=False),
        Column("primarystoragetotal", _("Primary storage"), "gib", shown=False),
        Column("networkdomain", _("Network domain"), shown=False),
        Column("level", _("Level"), "number", shown=False),
        CREATED,
        TAGS,
    ),
    filters=(Filter("level", _("Level")),),
    facts=(
        Facts(
            _("Domain"),
            (
                ID,
                Column("path", _("Path"), "mono"),
                Column("parentdomainname", _("Parent"), to="domains", by="parentdomainid"),
                Column("networkdomain", _("Network domain")),
                Column("created", _("Created"), "date"),
            ),
        ),
        Facts(
            _("In use"),
            (
                Column("vmtotal", _("Instances"), "number"),
                Column("volumetotal", _("Volumes"), "number"),
                Column("cputotal", _("CPU cores"), "number"),
                Column("memorytotal", _("Memory"), "memory"),
                Column("primarystoragetotal", _("Primary storage"), "gib"),
            ),
        ),
    ),
    actions=(
        Action(
            "createDomain",
            _("New subdomain"),
            "plus",
            param="parentdomainid",
            primary=True,
            form=Form(("name", "networkdomain")),
        ),
        Action(
            "updateDomain", _("Edit"), "edit", form=Form(("name", "networkdomain"), prefill=True)
        ),
        Action(
            "moveDomain",
            _("Move"),
            "switch-horizontal",
            param="domainid",
            unless=_below_root,
            form=Form(("parentdomainid",)),
        ),
        Action("updateResourceCount", _("Count again"), "refresh", param="domainid"),
        Action(
            "updateResourceLimit",
            _("Change the limit"),
            "edit",
            key="limit",
            param="domainid",
            hidden=True,
            form=LIMIT,
        ),
        Action(
            "deleteDomain",
            _("Delete"),
            "trash",
            danger=True,
            unless=_below_root,
            form=Form(("cleanup",)),
            ask=_(
                "The domain disappears. With “Also delete what is in it”, so do its subdomains, "
                "its accounts and all they own, for good."
            ),
        ),
    ),
    create=(
        Action(
            "createDomain",
            _("New domain"),
            "plus",
            form=Form(
                (
                    F("name", placeholder="研发"),
                    F("parentdomainid", initial=own_domain, help=_("The domain above it.")),
                    "networkdomain",
                )
            ),
        ),
    ),
    tabs=(
        Related("subdomains", "id", preset={"parentdomainid": "id"}),
        Related("accounts", "domainid", preset={"domainid": "id"}),
        Related("users", "domainid", preset={"domainid": "id"}),
        Related("projects", "domainid", closed=True),
        Related("events", "domainid"),
        Tab(
            "limits",
            _("Limits"),
            "frontend/tabs/limits.html",
            tabs.limits,
            needs="listResourceLimits",
        ),
        Tab(
            "settings",
            _("Settings"),
            "frontend/tabs/settings.html",
            tabs.settings,
            needs="listConfigurations",
            operates=True,
        ),
    ),
)

_PERSON = ("firstname", "lastname", "email")

ACCOUNTS = Section(
    key="accounts",
    title=_("Accounts"),
    one=_("Account"),
    icon="users-group",
    list="listAccounts",
    resource_type="Account",
    about=_(
        "An account owns machines, disks and networks; limits are counted on it. Each has at least "
        "one user who signs in."
    ),
    columns=(
        NAME,
        STATE,
        DOMAIN,
        ROLE,
        Column("vmtotal", _("Instances"), "number"),
        Column("cputotal", _("CPU cores"), "number"),
        Column("memorytotal", _("Memory"), "memory"),
        Column("volumetotal", _("Volumes"), "number", shown=False),
        Column("primarystoragetotal", _("Primary storage"), "gib", shown=False),
        Column("secondarystoragetotal", _("Secondary storage"), "gib", shown=False),
        Column("iptotal", _("Public addresses"), "number", shown=False),
        Column("networkdomain", _("Network domain"), shown=False),
        CREATED,
        TAGS,
    ),
    filters=(
        states("state", _("State"), "enabled", "disabled", "locked"),
        DOMAIN_FILTER,
        Filter(
            "accounttype",
            _("Account type"),
            choices=(
                ("0", _("User")),
                ("1", _("Root administrator")),
                ("2", _("Domain administrator")),
                ("3", _("Resource administrator")),
            ),
        ),
    ),
    facts=(
        Facts(
            _("Account"),
            (
                ID,
                DOMAIN,
                ROLE,
                Column("networkdomain", _("Network domain")),
                Column("created", _("Created"), "date"),
            ),
        ),
    ),
    card="frontend/cards/account.html",
    actions=(
        Action(
            "createUser",
            _("New user"),
            "user-plus",
            primary=True,
            url="/users/new?account={name}&domainid={domainid}",
            operates=True,
        ),
        Action(
            "updateAccount",
            _("Edit"),
            "edit",
            form=Form(
                (
                    F("newname", source="name", label=_("Name")),
                    F("roleid", keep=_may_give),
                    "networkdomain",
                ),
                prefill=True,
            ),
        ),
        Action(
            "markDefaultZoneForAccount",
            _("Choose its default zone"),
            "map-pin",
            param="account",
            source="name",
            sends={"domainid": "domainid"},
            admin=True,
            form=Form(("zoneid",)),
            ask=_("New volumes go there when nobody names another zone."),
        ),
        Action(
            "updateResourceCount",
            _("Count again"),
            "refresh",
            param="account",
            source="name",
            sends={"domainid": "domainid"},
        ),
        Action(
            "updateResourceLimit",
            _("Change the limit"),
            "edit",
            key="limit",
            param="account",
            source="name",
            sends={"domainid": "domainid"},
            hidden=True,
            form=LIMIT,
        ),
        Action(
            "enableAccount", _("Enable"), "circle-check", states=("disabled", "locked"), bulk=True
        ),
        Action(
            "lockAccount",
            _("Lock"),
            "lock",
            states=("enabled",),
            param="account",
            operates=True,
            source="name",
            sends={"domainid": "domainid"},
            unless=not_first,
            bulk=True,
            ask=_("Its machines keep running; nothing new can be made until it is enabled again."),
        ),
        Action(
            "disableAccount",
            _("Disable"),
            "ban",
            danger=True,
            states=("enabled", "locked"),
            unless=not_first,
            bulk=True,
            form=Form(fixed={"lock": "false"}),
            ask=_(
                "Its machines are stopped and its users cannot sign in, until it is enabled again."
            ),
        ),
        Action(
            "deleteAccount",
            _("Delete"),
            "trash",
            danger=True,
            bulk=True,
            unless=not_first,
            ask=_(
                "The account and everything it owns – machines, disks, snapshots, networks – are "
                "deleted for good."
            ),
        ),
    ),
    create=(
        Action(
            "createAccount",
            _("New account"),
            "plus",
            form=Form(
                (
                    F("account", label=_("Account name")),
                    F("domainid", initial=own_domain, help=_("Where it belongs.")),
                    F(
                        "roleid",
                        keep=_may_give,
                        help=_("What its users may do; the role User if you choose none."),
                    ),
                    "username",
                    "password",
                    *_PERSON,
                ),
                more=("networkdomain", "timezone"),
            ),
        ),
    ),
    tabs=(
        Related(
            "users",
            "account",
            field="name",
            preset={"account": "name", "domainid": "domainid"},
            also={"domainid": "domainid"},
            operates=True,
        ),
        *(
            Related(
                owned,
                "account",
                field="name",
                preset={"account": "name", "domainid": "domainid"},
                also={"domainid": "domainid"},
            )
            for owned in ("instances", "volumes", "networks")
        ),
        Related("events", "account", field="name", also={"domainid": "domainid"}),
        Tab(
            "limits",
            _("Limits"),
            "frontend/tabs/limits.html",
            tabs.limits,
            needs="listResourceLimits",
        ),
        Tab(
            "settings",
            _("Settings"),
            "frontend/tabs/settings.html",
            tabs.settings,
            needs="listConfigurations",
            operates=True,
        ),
    ),
)

SUBDOMAINS = replace(
    DOMAINS,
    key="subdomains",
    title=_("Subdomains"),
    list="listDomainChildren",
    has_detail=False,
    columns=(Column("name", _("Name"), to="domains", by="id"), *DOMAINS.columns[1:]),
    filters=(),
    actions=(),
    create=(replace(DOMAINS.create[0], label=_("New subdomain")),),
    tabs=(),
)

SECTIONS = (
    DOMAINS,
    SUBDOMAINS,
    ACCOUNTS,
)
