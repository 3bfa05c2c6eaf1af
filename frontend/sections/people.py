"""Users and roles: who acts, and what they may."""

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
    Section,
    Tab,
    Text,
)
from frontend.sections.columns import DOMAIN_FILTER, ID, NAME, STATE, states
from frontend.sections.tenants import CREATED, DOMAIN, not_first, own_domain


def _own_role(record: Record) -> Text:
    if record.get("isdefault"):
        return _("Built-in roles cannot be changed. Copy it to a role of your own instead.")
    return ""


_PERSON = ("firstname", "lastname", "email")
_PROOF = F(
    "currentpassword", widget="password",
    help=_("Only needed for another e-mail address of your own."),
)  # fmt: skip

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
        Facts(
            _("Second factor"),
            (
                Column("is2faenabled", _("Set up"), "flag"),
                Column("is2famandated", _("Required"), "flag"),
            ),
        ),
    ),
    actions=(
        Action(
            "updateUser",
            _("Edit"),
            "edit",
            primary=True,
            form=Form(("username", *_PERSON, "timezone", _PROOF), prefill=True),
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
            form=Form((F("keepold", initial="0"),)),
            ask=_("A new pair is made. The secret key is shown this once."),
        ),
        Action(
            "deleteUserKeys",
            _("Throw the API keys away"),
            "key",
            danger=True,
            unless=lambda r: "" if r.get("apikey") else _("The user has no API keys."),
            ask=_("Programs that sign with them are refused at once."),
        ),
        Action(
            "updateUser",
            _("Require a second factor"),
            "shield-lock",
            key="mandate",
            unless=lambda r: _("It is required already.") if r.get("is2famandated") else "",
            form=Form(fixed={"mandate2fa": "true"}),
            ask=_(
                "The user sets one up at the next sign-in, where the setting enable.user.2fa "
                "allows second factors."
            ),
        ),
        Action(
            "setupUserTwoFactorAuthentication",
            _("Throw the second factor away"),
            "shield",
            param="userid",
            operates=True,
            danger=True,
            unless=lambda r: "" if r.get("is2faenabled") else _("The user has none."),
            form=Form(fixed={"enable": "false"}),
            ask=_("For a user who lost it. The user is signed out everywhere."),
        ),
        Action(
            "deleteUserIdentities",
            _("Forget sign-ins by providers"),
            "link",
            ask=_(
                "Accounts at providers by which the user signed in are forgotten. Whoever signs in "
                "next with the user’s address at a provider is taken for the user."
            ),
        ),
        Action(
            "moveUser",
            _("Move to another account"),
            "transfer",
            unless=not_first,
            form=Form((F("accountid", required=True),)),
            ask=_("It must be an account of the same domain. The user is signed out everywhere."),
        ),
        Action("enableUser", _("Enable"), "circle-check", states=("disabled", "locked"), bulk=True),
        Action(
            "lockUser",
            _("Lock"),
            "lock",
            states=("enabled",),
            unless=not_first,
            ask=_("The user is signed out and cannot sign in until enabled again."),
        ),
        Action(
            "disableUser",
            _("Disable"),
            "ban",
            danger=True,
            states=("enabled", "locked"),
            unless=not_first,
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
            unless=not_first,
            ask=_("The user and its keys are deleted. What its account owns stays."),
        ),
    ),
    create=(
        Action(
            "createUser",
            _("New user"),
            "plus",
            form=Form(
                (
                    F("account", section=""),
                    F("domainid", initial=own_domain, help=_("The domain of the account.")),
                    "username",
                    "password",
                    *_PERSON,
                ),
                more=("timezone",),
            ),
        ),
    ),
    tabs=(Tab("why", _("Why?"), "frontend/tabs/why.html", tabs.why, needs="explainPermission"),),
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
        "A role says which commands its accounts may use: rules in order, the first that matches "
        "decides."
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
        Action(
            "importRole",
            _("Import a role"),
            "upload",
            form=Form(
                (
                    "name",
                    F("type", choices=_ROLE_TYPES, required=True, initial="User"),
                    F(
                        "rules",
                        widget="rules",
                        placeholder="allow list*\ndeny *",
                        help=_(
                            "One rule a line: allow or deny, the command (* stands for any "
                            "letters), and if you like what it is for. The first that matches "
                            "decides. A role’s Rules tab shows its lines."
                        ),
                    ),
                ),
                more=("description", "ispublic", "forced"),
            ),
        ),
    ),
    tabs=(
        Tab(
            "rules", _("Rules"), "frontend/tabs/rules.html", tabs.rules, needs="listRolePermissions"
        ),
        Tab("why", _("Why?"), "frontend/tabs/why.html", tabs.why, needs="explainPermission"),
    ),
)

SECTIONS = (
    USERS,
    ROLES,
)
