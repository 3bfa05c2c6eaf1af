from __future__ import annotations

from typing import Annotated, Literal

from django.db.models import QuerySet

from accounts import responses
from accounts.caller import Caller
from accounts.models import Role, RoleRule
from accounts.services import roles
from core.commands import ADMIN, Filter, Operate, command, listing
from core.errors import InvalidParameter
from core.responses import SUCCESS


@command(roles=ADMIN, event="ROLE.PERMISSION.CREATE", response=responses.rolepermission)
def createRolePermission(
    caller: Caller,
    roleid: Annotated[Role, Operate, "The role to add it to"],
    rule: Annotated[str, "A command's name, in which * stands for any letters"],
    permission: Annotated[Literal["allow", "deny"], "Whether commands that match are allowed"],
    description: Annotated[str | None, "What the rule is for"] = None,
) -> RoleRule:
    """Adds a rule at the end of a role's rules."""
    with roles.no_wider(caller, roleid):
        return roles.add_rule(
            roleid, rule, allow=permission == "allow", description=description or ""
        )


@command(roles=ADMIN, event="ROLE.PERMISSION.UPDATE", response=SUCCESS)
def updateRolePermission(
    caller: Caller,
    roleid: Annotated[Role, Operate, "The role whose rules to change"],
    ruleid: Annotated[RoleRule | None, Operate, "The rule whose permission to change"] = None,
    permission: Annotated[Literal["allow", "deny"] | None, "Its new permission"] = None,
    ruleorder: Annotated[list[RoleRule] | None, Operate, "All rules of the role, in order"]
    = None,
) -> None:
    """Changes one rule of a role, or the order of all."""
    with roles.no_wider(caller, roleid):
        if ruleorder is not None and ruleid is None:
            roles.order_rules(roleid, ruleorder)
        elif ruleid is not None and permission is not None and ruleid.role_id == roleid.pk:
            roles.change_rule(ruleid, allow=permission == "allow")
        else:
            raise InvalidParameter(
                "Give ruleid (a rule of this role) with permission, or ruleorder alone."
            )


@command(roles=ADMIN, event="ROLE.PERMISSION.DELETE", response=SUCCESS)
def deleteRolePermission(
    caller: Caller,
    id: Annotated[RoleRule, Operate, "The rule to delete"],
) -> None:
    """Deletes a rule of a role."""
    with roles.no_wider(caller, id.role):
        roles.delete_rule(id)


@listing(
    RoleRule,
    response=responses.rolepermission,
    roles=ADMIN,
    keyword=("rule",),
    order=("role", "sort_order", "pk"),
)
def listRolePermissions(
    caller: Caller,
    rows: QuerySet,
    roleid: Annotated[Role | None, Filter("role"), "Only those of this role"] = None,
) -> QuerySet:
    """Lists the rules of roles, in the order in which they are tried."""
    return rows
