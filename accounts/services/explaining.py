"""Why somebody may or may not do something: every check on the way, in the order they are made,
each with what decides it. The same functions decide here as when a command is called.
"""

from __future__ import annotations

import ipaddress
import uuid as uuids
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import models

from accounts.caller import Caller
from accounts.models import Project, ProjectRole, Role, RoleRule, User
from accounts.services import keys, membership, roles, sources
from core.commands import COMMANDS, Access, Command
from core.config import SETTINGS
from core.errors import InvalidParameter

#: Settings that keep users (administrators not) from a command while they are off.
_SWITCHES = {
    "expungeVirtualMachine": "allow.user.expunge.recover.vm",
    "recoverVirtualMachine": "allow.user.expunge.recover.vm",
    "recoverVolume": "allow.user.expunge.recover.volume",
    "createProject": "allow.user.create.projects",
}


@dataclass(frozen=True)
class Check:
    """One thing that is looked at. ``passed`` None: it decides nothing by itself."""

    name: str
    passed: bool | None
    text: str
    more: dict[str, Any] = field(default_factory=dict)


def command_called(name: str) -> Command:
    """In any case of its letters. Raises InvalidParameter."""
    found = COMMANDS.get(name) or next(
        (c for n, c in COMMANDS.items() if n.lower() == name.strip().lower()), None
    )
    if found is None:
        raise InvalidParameter(f"There is no command {name}.")
    return found


def of_role(role: Role, command: Command) -> list[Check]:
    return [_role_state(role), _role_rule(role, command)]


def of_user(
    user: User, command: Command, *, thing: models.Model | None = None, address: str = ""
) -> list[Check]:
    """As if the user called ``command``, about ``thing`` and from ``address`` where given."""
    caller = Caller.of(user)
    checks = [
        Check("user", user.state == "enabled", f"User {user} is {user.state}."),
        _account(caller),
        _domain(caller),
        _role_state(caller.role),
        _role_rule(caller.role, command),
        *_setting(caller, command),
    ]
    if thing is not None:
        checks += [*_project(caller, command, thing), _scope(caller, command, thing)]
    return [*checks, _api_key(user), *_address(caller, address)]


def decisive(checks: list[Check]) -> Check | None:
    """The first that stands in the way."""
    return next((check for check in checks if check.passed is False), None)


def find_thing(caller: Caller, command: Command, uuid: str) -> models.Model:
    """The row of this id among those that the command can be about, and ``caller`` may see."""
    try:
        wanted = uuids.UUID(uuid)
    except ValueError:
        raise InvalidParameter(f"objectid must be an id, not “{uuid}”.") from None
    for model in dict.fromkeys(p.model for p in command.params if p.model is not None):
        found = model._default_manager.all().visible_to(caller).filter(uuid=wanted).first()
        if found is not None:
            return found
    raise InvalidParameter(
        f"{command.name} is about nothing that has the id {uuid}, as far as you may see."
    )


# -- the checks ------------------------------------------------------------------------------


def _account(caller: Caller) -> Check:
    state = caller.account.state
    return Check("account", state == "enabled", f"Account {caller.account.name} is {state}.")


def _domain(caller: Caller) -> Check:
    domain = caller.domain
    if domain.state == "Active":
        return Check("domain", True, f"Domain {domain.name_path} is active.")
    return Check("domain", False, f"Domain {domain.name_path} is being deleted.")


def _role_state(role: Role) -> Check:
    passed = role.state == "enabled" or role.is_unrestricted
    return Check("role", passed, f"Role {role.name} is {role.state}.")


def _role_rule(role: Role, command: Command) -> Check:
    if command.anonymous:
        return Check("rule", True, f"{command.name} needs no role: anybody may call it.")
    if role.is_unrestricted:
        return Check("rule", True, f"Role {role.name} may use every command, always.")
    number, rule = _deciding(role, command.name)
    if rule is not None:
        text = f"Rule {number} of role {role.name}, “{rule.rule}”, denies {command.name}."
        if rule.allow:
            text = f"Rule {number} of role {role.name}, “{rule.rule}”, allows {command.name}."
        more = {"rule": rule.rule, "rulenumber": number, "ruleid": rule.uuid}
        return Check("rule", rule.allow, text, more)
    passed = roles.allows(role, command)
    text = (
        f"No rule of role {role.name} matches {command.name}, so its type decides: roles of "
        f"type {role.type} may not use it."
    )
    if passed:
        text = (
            f"No rule of role {role.name} matches {command.name}, so its type decides: roles of "
            f"type {role.type} may use it."
        )
    return Check("rule", passed, text, {"roletype": role.type})


def _deciding(role: Role, name: str) -> tuple[int, RoleRule | None]:
    for number, rule in enumerate(role.rules.all(), 1):
        if roles.matches(rule.rule, name):
            return number, rule
    return 0, None


def _setting(caller: Caller, command: Command) -> Iterator[Check]:
    setting = SETTINGS.get(_SWITCHES.get(command.name, ""))
    if setting is None or caller.is_domain_admin:
        return
    allowed = bool(setting.get(caller.account))
    text = f"Setting {setting.name} is off, so only administrators may do this."
    if allowed:
        text = f"Setting {setting.name} is on."
    yield Check("setting", allowed, text, {"setting": setting.name})


def _project(caller: Caller, command: Command, thing: models.Model) -> Iterator[Check]:
    owner = thing.account_id if isinstance(thing, Project) else membership.owner_id(thing)
    found = caller.memberships.get(owner) if owner is not None else None
    if found is None or found.role is None:
        return
    role = ProjectRole.objects.get(pk=found.role)
    if membership.permits(caller, found, command.name):
        yield Check("projectrole", True, f"Project role {role.name} allows {command.name}.")
    else:
        yield Check("projectrole", False, f"Project role {role.name} denies {command.name}.")


def _scope(caller: Caller, command: Command, thing: models.Model) -> Check:
    accesses = [p.access for p in command.params if p.model is type(thing)]
    access = max(accesses, key=list(Access).index)
    rows = getattr(type(thing)._default_manager.all(), access.value)(caller)
    whose = f"account {caller.account.name}"
    if rows.filter(pk=thing.pk).exists():
        return Check("object", True, f"{thing} is within reach of {whose}.")
    texts = {
        Access.READ: f"{thing} is not for {whose} to see.",
        Access.USE: f"{thing} is not for {whose} to use.",
        Access.OPERATE: f"{thing} is not for {whose} to change.",
    }
    return Check("object", False, texts[access])


def _api_key(user: User) -> Check:
    """Only calls that are signed with a key; pages and sessions do without."""
    if keys.access_allowed(user):
        return Check("apikey", None, f"User {user} may sign calls with an API key.")
    return Check(
        "apikey", None, f"User {user} may not sign calls with an API key, only sign in."
    )


def _address(caller: Caller, address: str) -> Iterator[Check]:
    if not sources.CHECKED.get():
        return
    allowed, more = sources.NETWORKS.get(caller.account), {"setting": sources.NETWORKS.name}
    if not address:
        yield Check("address", None, f"Calls are accepted from {allowed}.", more)
        return
    try:
        ipaddress.ip_address(address.strip())
    except ValueError:
        raise InvalidParameter(f"“{address}” is not an address.") from None
    if sources.refusal(caller.account, address.strip()):
        text = f"Calls from {address} are not accepted, only those from {allowed}."
        yield Check("address", False, text, more)
    else:
        yield Check("address", True, f"Calls from {address} are accepted.", more)
