"""Roles as ordered rules: the first that matches decides, else the command's own default."""

from __future__ import annotations

import fnmatch
import functools

from accounts.caller import Caller
from accounts.models import Role, RoleRule
from core.commands import Command, RoleType


def may_use(caller: Caller, command: Command) -> bool:
    """Root Admin, the built-in role, may everything; nobody can lock the cloud's owner out."""
    role = caller.role
    if role.is_default and role.type == RoleType.ADMIN and role.name == "Root Admin":
        return True
    for rule, allow in _rules(role):
        if matches(rule, command.name):
            return allow
    return caller.role_type in command.roles


def _rules(role: Role) -> list[tuple[str, bool]]:
    return list(RoleRule.objects.filter(role=role).values_list("rule", "allow"))


@functools.lru_cache(maxsize=4096)
def matches(rule: str, name: str) -> bool:
    """Any case; ``*`` stands for letters and digits."""
    return fnmatch.fnmatchcase(name.lower(), rule.lower())
