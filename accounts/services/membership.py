"""What members of projects may do with the projects' things.

A member needs its account's role for a command, as ever. A project role takes away from that:
its rules are tried in order, the first that matches decides, and what none matches stays as it
is. Administrators of the project, of its domain and of the cloud are not bound by them.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from typing import Any

from django.db import connection, models

from accounts.caller import Caller, Membership
from accounts.models import Project, ProjectRoleRule
from accounts.services import roles
from core.commands import Command
from core.errors import NotAllowedInState, PermissionDenied

#: What a suspended project's members may still ask for: to look, and to let go.
LETS_GO = (
    "delete", "destroy", "expunge", "remove", "stop", "detach", "disassociate", "release",
    "revoke", "cancel", "archive", "disable", "unassign", "update", "revert", "migrate",
)  # fmt: skip


def check(caller: Caller, command: Command, values: Iterable[Any]) -> None:
    """Whether the caller may do this with the rows among ``values``, as far as they belong to
    projects. A change holds the projects' rows until it is done, as leaving and suspending do:
    nobody who was taken out meanwhile gets through, and nothing comes that is not stopped.

    Raises PermissionDenied when a project role forbids it or the caller is in the project no
    more, and NotAllowedInState when a project is suspended and something would come or start.
    """
    rows = list(_rows(values))
    owners = {owner_id(row) for row in rows} - {None, caller.account.pk}
    named = {row.account_id for row in rows if isinstance(row, Project)}
    changes = not command.reads_only
    projects = _held(owners | named) if changes else []
    through = [account for account in sorted(owners | named) if account in caller.memberships]
    if projects and through:
        caller.look_again()
    for account in through:
        membership = caller.memberships.get(account)
        if membership is None:
            raise _no_more(account)
        if not permits(caller, membership, command.name):
            raise denied(membership, command.name)
    if changes and not command.name.startswith(LETS_GO):
        for project in projects:
            if project.account_id in owners:
                check_active(project)


def _held(accounts: set[int | None]) -> list[Project]:
    """The projects of these accounts, locked where there is a transaction to hold them."""
    if not accounts:
        return []
    projects = Project.everything.filter(account__in=accounts).order_by("pk")
    if connection.in_atomic_block:
        projects = projects.select_for_update()
    return list(projects)


def barred(caller: Caller, name: str) -> list[int]:
    """Accounts of projects whose things the caller may see, but not by this command."""
    if caller.is_domain_admin:
        return []
    return [a for a, m in caller.memberships.items() if not permits(caller, m, name)]


def permits(caller: Caller, membership: Membership, name: str) -> bool:
    if caller.is_domain_admin or membership.is_admin or membership.role is None:
        return True
    for rule, allow in _rules(membership.role, membership.stamp):
        if roles.matches(rule, name):
            return allow
    return True


@functools.lru_cache(maxsize=1024)
def _rules(role: int, stamp: int) -> tuple[tuple[str, bool], ...]:
    """``stamp`` comes with the role's row, so a change of rules by any process counts."""
    rows = ProjectRoleRule.objects.filter(role=role).order_by("sort_order", "pk")
    return tuple(rows.values_list("rule", "allow"))


def denied(membership: Membership, name: str) -> PermissionDenied:
    project = Project.objects.get(pk=membership.project)
    return PermissionDenied(
        f"Your role in project {project.name} does not allow {name}; "
        "an administrator of the project can change that."
    )


def _no_more(account: int) -> PermissionDenied:
    project = Project.everything.get(account=account)
    return PermissionDenied(f"You are in project {project.name} no more.")


def check_active(project: Project) -> None:
    if project.state == Project.DISABLED:
        raise NotAllowedInState(f"Project {project.name} is being deleted.")
    if project.state != Project.ACTIVE:
        raise NotAllowedInState(
            f"Project {project.name} is suspended: nothing can be created or started in it, and "
            "nobody joins, until it is activated."
        )


def _rows(values: Iterable[Any]) -> Iterator[models.Model]:
    for value in values:
        for one in value if isinstance(value, (list, tuple)) else (value,):
            if isinstance(one, models.Model):
                yield one


def owner_id(row: models.Model) -> int | None:
    """The key of the account a row belongs to; None for what belongs to the house."""
    path = getattr(row, "OWNER", "")
    if not path:
        return None
    *between, last = path.split("__")
    for name in between:
        row = getattr(row, name)
    return getattr(row, f"{last}_id")
