"""Accounts: made with their first user, changed, closed, opened again."""

from __future__ import annotations

import uuid as uuids
from typing import Any

from django.db import transaction

from accounts.caller import Caller
from accounts.models import Account, Domain, Role
from accounts.services import roles, sessions, users
from core import live
from core.commands import RoleType
from core.errors import InvalidParameter, NotAllowedInState, PermissionDenied


@transaction.atomic
def create(
    caller: Caller,
    *,
    name: str,
    domain: Domain,
    role: Role,
    username: str,
    password: str,
    firstname: str,
    lastname: str,
    email: str,
    timezone: str = "",
    network_domain: str = "",
    details: dict[str, Any] | None = None,
    uuid: uuids.UUID | None = None,
    user_uuid: uuids.UUID | None = None,
) -> Account:
    roles.check_may_give(caller, role)
    account = make(
        name, domain, role, network_domain=network_domain, details=details, uuid=uuid
    )
    users.create(
        account,
        username,
        password,
        firstname=firstname,
        lastname=lastname,
        email=email,
        timezone=timezone,
        uuid=user_uuid,
    )
    return account


@transaction.atomic
def make(
    name: str,
    domain: Domain,
    role: Role,
    *,
    network_domain: str = "",
    details: dict[str, Any] | None = None,
    uuid: uuids.UUID | None = None,
) -> Account:
    """An account without users yet."""
    check_place(role, domain)
    _check_name(name, domain)
    account = Account(
        name=name, domain=domain, role=role, network_domain=network_domain, details=details or {}
    )
    if uuid is not None:
        if Account.everything.filter(uuid=uuid).exists():
            raise InvalidParameter(f"The id {uuid} is taken.")
        account.uuid = uuid
    account.save()
    live.changed(account)
    return account


@transaction.atomic
def update(
    caller: Caller,
    account: Account,
    *,
    name: str | None = None,
    role: Role | None = None,
    network_domain: str | None = None,
    details: dict[str, Any] | None = None,
    api_key_access: str | None = None,
) -> Account:
    if name is not None and name != account.name:
        if account.is_default:
            raise PermissionDenied(f"Account {account} came with the cloud and keeps its name.")
        _check_name(name, account.domain, account)
        account.name = name
    if role is not None and role.pk != account.role_id:
        _give_role(caller, account, role)
    account.network_domain = account.network_domain if network_domain is None else network_domain
    account.details = account.details if details is None else {**account.details, **details}
    account.api_key_access = api_key_access or account.api_key_access
    account.save()
    live.changed(account)
    return account


def _give_role(caller: Caller, account: Account, role: Role) -> None:
    if account.is_default:
        raise PermissionDenied(f"Account {account.name} came with the cloud and keeps its role.")
    check_not_own(caller, account, "change the role of")
    if role.state != "enabled":
        raise InvalidParameter(f"Role {role.name} is disabled; enable it first.")
    roles.check_may_give(caller, role)
    check_place(role, account.domain)
    account.role = role
    live.tell("account", str(account.uuid), account.pk)  # its pages hear of less, or of more


def set_state(account: Account, state: str) -> None:
    """``enabled``, ``disabled`` or ``locked``; the latter two end all sessions in it."""
    if account.is_default and state != "enabled":
        raise PermissionDenied(f"Account {account.name} came with the cloud and stays enabled.")
    if account.cleanup_needed and state == "enabled":
        raise NotAllowedInState(
            f"Account {account.name} is half deleted and cannot be enabled; delete it again."
        )
    account.state = state
    account.save(update_fields=["state"])
    if state != "enabled":
        sessions.end_all(*account.users.all())
    live.changed(account)


def check_not_own(caller: Caller, account: Account, verb: str) -> None:
    if caller.account.pk == account.pk:
        raise PermissionDenied(f"You cannot {verb} your own account.")


def check_place(role: Role, domain: Domain) -> None:
    if domain.state != "Active":
        raise NotAllowedInState(f"Domain {domain.name_path} is being deleted.")
    if role.type == RoleType.ADMIN and not domain.is_root:
        raise InvalidParameter(
            f"Role {role.name} administers the whole cloud; its accounts live in ROOT, "
            f"not in {domain.name_path}."
        )


def _check_name(name: str, domain: Domain, account: Account | None = None) -> None:
    if not name.strip():
        raise InvalidParameter("An account needs a name.")
    twins = Account.objects.filter(domain=domain, name__iexact=name)
    if twins.exclude(pk=account.pk if account else None).exists():
        raise InvalidParameter(f"Domain {domain.name_path} has an account {name} already.")
