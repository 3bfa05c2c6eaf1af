"""API keys: a pair per user. The secret is shown when the pair is made, and never again."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from django.db import transaction
from django.utils import timezone

from accounts.models import ApiKey, RetiredKey, User
from accounts.services import sessions
from core import vault
from core.config import Scope, Setting
from core.errors import InvalidParameter
from core.lookups import Lookup

KEY_ACCESS = Setting(
    "api.key.access", True, "Whether users may sign calls with API keys.",
    scopes=(Scope.GLOBAL, Scope.DOMAIN), category="System", house=True,
)  # fmt: skip
_SHORTEST = 32
_TOUCH_EVERY = timedelta(minutes=1)


@transaction.atomic
def register(user: User, *, keep_minutes: int = 0) -> tuple[str, str]:
    """A new pair (key, secret). The older one is worth nothing from now on, or in
    ``keep_minutes``, while programs change over."""
    older = ApiKey.objects.filter(user=user).first()
    key, secret = ApiKey.new_pair()
    _store(user, key, secret)
    if older is not None and keep_minutes:
        RetiredKey.objects.create(
            user=user, key=older.key, sealed_secret=older.sealed_secret,
            until=timezone.now() + timedelta(minutes=keep_minutes),
        )  # fmt: skip
    return key, secret


@transaction.atomic
def choose(user: User, key: str, secret: str) -> None:
    """A pair that the user brings along; it must be long enough not to be guessed."""
    if min(len(key), len(secret)) < _SHORTEST:
        raise InvalidParameter(
            f"An API key and a secret key need at least {_SHORTEST} characters each; "
            "registerUserKeys makes a good pair."
        )
    is_taken = RetiredKey.objects.filter(key=key).exists()
    if is_taken or ApiKey.objects.filter(key=key).exclude(user=user).exists():
        raise InvalidParameter("This API key cannot be used; choose another.")
    _store(user, key, secret)


def _store(user: User, key: str, secret: str) -> None:
    delete(user)
    ApiKey.objects.create(user=user, key=key, sealed_secret=vault.seal(secret))


def delete(user: User) -> bool:
    """Those that were to sign a while longer as well."""
    retired = RetiredKey.objects.filter(user=user).delete()[0]
    return bool(ApiKey.objects.filter(user=user).delete()[0] + retired)


def sweep() -> int:
    return RetiredKey.objects.filter(until__lt=timezone.now()).delete()[0]


_by_key: Lookup[ApiKey] = Lookup(
    lambda: ApiKey.objects.select_related("user__account__domain", "user__account__role"), "key"
)


_by_retired_key: Lookup[RetiredKey] = Lookup(
    lambda: RetiredKey.objects.select_related("user__account__domain", "user__account__role"),
    "key",
)


class Found(NamedTuple):
    """Whose key it is, the secret its signatures are made with, and its row."""

    user: User
    secret: str
    row: ApiKey | RetiredKey


def find(key: str) -> Found | None:
    """None when the key is unknown, or its user may not come in that way."""
    row = _by_key(key) or _retired(key)
    # MariaDB compares texts in any case; a key is exact.
    if row is None or row.key != key:
        return None
    if not sessions.may_sign_in(row.user) or not access_allowed(row.user):
        return None
    return Found(row.user, row.secret, row)


def _retired(key: str) -> RetiredKey | None:
    row = _by_retired_key(key)
    return row if row is not None and row.until > timezone.now() else None


def used(row: ApiKey | RetiredKey) -> None:
    """A genuine signature was made with it. Its row is written at most once a minute."""
    now = timezone.now()
    if isinstance(row, ApiKey) and (row.last_used is None or now - row.last_used > _TOUCH_EVERY):
        ApiKey.objects.filter(pk=row.pk).update(last_used=now)


def access_allowed(user: User) -> bool:
    """The narrowest answer counts: user, account, domain, the whole cloud."""
    for own in (user.api_key_access, user.account.api_key_access):
        if own != "INHERIT":
            return own == "ENABLED"
    return KEY_ACCESS.get(user.account.domain)
