"""A forgotten password: a link by e-mail, good once and for a while."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from urllib.parse import urlencode

from django.db import transaction
from django.utils import timezone

from accounts.models import PasswordReset, User
from accounts.services import letters, passwords, proving, sessions, throttle
from core import live, mail
from core.config import Setting
from core.errors import InvalidParameter, ResourceUnavailable

ENABLED = Setting(
    "user.password.reset.enabled", False,
    "Whether users may have a link sent to choose a new password.",
)  # fmt: skip
TTL_MINUTES = Setting(
    "user.password.reset.ttl", 30, "For how many minutes such a link is good.",
    minimum=1, maximum=60 * 24 * 7,
)  # fmt: skip
ADDRESS = Setting(
    # Never taken from the request: a forged Host header would send the token elsewhere.
    "user.password.reset.mail.domain.url", "",
    "The portal's own address, as in https://cloud.example.org, that links in e-mail begin with.",
)  # fmt: skip
TEXT = Setting(
    "user.password.reset.mail.template",
    "Hello {{username}},\n\nsomebody, most likely you, asked for a new password. Choose one here:\n"
    "{{{domainUrl}}}{{{resetLink}}}\n\nThe link is good once. If you did not ask, do nothing.\n\n"
    "您好 {{username}}：\n\n有人（很可能是您本人）申请了新密码。请点击上面的链接设置新密码。"
    "链接只能使用一次；如果不是您本人申请，请忽略此邮件。\n",
    "The text of that e-mail; {{username}}, {{{domainUrl}}} and {{{resetLink}}} are filled in.",
)  # fmt: skip

_REFUSED = "The link is wrong, was used already, or is too old. Ask for a new one."


def is_available() -> bool:
    return ENABLED.get() and bool(ADDRESS.get()) and mail.is_configured()


def ask(username: str, *, domain_path: str = "", address: str = "") -> None:
    """Sends the user a link, if there is such a user with an address and a password of ours.
    Whether there is shows neither in the answer nor in the work done for it.

    Raises Throttled. Call it outside a transaction: requests are counted.
    """
    _check_available()
    domain = sessions.domain_at(domain_path)
    user = sessions.user_called(username, domain) if domain else None
    things = throttle.watched_resets(sessions.canonical(user, username), address)
    throttle.refuse_if_paused(things)
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        throttle.failed(things)
        _send(user if user is not None and _may_reset(user) else None, token)


def finish(
    username: str, token: str, password: str, *, domain_path: str = "", address: str = ""
) -> User:
    """The new password, for the token. Ends the user's sessions; a second factor stays.

    Raises InvalidParameter; a password that the policy refuses leaves the link good.
    """
    _check_available()
    domain = sessions.domain_at(domain_path)
    user = sessions.user_called(username, domain) if domain else None
    things = throttle.watched(f"reset {sessions.canonical(user, username)}", address)
    throttle.refuse_if_paused(things)
    found = PasswordReset.objects.filter(
        user=user, token_hash=_hash(token), expires__gt=timezone.now()
    )
    if user is None or not _may_reset(user) or not found.exists():
        throttle.failed(things)
        raise InvalidParameter(_REFUSED)
    with transaction.atomic():
        if not found.delete()[0]:
            raise InvalidParameter(_REFUSED)
        passwords.give(user, password)
        sessions.end_all(user)
    throttle.succeeded(things)
    live.changed(user)
    return user


def _check_available() -> None:
    if not is_available():
        raise ResourceUnavailable(
            "Forgotten passwords cannot be replaced by e-mail here. Ask your administrator."
        )


def _may_reset(user: User) -> bool:
    return user.source == proving.NATIVE and bool(user.email) and sessions.may_sign_in(user)


def _send(user: User | None, token: str) -> None:
    """As much work for nobody, whose letter is thrown away unsent (jobs.letters)."""
    good_for = timedelta(minutes=TTL_MINUTES.get())
    found = {"token_hash": _hash(token), "expires": timezone.now() + good_for}
    if user is not None:
        PasswordReset.objects.update_or_create(user=user, defaults=found)
    else:
        PasswordReset.objects.filter(pk=0).update(**found)
    username, domain = (user.username, user.domain.name_path) if user else ("", "")
    about = {"username": username, "domain": domain, "token": token}
    text = (
        TEXT.get()
        .replace("{{{domainUrl}}}", ADDRESS.get().rstrip("/"))
        .replace("{{{resetLink}}}", f"/forgotten/new?{urlencode(about)}")
        .replace("{{username}}", username)
    )
    letters.post(user.email if user else "", "A new password / 重置密码", text, good_for=good_for)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
