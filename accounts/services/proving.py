"""Whether somebody knows a user's password, wherever that is kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.utils import timezone

from accounts.caller import Caller
from accounts.models import Domain, User
from accounts.services import throttle
from core.errors import InvalidParameter

#: (user, password) → whether it is right. Raises ResourceUnavailable when who knows is away.
Authenticator = Callable[[User, str], bool]

NATIVE = "native"
#: User.source → who knows the password. Users of other sources (oauth2, saml2) have none here.
AUTHENTICATORS: dict[str, Authenticator] = {NATIVE: User.has_password}

#: (domain, name, password) → a user who comes in now for the first time, or None.
NEWCOMERS: list[Callable[[Domain, str, str], User | None]] = []

_FRESH_FOR = timedelta(minutes=5)


def knows_password(user: User, password: str) -> bool:
    authenticator = AUTHENTICATORS.get(user.source)
    return authenticator is not None and bool(password) and authenticator(user, password)


def newcomer(domain: Domain | None, username: str, password: str) -> User | None:
    if domain is None:
        return None
    return next(filter(None, (come(domain, username, password) for come in NEWCOMERS)), None)


def prove_again(caller: Caller, password: str | None) -> None:
    """The caller's own password once more, before what a stolen session must not do. Those
    who sign in elsewhere prove it by having just done so.

    Guessing is throttled like sign-in. Raises InvalidParameter.
    """
    user = caller.user
    if user is None:
        return
    if user.source not in AUTHENTICATORS:
        if caller.session is None or timezone.now() - caller.session.created > _FRESH_FOR:
            raise InvalidParameter("Sign out and in again first, to show that it is you.")
        return
    if password is None:
        raise InvalidParameter("Give your password too, to show that it is you.")
    throttle.own_password.refuse_if_paused(user.pk)
    if not knows_password(user, password):
        throttle.own_password.failed(user.pk)
        raise InvalidParameter("The password is wrong.")
    throttle.own_password.succeeded(user.pk)
