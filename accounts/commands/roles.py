from __future__ import annotations

from typing import Annotated, Literal

from django.db.models import QuerySet

from accounts import responses
from accounts.caller import Caller
from accounts.models import Role
from accounts.services import roles
from core.commands import (
    ADMIN,
    DOMAIN_ADMIN,
    Filter,
    Map,
    Operate,
    Read,
    RoleType,
    command,
    listing,
)
from core.errors import InvalidParameter
from core.responses import SUCCESS


@command(roles=ADMIN, event="ROLE.CREATE", response=responses.role)
def createRole(
    caller: Caller,
    name: Annotated[str, "What to call it; unique"],
    type: Annotated[RoleType | None, "What it can be at most; or give roleid"] = None,
    roleid: Annotated[Role | None, Read, "A role whose type and rules to copy"] = None,
    description: Annotated[str | None, "What it is for"] = None,
    ispublic: Annotated[bool, "Whether administrators of domains see it"] = True,
) -> Role:
    """Makes a role, empty or as a copy of another."""
    return roles.create(
        caller,
        name,
        kind=type or "",
        clone_of=roleid,
        description=description or "",
        is_public=ispublic,
    )


@command(roles=ADMIN, event="ROLE.UPDATE", response=responses.role)
def updateRole(
    caller: Caller,
    id: Annotated[Role, Operate, "The role to change"],
    name: Annotated[str | None, "Its new name"] = None,
    type: Annotated[RoleType | None, "Its new type, while no account has it"] = None,
    description: Annotated[str | None, "What it is for"] = None,
    ispublic: Annotated[bool | None, "Whether administrators of domains see it"] = None,
) -> Role:
    """Changes a role that is not built in."""
    return roles.update(
        caller, id, name=name, kind=type, description=description, is_public=ispublic
    )


@command(roles=ADMIN, event="ROLE.DELETE", response=SUCCESS)
def deleteRole(
    caller: Caller,
    id: Annotated[Role, Operate, "The role to delete"],
) -> None:
    """Deletes a role that no account has."""
    roles.delete(id)


@command(roles=ADMIN, event="ROLE.ENABLE", response=SUCCESS)
def enableRole(
    caller: Caller,
    id: Annotated[Role, Operate, "The role to enable"],
) -> None:
    """Lets accounts with a role in again."""
    roles.set_enabled(id, True)


@command(roles=ADMIN, event="ROLE.DISABLE", response=SUCCESS)
def disableRole(
    caller: Caller,
    id: Annotated[Role, Operate, "The role to disable"],
) -> None:
    """Keeps all accounts with a role out."""
    roles.set_enabled(id, False)


@command(roles=ADMIN, event="ROLE.IMPORT", response=responses.role)
def importRole(
    caller: Caller,
    name: Annotated[str, "What to call it; unique"],
    rules: Annotated[Map, "rules[0].rule, rules[0].permission and perhaps .description"],
    type: Annotated[RoleType, "What it can be at most"] = RoleType.USER,
    description: Annotated[str | None, "What it is for"] = None,
    ispublic: Annotated[bool, "Whether administrators of domains see it"] = True,
    forced: Annotated[bool, "Replace a role of this name"] = False,
) -> Role:
    """Makes a role with all its rules at once."""
    return roles.import_role(
        caller,
        name,
        [_rule(entry) for entry in rules],
        kind=type,
        description=description or "",
        is_public=ispublic,
        forced=forced,
    )


@listing(Role, response=responses.role, roles=DOMAIN_ADMIN)
def listRoles(
    caller: Caller,
    rows: QuerySet,
    name: Annotated[str | None, Filter("name"), "Only one of this name"] = None,
    type: Annotated[RoleType | None, Filter("type"), "Only of this type"] = None,
    state: Annotated[
        Literal["enabled", "disabled"] | None, Filter("state"), "Only in this state"
    ] = None,
) -> QuerySet:
    """Lists roles that the caller may give."""
    return rows


def _rule(entry: dict[str, str]) -> tuple[str, bool, str]:
    rule, permission = entry.get("rule", ""), entry.get("permission", "").lower()
    if permission not in ("allow", "deny"):
        raise InvalidParameter(f"Rule “{rule}” needs a permission: allow or deny.")
    return rule, permission == "allow", entry.get("description", "")
