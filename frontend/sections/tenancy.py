"""Domains, accounts, users, roles: who there is."""

from __future__ import annotations

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
from frontend.sections.columns import DOMAIN_FILTER, ID, NAME, STATE, states

DOMAIN = Column("domain", _("Domain"), to="domains", by="domainid")
ROLE = Column("rolename", _("Role"), to="roles", by="roleid")
CREATED = Column("created", _("Created"), "time")


def _not_first(record: Record) -> Text:
    if record.get("isdefault"):
        return _("The first administrator and the portal's own account cannot be changed.")
    return ""


def _below_root(record: Record) -> Text:
    return "" if record.get("parentdomainid") else _("ROOT holds everything; it stays.")


def _own_role(record: Record) -> Text:
    if record.get("isdefault"):
        return _("Built-in roles cannot be changed. Copy it to a role of your own instead.")
    return ""


LIMIT = Form(
    (
        F("resourcetype", widget="hidden"),
        F("max", help=_("-1 means no limit. Memory counts in MiB, storage in GiB.")),
    )
)

DOMAINS = Section(
    key="domains",
    title=_("Domains"),
    one=_("Domain"),
    icon="sitemap",
    list="listDomains",
    resource_type="Domain",
    about=_(
        "A domain is a branch of your organisation. It holds accounts and further domains, and its administrators see nothing outside it."
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
                "The domain disappears. With “Also delete what is in it”, so do its subdomains, its accounts and all they own, for good."
            ),
        ),
    ),
    create=(
        Action(
            "createDomain",
            _("New domain"),
            "plus",
            form=Form((F("name", placeholder="研发"), "parentdomainid", "networkdomain")),
        ),
    ),
    tabs=(
        Related("accounts", "domainid", preset={"domainid": "id"}),
        Related("users", "domainid"),
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
        "An account owns machines, disks and networks; limits are counted on it. Each has at least one user who signs in."
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
        ),
        Action(
            "updateAccount",
            _("Edit"),
            "edit",
            form=Form(
                (F("newname", source="name", label=_("Name")), "roleid", "networkdomain"),
                prefill=True,
            ),
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
            source="name",
            sends={"domainid": "domainid"},
            unless=_not_first,
            ask=_("Its machines keep running; nothing new can be made until it is enabled again."),
        ),
        Action(
            "disableAccount",
            _("Disable"),
            "ban",
            danger=True,
            states=("enabled", "locked"),
            unless=_not_first,
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
            unless=_not_first,
            ask=_(
                "The account and everything it owns – machines, disks, snapshots, networks – are deleted for good."
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
                    "domainid",
                    "roleid",
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
        ),
        Related("instances", "account", field="name", also={"domainid": "domainid"}),
        Related("volumes", "account", field="name", also={"domainid": "domainid"}),
        Related("networks", "account", field="name", also={"domainid": "domainid"}),
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
        ),
    ),
)

