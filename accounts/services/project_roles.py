"""Roles inside a project: ordered rules, as those of accounts, that take away."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.db.models import Max

from accounts.models import Project, ProjectRole, ProjectRoleRule
from accounts.services.roles import check_rule
from core.errors import InUse, InvalidParameter
from core.locking import locked


def check_of(project: Project, role: ProjectRole) -> None:
    if role.project_id != project.pk:
        raise InvalidParameter(
            f"Role {role.name} is of another project, not of {project.name}."
        )


@transaction.atomic
def create(project: Project, name: str, description: str) -> ProjectRole:
    _check_name(project, name)
    return ProjectRole.objects.create(project=project, name=name, description=description)


@transaction.atomic
def update(role: ProjectRole, *, name: str | None, description: str | None) -> ProjectRole:
    if name is not None and name != role.name:
        _check_name(role.project, name, role)
        role.name = name
    role.description = role.description if description is None else description
    role.save(update_fields=["name", "description"])
    return role


@transaction.atomic
def delete(role: ProjectRole) -> None:
    role = locked(role)
    having = [str(m) for m in role.members.select_related("account", "user")[:6]]
    if having:
        shown = ", ".join(having[:5]) + (" and more" if len(having) > 5 else "")
        raise InUse(f"Role {role.name} cannot be deleted: {shown} have it in the project.")
    role.remove()


@transaction.atomic
def add_rule(role: ProjectRole, rule: str, *, allow: bool, description: str) -> ProjectRoleRule:
    check_rule(rule)
    role = locked(role)
    if role.rules.filter(rule__iexact=rule).exists():
        raise InvalidParameter(f"Role {role.name} has a rule {rule} already; change that one.")
    last = role.rules.aggregate(last=Max("sort_order"))["last"]
    made = ProjectRoleRule.objects.create(
        role=role,
        rule=rule,
        allow=allow,
        description=description,
        sort_order=0 if last is None else last + 1,
    )
    _touch(role)
    return made


@transaction.atomic
def change_rule(rule: ProjectRoleRule, *, allow: bool) -> None:
    rule.allow = allow
    rule.save(update_fields=["allow"])
    _touch(rule.role)


@transaction.atomic
def order_rules(role: ProjectRole, order: Sequence[ProjectRoleRule]) -> None:
    """``order`` names every rule of the role once."""
    role = locked(role)
    if sorted(r.pk for r in order) != sorted(role.rules.values_list("pk", flat=True)):
        raise InvalidParameter(f"ruleorder must name each rule of role {role.name} once.")
    for i, rule in enumerate(order):
        rule.sort_order = i
    ProjectRoleRule.objects.bulk_update(order, ["sort_order"])
    _touch(role)


@transaction.atomic
def delete_rule(rule: ProjectRoleRule) -> None:
    rule.delete()
    _touch(rule.role)


def _touch(role: ProjectRole) -> None:
    role.rules_stamp = ProjectRole.new_stamp()
    role.save(update_fields=["rules_stamp"])


def _check_name(project: Project, name: str, role: ProjectRole | None = None) -> None:
    if not name.strip():
        raise InvalidParameter("A role needs a name.")
    twins = ProjectRole.objects.filter(project=project, name__iexact=name)
    if twins.exclude(pk=role.pk if role else None).exists():
        raise InvalidParameter(f"Project {project.name} has a role {name} already.")
