"""Projects: who shares what, who is invited, and what members may do."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from frontend import tabs
from frontend.sections.base import (
    Action,
    Column,
    F,
    Facts,
    Form,
    Record,
    Related,
    Section,
    Tab,
    Text,
)
from frontend.sections.columns import CREATED, ID, NAME, STATE, TAGS, states
from frontend.sections.tenants import DOMAIN, LIMIT

ROLE_TYPES = (("Regular", _("Member")), ("Admin", _("Administrator")))

_PROJECT = Column("project", _("Project"), to="projects", by="projectid", shown=False)


def _owners(record: Record) -> str:
    found = record.get("owner") or []
    return ", ".join(str(o.get("user") or o.get("account")) for o in found)


def _who(record: Record) -> str:
    """The user who is in the project alone, with its account; else the account."""
    user, account = record.get("username"), record.get("account")
    return f"{user} ({account})" if user else str(account or "")


def _part(record: Record) -> Text:
    return dict(ROLE_TYPES).get(str(record.get("role")), record.get("role"))


def _not_mine(record: Record) -> Text:
    if record.get("administers") is False:
        return _("Only administrators of the project may do this.")
    return ""


def _whole_account(record: Record) -> Text:
    if record.get("userid"):
        return _("The user is in the project alone.")
    return _not_mine(record)


def _one_user(record: Record) -> Text:
    if not record.get("userid"):
        return _("The whole account is in the project.")
    return _not_mine(record)


def _not_to_promote(record: Record) -> Text:
    if record.get("role") == "Admin":
        return _("It administers the project already.")
    return _not_mine(record)


def _not_to_demote(record: Record) -> Text:
    if record.get("role") != "Admin":
        return _("It is a regular member already.")
    return _not_mine(record)


_MEMBER_FORM = (F("roletype", choices=ROLE_TYPES), F("projectroleid", section="projectroles"))

PROJECTS = Section(
    key="projects",
    title=_("Projects"),
    one=_("Project"),
    icon="folders",
    list="listProjects",
    resource_type="Project",
    banner="frontend/parts/projects_banner.html",
    about=_(
        "A project holds machines, disks and networks that several accounts and users share. "
        "It has limits of its own, and nobody's resources change hands when people come and go."
    ),
    columns=(
        NAME,
        STATE,
        Column("displaytext", _("Description")),
        Column("owner", _("Administrators"), make=_owners),
        DOMAIN,
        Column("vmtotal", _("Instances"), "number"),
        Column("cputotal", _("CPU cores"), "number"),
        Column("memorytotal", _("Memory"), "memory"),
        Column("volumetotal", _("Volumes"), "number", shown=False),
        Column("primarystoragetotal", _("Primary storage"), "gib", shown=False),
        CREATED,
        TAGS,
    ),
    filters=(states("state", _("State"), "Active", "Suspended", "Disabled"),),
    facts=(
        Facts(
            _("Project"),
            (
                ID,
                Column("displaytext", _("Description")),
                Column("owner", _("Administrators"), make=_owners),
                DOMAIN,
                Column("created", _("Created"), "date"),
            ),
        ),
    ),
    card="frontend/cards/project.html",
    actions=(
        Action(
            "addAccountToProject",
            _("Add an account"),
            "users-group",
            param="projectid",
            primary=True,
            states=("Active",),
            unless=_not_mine,
            form=Form(("account", "email", *_MEMBER_FORM)),
        ),
        Action(
            "addUserToProject",
            _("Add a user"),
            "user-plus",
            param="projectid",
            states=("Active",),
            unless=_not_mine,
            form=Form(("username", "email", *_MEMBER_FORM)),
        ),
        Action(
            "createProjectRole",
            _("New role"),
            "plus",
            param="projectid",
            unless=_not_mine,
            form=Form(("name", "description")),
        ),
        Action(
            "updateProject",
            _("Edit"),
            "edit",
            unless=_not_mine,
            form=Form(("name", "displaytext"), prefill=True),
        ),
        Action(
            "updateResourceLimit",
            _("Change the limit"),
            "edit",
            key="limit",
            param="projectid",
            hidden=True,
            form=LIMIT,
        ),
        Action(
            "activateProject",
            _("Activate"),
            "player-play",
            states=("Suspended",),
            unless=_not_mine,
            bulk=True,
        ),
        Action(
            "suspendProject",
            _("Suspend"),
            "player-pause",
            states=("Active",),
            unless=_not_mine,
            danger=True,
            bulk=True,
            ask=_(
                "Its machines are stopped. Nothing can be made or started in it until it is "
                "activated again."
            ),
        ),
        Action(
            "deleteProject",
            _("Delete"),
            "trash",
            unless=_not_mine,
            danger=True,
            form=Form(("cleanup",)),
            ask=_(
                "The project disappears. With “Also delete what is in it”, so do its machines, "
                "disks and networks, for good."
            ),
        ),
    ),
    create=(
        Action(
            "createProject",
            _("New project"),
            "plus",
            form=Form(
                ("name", "displaytext"),
                more=(
                    F("accountid", section="accounts", admin=True),
                    F("userid", section="users", admin=True),
                ),
            ),
        ),
    ),
    tabs=(
        Related("projectmembers", "projectid", label=_("Members")),
        Related("projectinvitations", "projectid", label=_("Invitations")),
        Related("projectroles", "projectid", label=_("Roles"), preset={"projectid": "id"}),
        Related("instances", "projectid", preset={"projectid": "id"}),
        Related("volumes", "projectid", preset={"projectid": "id"}),
        Related("networks", "projectid", preset={"projectid": "id"}),
        Tab(
            "limits",
            _("Limits"),
            "frontend/tabs/limits.html",
            tabs.limits,
            needs="listResourceLimits",
        ),
        Related("events", "projectid", label=_("Events")),
    ),
)  # fmt: skip

MEMBERS = Section(
    key="projectmembers",
    title=_("Members"),
    one=_("Member"),
    icon="users",
    list="listProjectAccounts",
    name_field="account",
    title_of=_who,
    state_field="",
    has_detail=False,
    about=_("Accounts with all their users, and single users, who share what the project owns."),
    columns=(
        Column("account", _("Member"), make=_who),
        Column("role", _("Part"), make=_part),
        Column("projectrolename", _("Role"), to="projectroles", by="projectroleid"),
        _PROJECT,
    ),
    actions=(
        Action(
            "updateProject",
            _("Make administrator"),
            "user-plus",
            source="projectid",
            key="promote",
            sends={"account": "account", "userid": "userid"},
            unless=_not_to_promote,
            form=Form(fixed={"swapowner": "false", "roletype": "Admin"}),
        ),
        Action(
            "updateProject",
            _("Make regular member"),
            "user",
            source="projectid",
            key="demote",
            sends={"account": "account", "userid": "userid"},
            unless=_not_to_demote,
            form=Form(fixed={"swapowner": "false", "roletype": "Regular"}),
        ),
        Action(
            "deleteAccountFromProject",
            _("Take out of the project"),
            "trash",
            param="account",
            source="account",
            sends={"projectid": "projectid"},
            unless=_whole_account,
            danger=True,
            ask=_("What it made for the project stays; it no longer sees or uses any of it."),
        ),
        Action(
            "deleteUserFromProject",
            _("Take the user out"),
            "trash",
            param="userid",
            source="userid",
            sends={"projectid": "projectid"},
            unless=_one_user,
            danger=True,
            ask=_("What it made for the project stays; it no longer sees or uses any of it."),
        ),
    ),
)

INVITATIONS = Section(
    key="projectinvitations",
    title=_("Invitations"),
    one=_("Invitation"),
    icon="plus",
    list="listProjectInvitations",
    name_field="account",
    title_of=lambda r: str(r.get("account") or r.get("email") or ""),
    has_detail=False,
    about=_("Accounts, users and addresses that were invited to projects."),
    columns=(
        Column("account", _("Account")),
        Column("email", _("E-mail")),
        STATE,
        Column("role", _("Part"), make=_part),
        _PROJECT,
        CREATED,
    ),
    filters=(states("state", _("State"), "Pending", "Completed", "Expired", "Declined"),),
    actions=(
        Action(
            "deleteProjectInvitation",
            _("Withdraw"),
            "trash",
            unless=_not_mine,
            danger=True,
            bulk=True,
            states=("Pending",),
            ask=_("It can no longer be accepted."),
        ),
    ),
)

ROLES = Section(
    key="projectroles",
    title=_("Project roles"),
    one=_("Project role"),
    icon="shield",
    list="listProjectRoles",
    state_field="",
    about=_(
        "A project role takes away from what members may do with the project's things; "
        "administrators of the project are not bound by it."
    ),
    columns=(NAME, Column("description", _("Description"))),
    facts=(Facts(_("Project role"), (ID, Column("description", _("Description")))),),
    actions=(
        Action(
            "updateProjectRole",
            _("Edit"),
            "edit",
            primary=True,
            unless=_not_mine,
            sends={"projectid": "projectid"},
            form=Form(("name", "description"), prefill=True),
        ),
        Action(
            "deleteProjectRole",
            _("Delete"),
            "trash",
            sends={"projectid": "projectid"},
            unless=_not_mine,
            danger=True,
            bulk=True,
            ask=_("Only a role that no member has can be deleted."),
        ),
    ),
    tabs=(
        Tab(
            "rules",
            _("Rules"),
            "frontend/tabs/rules.html",
            tabs.project_rules,
            needs="listProjectRolePermissions",
        ),
        Related("projectmembers", "projectroleid", label=_("Members"),
                also={"projectid": "projectid"}),
    ),
)  # fmt: skip

SECTIONS = (PROJECTS, MEMBERS, INVITATIONS, ROLES)
