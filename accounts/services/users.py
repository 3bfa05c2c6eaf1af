"""Users: made, changed, locked, moved, removed. Nobody acts on an equal or higher role but on
itself (rule R2): commands look users up among those the caller may operate."""

from __future__ import annotations

import uuid as uuids

from django.db import transaction

from accounts.caller import Caller
from accounts.models import Account, Domain, PasswordReset, User
from accounts.services import keys, passwords, project_members, proving, sessions, two_factor
from core import live
from core.errors import InvalidParameter, NotAllowedInState, PermissionDenied


@transaction.atomic
def create(
    account: Account,
    username: str,
    password: str,
    *,
    firstname: str,
    lastname: str,
    email: str,
    timezone: str = "",
    uuid: uuids.UUID | None = None,
    source: str = proving.NATIVE,
) -> User:
    """``source`` says who keeps the password; only one of ours (native) is given here."""
    check_name(username, account.domain)
    if source == proving.NATIVE:
        passwords.check(password, username, account.domain)
    user = User(
        username=username,
        account=account,
        domain=account.domain,
        firstname=firstname,
        lastname=lastname,
        email=email,
        timezone=timezone,
        source=source,
    )
    if uuid is not None:
        if User.everything.filter(uuid=uuid).exists():
            raise InvalidParameter(f"The id {uuid} is taken.")
        user.uuid = uuid
    user.set_password(password if source == proving.NATIVE else None)
    user.save()
    live.changed(user)
    return user


@transaction.atomic
def update(
    caller: Caller,
    user: User,
    *,
    username: str | None = None,
    password: str | None = None,
    current_password: str | None = None,
    api_key: str | None = None,
    secret_key: str | None = None,
    mandate_factor: bool | None = None,
    **plain: str | None,
) -> User:
    """``plain``: firstname, lastname, email, timezone, language, api_key_access.

    A new password ends the user's sessions; whoever changes its own gives the old one too, and
    so does a session that changes its own address for e-mail.
    """
    _check_may_move_mail(caller, user, plain.get("email"), current_password)
    for name, value in plain.items():
        if value is not None:
            setattr(user, name, value)
    if username is not None and username != user.username:
        _check_may_rename(user)
        check_name(username, user.domain, user)
        user.username = username
    if password is not None:
        _change_password(caller, user, password, current_password)
    if mandate_factor is not None:
        two_factor.mandate(caller, user, mandate_factor)
    user.save()
    if api_key or secret_key:
        if not (api_key and secret_key):
            raise InvalidParameter("Give userapikey and usersecretkey together.")
        keys.choose(user, api_key, secret_key)
    live.changed(user)
    return user


def _check_may_move_mail(
    caller: Caller, user: User, email: str | None, current: str | None
) -> None:
    """Where links for a new password go. A session that somebody else got hold of must not
    change that for its owner; and a link that is under way to the old address is void."""
    if email is None or email == user.email:
        return
    if caller.session is not None and caller.user is not None and caller.user.pk == user.pk:
        proving.prove_again(caller, current)
    PasswordReset.objects.filter(user=user).delete()


def _change_password(caller: Caller, user: User, password: str, current: str | None) -> None:
    if user.source != "native":
        raise InvalidParameter(f"The password of {user} is kept elsewhere ({user.source}).")
    if caller.user is not None and caller.user.pk == user.pk:
        if current is None:
            raise InvalidParameter("Give currentpassword too, to change your own password.")
        proving.prove_again(caller, current)
    passwords.give(user, password)
    sessions.end_all(user)


def set_state(user: User, state: str) -> None:
    """``enabled``, ``disabled`` or ``locked``; the latter two end the user's sessions."""
    if user.is_default and state != "enabled":
        raise PermissionDenied(f"User {user} came with the cloud and stays enabled.")
    user.state = state
    user.save(update_fields=["state"])
    if state != "enabled":
        sessions.end_all(user)
    live.changed(user)


def check_not_self(caller: Caller, user: User, verb: str) -> None:
    if caller.user is not None and caller.user.pk == user.pk:
        raise PermissionDenied(f"You cannot {verb} yourself.")


@transaction.atomic
def move(user: User, account: Account) -> None:
    """To another account of the same domain."""
    if account.domain_id != user.domain_id:
        raise InvalidParameter(f"Account {account.name} is in another domain than user {user}.")
    if account.pk == user.account_id:
        raise InvalidParameter(f"User {user} is in account {account.name} already.")
    if user.is_default:
        raise PermissionDenied(f"User {user} came with the cloud and stays in its account.")
    project_members.leave(user)
    user.account = account
    user.save(update_fields=["account"])
    sessions.end_all(user)
    live.changed(user)


@transaction.atomic
def remove(user: User) -> None:
    if user.is_default:
        raise PermissionDenied(f"User {user} came with the cloud and cannot be deleted.")
    project_members.leave(user)
    keys.delete(user)
    sessions.end_all(user)
    user.remove(state="disabled")


def check_name(username: str, domain: Domain, user: User | None = None) -> None:
    if not username.strip():
        raise InvalidParameter("A user needs a name.")
    twins = User.objects.filter(domain=domain, username__iexact=username)
    if twins.exclude(pk=user.pk if user else None).exists():
        raise InvalidParameter(f"Domain {domain.name_path} has a user {username} already.")


def _check_may_rename(user: User) -> None:
    if user.is_default:
        raise NotAllowedInState(f"User {user} came with the cloud and keeps its name.")
