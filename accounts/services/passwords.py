"""What a password must be like, as the operator set it (CloudStack's password.policy.*)."""

from __future__ import annotations

import re

from django.contrib.auth.hashers import check_password

from accounts.models import Domain, OldPassword, PasswordReset, User
from core.config import Scope, Setting
from core.errors import InvalidParameter


def _check_expression(text: str) -> None:
    """One that is none would refuse every password. Raises InvalidParameter."""
    try:
        re.compile(text)
    except re.error as error:
        raise InvalidParameter(f"“{text}” is no regular expression: {error}.") from None


_SCOPES = (Scope.GLOBAL, Scope.DOMAIN)


def _minimum(of: str, words: str) -> Setting[int]:
    return Setting(
        f"password.policy.minimum.{of}", 0, f"Fewest {words} in a user's password.",
        scopes=_SCOPES, minimum=0, maximum=100,
    )  # fmt: skip


_LENGTH = _minimum("length", "characters")
_CLASSES = (
    (_minimum("uppercase.letters", "capital letters"), "capital letters", str.isupper),
    (_minimum("lowercase.letters", "small letters"), "small letters", str.islower),
    (_minimum("digits", "digits"), "digits", str.isdigit),
    (_minimum("special.characters", "special characters"), "special characters",
     lambda c: not c.isalnum()),
)  # fmt: skip
_MAY_CONTAIN_NAME = Setting(
    "password.policy.allowPasswordToContainUsername", True,
    "Whether a password may contain the user's name.", scopes=_SCOPES,
)  # fmt: skip
_PATTERN = Setting(
    "password.policy.regex", ".+",
    "A regular expression that a whole password must match.", scopes=_SCOPES,
    check=_check_expression,
    house=True,  # one that never ends its search would stop the whole portal
)  # fmt: skip
_REMEMBERED = Setting(
    "password.policy.history", 0,
    "How many of a user's latest passwords cannot be chosen again; 0: any can.",
    scopes=_SCOPES, minimum=0, maximum=24,
)  # fmt: skip


def check(password: str, username: str, domain: Domain) -> None:
    """Raises InvalidParameter that says what is missing, never the password."""
    if not password.strip():
        raise InvalidParameter("A password cannot be empty.")
    shortest = _LENGTH.get(domain)
    if len(password) < shortest:
        raise InvalidParameter(f"The password must have at least {shortest} characters.")
    for setting, words, is_one in _CLASSES:
        fewest = setting.get(domain)
        if sum(map(is_one, password)) < fewest:
            raise InvalidParameter(f"The password must have at least {fewest} {words}.")
    if not _MAY_CONTAIN_NAME.get(domain) and username.casefold() in password.casefold():
        raise InvalidParameter("The password must not contain the user name.")
    if not re.fullmatch(_PATTERN.get(domain), password, re.DOTALL):
        raise InvalidParameter("The password does not have the form that the operator requires.")


def give(user: User, password: str) -> None:
    """The user's new password, if the policy accepts it; in the caller's transaction."""
    check(password, user.username, user.domain)
    _check_is_new(user, password)
    _remember(user)
    user.set_password(password)
    user.save(update_fields=["password"])
    PasswordReset.objects.filter(user=user).delete()  # a link for the one that is gone


def _check_is_new(user: User, password: str) -> None:
    count = _REMEMBERED.get(user.domain)
    if not count:
        return
    older = OldPassword.objects.filter(user=user).order_by("-pk")
    latest = [user.password, *older.values_list("password", flat=True)[: count - 1]]
    if any(check_password(password, encoded) for encoded in latest):
        raise InvalidParameter(
            f"This is one of your latest {count} passwords; choose one that is new."
        )


def _remember(user: User) -> None:
    """The password that goes, and of older ones as many as count."""
    count = _REMEMBERED.get(user.domain)
    if count:
        OldPassword.objects.create(user=user, password=user.password)
    kept = OldPassword.objects.filter(user=user).order_by("-pk").values_list("pk", flat=True)
    OldPassword.objects.filter(user=user).exclude(pk__in=list(kept[:count])).delete()
