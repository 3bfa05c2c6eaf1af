"""Roles as ordered rules: the first that matches decides, else the command's own default."""

from __future__ import annotations

import contextlib
import functools
import re
import uuid as uuids
from collections.abc import Iterator, Sequence

from django.db import transaction
from django.db.models import Max

from accounts.caller import Caller
from accounts.models import Account, Role, RoleRule
from core.commands import COMMANDS, Command, RoleType
from core.errors import InUse, InvalidParameter, PermissionDenied

_RULE = re.compile(r"[A-Za-z0-9*]+")


def may_use(caller: Caller, command: Command) -> bool:
    """Root Admin, the built-in role, may everything; nobody can lock the cloud's owner out."""
    role = caller.role
    if role.is_unrestricted:
        return True
    return role.state == "enabled" and allows(role, command)


def allows(role: Role, command: Command) -> bool:
    if role.is_unrestricted:
        return True
    decided = _decision(role.uuid, role.rules_stamp, command.name)
    return RoleType(role.type) in command.roles if decided is None else decided


@functools.lru_cache(maxsize=65536)
def _decision(role: uuids.UUID, stamp: int, name: str) -> bool | None:
    """``stamp`` comes with the role's row, so a change of rules by any process counts."""
    for rule, allow in _rules(role, stamp):
        if matches(rule, name):
            return allow
    return None


@functools.lru_cache(maxsize=1024)
def _rules(role: uuids.UUID, stamp: int) -> tuple[tuple[str, bool], ...]:
    return tuple(RoleRule.objects.filter(role__uuid=role).values_list("rule", "allow"))


def matches(rule: str, name: str) -> bool:
    """Any case; ``*`` stands for letters and digits."""
    return bool(_pattern(rule).fullmatch(name))


@functools.lru_cache(maxsize=4096)
def _pattern(rule: str) -> re.Pattern[str]:
    parts = (re.escape(part) for part in rule.split("*"))
    return re.compile(r"\w*".join(parts), re.IGNORECASE)


# -- who may give which role (rule R2) ---------------------------------------------------


def check_may_give(caller: Caller, role: Role) -> None:
    """Nobody makes an equal or higher role, nor one that may what the giver may not."""
    if caller.role.is_unrestricted:
        return
    if RoleType(role.type) not in caller.role_type.below:
        raise PermissionDenied(
            f"Role {role.name} is as high as yours or higher; you may not give it to others."
        )
    for command in COMMANDS.values():
        if allows(role, command) and not may_use(caller, command):
            raise PermissionDenied(
                f"Role {role.name} allows {command.name}, which your own role does not; "
                "you may not give it to others."
            )


@contextlib.contextmanager
def no_wider(caller: Caller, role: Role) -> Iterator[None]:
    """Refuses what the block does to a role's rules when the role would then allow a command
    that the caller may not use itself: accounts may have the role already."""
    if caller.role.is_unrestricted:
        yield
        return
    before = _allowed(role)
    yield
    role.refresh_from_db(fields=["rules_stamp"])
    for name in sorted(_allowed(role) - before):
        if not may_use(caller, COMMANDS[name]):
            raise PermissionDenied(
                f"Role {role.name} would allow {name}, which your own role does not."
            )


def _allowed(role: Role) -> set[str]:
    return {name for name, command in COMMANDS.items() if allows(role, command)}


def for_account(role: Role | None, account_type: int | None) -> Role:
    """A role given by itself or as CloudStack's account type (0 user, 1 root admin,
    2 domain admin, 3 resource admin); a plain user when neither is."""
    if role is not None:
        if role.state != "enabled":
            raise InvalidParameter(f"Role {role.name} is disabled; enable it first.")
        return role
    names = {0: "User", 1: Role.UNRESTRICTED, 2: "Domain Admin", 3: "Resource Admin"}
    if (account_type or 0) not in names:
        raise InvalidParameter(f"Account type {account_type} is unknown; it is 0, 1, 2 or 3.")
    return Role.objects.get(name=names[account_type or 0], is_default=True)


# -- changing roles ----------------------------------------------------------------------


def create(
    caller: Caller,
    name: str,
    *,
    kind: str = "",
    clone_of: Role | None = None,
    description: str = "",
    is_public: bool = True,
) -> Role:
    if bool(kind) == bool(clone_of):
        raise InvalidParameter("Give either type or roleid (the role to copy), one of the two.")
    if clone_of is not None and clone_of.is_unrestricted:
        raise InvalidParameter(f"Role {clone_of.name} has no rules to copy; give a type instead.")
    kind = kind or clone_of.type
    _check_type(caller, kind)
    _check_name(name)
    role = Role.objects.create(
        name=name, type=kind, description=description, is_public=is_public
    )
    if clone_of is not None:
        write_rules(role, list(clone_of.rules.values_list("rule", "allow", "description")))
    return role