USERS = Section(
    key="users",
    title=_("Users"),
    one=_("User"),
    icon="user",
    list="listUsers",
    name_field="username",
    resource_type="User",
    about=_("A user is a person or a program that signs in to an account."),
    columns=(
        Column("username", _("User name"), "name"),
        STATE,
        Column("firstname", _("First name")),
        Column("lastname", _("Last name")),
        Column("account", _("Account"), to="accounts", by="accountid"),
        DOMAIN,
        Column("rolename", _("Role"), to="roles", by="roleid"),
        Column("email", _("E-mail"), shown=False),
        Column("timezone", _("Time zone"), shown=False),
        CREATED,
    ),
    filters=(
        states("state", _("State"), "enabled", "disabled", "locked"),
        DOMAIN_FILTER,
        Filter("username", _("User name")),
    ),
    facts=(
        Facts(
            _("User"),
            (
                ID,
                Column("firstname", _("First name")),
                Column("lastname", _("Last name")),
                Column("email", _("E-mail")),
                Column("timezone", _("Time zone")),
                Column("usersource", _("Signs in by"), "word"),
                Column("created", _("Created"), "date"),
            ),
        ),
        Facts(
            _("Belongs to"),
            (
                Column("account", _("Account"), to="accounts", by="accountid"),
                DOMAIN,
                Column("rolename", _("Role"), to="roles", by="roleid"),
            ),
        ),
        Facts(_("API"), (Column("apikey", _("API key"), "copy"),)),
    ),
    actions=(
        Action(
            "updateUser",
            _("Edit"),
            "edit",
            primary=True,
            form=Form(("username", *_PERSON, "timezone"), prefill=True),
        ),
        Action(
            "updateUser",
            _("Change password"),
            "password",
            key="password",
            form=Form((F("currentpassword", widget="password"), F("password", required=True))),
        ),
        Action(
            "registerUserKeys",
            _("Make API keys"),
            "key",
            ask=_(
                "A new pair is made. A pair made earlier stops working at once. The secret key is shown this once."
            ),
        ),
        Action("enableUser", _("Enable"), "circle-check", states=("disabled", "locked"), bulk=True),
        Action(
            "lockUser",
            _("Lock"),
            "lock",
            states=("enabled",),
            unless=_not_first,
            ask=_("The user is signed out and cannot sign in until enabled again."),
        ),
        Action(
            "disableUser",
            _("Disable"),
            "ban",
            danger=True,
            states=("enabled", "locked"),
            unless=_not_first,
            bulk=True,
            ask=_(
                "The user is signed out, and neither password nor keys work until enabled again."
            ),
        ),
        Action(
            "deleteUser",
            _("Delete"),
            "trash",
            danger=True,
            bulk=True,
            unless=_not_first,
            ask=_("The user and its keys are deleted. What its account owns stays."),
        ),
    ),
    create=(
        Action(
            "createUser",
            _("New user"),
            "plus",
            form=Form(
                (F("account", section=""), "domainid", "username", "password", *_PERSON),
                more=("timezone",),
            ),
        ),
    ),
)

_ROLE_TYPES = (
    ("Admin", _("Root administrator")),
    ("ResourceAdmin", _("Resource administrator")),
    ("DomainAdmin", _("Domain administrator")),
    ("User", _("User")),
)

ROLES = Section(
    key="roles",
    title=_("Roles"),
    one=_("Role"),
    icon="shield-check",
    list="listRoles",
    state_field="state",
    about=_(
        "A role says which commands its accounts may use: rules in order, the first that matches decides."
    ),
    columns=(
        NAME,
        Column("state", _("State"), "state"),
        Column(
            "type",
            _("Type"),
            make=lambda r: dict(_ROLE_TYPES).get(r.get("type", ""), r.get("type")),
        ),
        Column("description", _("Description"), "said"),
        Column("isdefault", _("Built in"), "flag"),
        Column("ispublic", _("Public"), "flag", shown=False),
    ),
    filters=(Filter("type", _("Type"), choices=_ROLE_TYPES),),
    facts=(
        Facts(
            _("Role"),
            (
                ID,
                Column(
                    "type",
                    _("Type"),
                    make=lambda r: dict(_ROLE_TYPES).get(r.get("type", ""), r.get("type")),
                ),
                Column("description", _("Description"), "said"),
                Column("isdefault", _("Built in"), "flag"),
                Column("ispublic", _("Public"), "flag"),
            ),
        ),
    ),
    actions=(
        Action(
            "createRole",
            _("Copy to a new role"),
            "copy",
            param="roleid",
            primary=True,
            form=Form(("name", "description")),
        ),
        Action(
            "updateRole",
            _("Edit"),
            "edit",
            unless=_own_role,
            form=Form(("name", "description", "ispublic"), prefill=True),
        ),
        Action("enableRole", _("Enable"), "circle-check", states=("disabled",)),
        Action(
            "disableRole",
            _("Disable"),
            "ban",
            danger=True,
            states=("enabled",),
            unless=_own_role,
            ask=_("Accounts with this role can use no command until it is enabled again."),
        ),
        Action(
            "deleteRole",
            _("Delete"),
            "trash",
            danger=True,
            unless=_own_role,
            ask=_("The role and its rules are deleted. A role that accounts still have cannot be."),
        ),
    ),
    create=(
        Action(
            "createRole",
            _("New role"),
            "plus",
            form=Form(
                ("name", F("type", choices=_ROLE_TYPES, required=True), "description", "ispublic")
            ),
        ),
    ),
    tabs=(
        Tab(
            "rules", _("Rules"), "frontend/tabs/rules.html", tabs.rules, needs="listRolePermissions"
        ),
        Related("accounts", "roleid"),
    ),
)

SECTIONS = (DOMAINS, ACCOUNTS, USERS, ROLES)
