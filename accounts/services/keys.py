"""API keys: a pair per user. The secret is shown when the pair is made, and never again."""

from __future__ import annotations

from django.db import transaction

from accounts.models import ApiKey, User
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


@transaction.atomic
def register(user: User) -> tuple[str, str]:
    """A new pair (key, secret); an older one is worth nothing from now on."""
    key, secret = ApiKey.new_pair()
    _store(user, key, secret)
    return key, secret


@transaction.atomic
def choose(user: User, key: str, secret: str) -> None:
    """A pair that the user brings along; it must be long enough not to be guessed."""
    if min(len(key), len(secret)) < _SHORTEST:
        raise InvalidParameter(
            f"An API key and a secret key need at least {_SHORTEST} characters each; "
            "registerUserKeys makes a good pair."
        )
    if ApiKey.objects.filter(key=key).exclude(user=user).exists():
        raise InvalidParameter("This API key cannot be used; choose another.")
    _store(user, key, secret)


def _store(user: User, key: str, secret: str) -> None:
    ApiKey.objects.filter(user=user).delete()
    ApiKey.objects.create(user=user, key=key, sealed_secret=vault.seal(secret))


def delete(user: User) -> bool:
    return bool(ApiKey.objects.filter(user=user).delete()[0])


_by_key: Lookup[ApiKey] = Lookup(
    lambda: ApiKey.objects.select_related("user__account__domain", "user__account__role"), "key"
)


def find(key: str) -> tuple[User, str] | None:
    """Whose key this is, and the secret its signatures are made with; None when it is
    unknown, or its user may not come in that way."""
    row = _by_key(key)
    # MariaDB compares texts in any case; a key is exact.
    if row is None or row.key != key:
        return None
    if not sessions.may_sign_in(row.user) or not access_allowed(row.user):
        return None
    return row.user, row.secret


def access_allowed(user: User) -> bool:
    """The narrowest answer counts: user, account, domain, the whole cloud."""
    for own in (user.api_key_access, user.account.api_key_access):
        if own != "INHERIT":
            return own == "ENABLED"
    return KEY_ACCESS.get(user.account.domain)