def update(
    caller: Caller,
    role: Role,
    *,
    name: str | None = None,
    kind: str | None = None,
    description: str | None = None,
    is_public: bool | None = None,
) -> Role:
    _check_editable(role)
    if kind is not None and kind != role.type:
        _check_type(caller, kind)
        _check_unused(role, "cannot change its type")
        role.type = kind
    if name is not None and name != role.name:
        _check_name(name, role)
        role.name = name
    role.description = role.description if description is None else description
    role.is_public = role.is_public if is_public is None else is_public
    role.save()
    _touch(role)
    return role


def set_enabled(role: Role, enabled: bool) -> None:
    _check_editable(role)
    role.state = "enabled" if enabled else "disabled"
    role.save(update_fields=["state"])


def delete(role: Role) -> None:
    _check_editable(role)
    _check_unused(role, "cannot be deleted")
    role.remove()


@transaction.atomic
def import_role(
    caller: Caller,
    name: str,
    rules: Sequence[tuple[str, bool, str]],
    *,
    kind: str,
    description: str,
    is_public: bool,
    forced: bool,
) -> Role:
    """A role with these rules; ``forced`` replaces one of that name."""
    role = Role.objects.filter(name=name).first()
    if role is None:
        role = create(caller, name, kind=kind, description=description, is_public=is_public)
    elif not forced:
        raise InvalidParameter(f"Role {name} exists; import with forced=true to replace it.")
    else:
        if not Role.objects.operable_by(caller).filter(pk=role.pk).exists():
            raise PermissionDenied(f"Role {name} is as high as yours or higher.")
        update(caller, role, kind=kind, description=description, is_public=is_public)
    with no_wider(caller, role):
        write_rules(role, rules)
    return role


def write_rules(role: Role, rules: Sequence[tuple[str, bool, str]]) -> None:
    for rule, _, _ in rules:
        check_rule(rule)
    role.rules.all().delete()
    RoleRule.objects.bulk_create(
        RoleRule(role=role, rule=rule, allow=allow, description=description, sort_order=i)
        for i, (rule, allow, description) in enumerate(rules)
    )
    _touch(role)


def add_rule(role: Role, rule: str, *, allow: bool, description: str = "") -> RoleRule:
    _check_editable(role)
    check_rule(rule)
    if role.rules.filter(rule__iexact=rule).exists():
        raise InvalidParameter(f"Role {role.name} has a rule {rule} already; change that one.")
    last = role.rules.aggregate(last=Max("sort_order"))["last"]
    made = RoleRule.objects.create(
        role=role,
        rule=rule,
        allow=allow,
        description=description,
        sort_order=0 if last is None else last + 1,
    )
    _touch(role)
    return made


def change_rule(rule: RoleRule, *, allow: bool) -> None:
    _check_editable(rule.role)
    rule.allow = allow
    rule.save(update_fields=["allow"])
    _touch(rule.role)


def order_rules(role: Role, order: Sequence[RoleRule]) -> None:
    """``order`` names every rule of the role once."""
    _check_editable(role)
    if sorted(r.pk for r in order) != sorted(role.rules.values_list("pk", flat=True)):
        raise InvalidParameter(f"ruleorder must name each rule of role {role.name} once.")
    for i, rule in enumerate(order):
        rule.sort_order = i
    RoleRule.objects.bulk_update(order, ["sort_order"])
    _touch(role)


def delete_rule(rule: RoleRule) -> None:
    _check_editable(rule.role)
    rule.delete()
    _touch(rule.role)


def _touch(role: Role) -> None:
    role.rules_stamp = Role.new_stamp()
    role.save(update_fields=["rules_stamp"])


def check_rule(rule: str) -> None:
    if not _RULE.fullmatch(rule):
        raise InvalidParameter(
            f"“{rule}” is not a rule: write a command's name, in which * stands for any letters."
        )


def _check_editable(role: Role) -> None:
    if role.is_default:
        raise PermissionDenied(f"Role {role.name} is built in; copy it to change the copy.")


def _check_unused(role: Role, what: str) -> None:
    names = list(Account.objects.filter(role=role).values_list("name", flat=True)[:6])
    if names:
        shown = ", ".join(names[:5]) + (" and more" if len(names) > 5 else "")
        raise InUse(f"Role {role.name} {what}: accounts {shown} have it.")


def _check_type(caller: Caller, kind: str) -> None:
    if not caller.role.is_unrestricted and RoleType(kind) not in caller.role_type.below:
        raise PermissionDenied(f"Your role may not make roles of type {kind}.")


def _check_name(name: str, role: Role | None = None) -> None:
    if not name.strip():
        raise InvalidParameter("A role needs a name.")
    if Role.objects.filter(name__iexact=name).exclude(pk=role.pk if role else None).exists():
        raise InvalidParameter(f"There is a role {name} already.")
