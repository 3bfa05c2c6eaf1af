"""Signing in, staying in, and being put out (rules R12, R13)."""

from __future__ import annotations

import functools
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.hashers import check_password, make_password
from django.db.models import F
from django.utils import timezone

from accounts.caller import Caller
from accounts.models import Domain, Session, User
from accounts.services import factor_policy, proving, sources, throttle
from core import live
from core.config import Setting
from core.errors import LoginFailed
from core.lookups import Lookup

TIMEOUT_MINUTES = Setting(
    "session.timeout.minutes", 30, "A session ends after so many minutes without a call.",
    minimum=1, maximum=60 * 24 * 365,
)  # fmt: skip

_TOUCH_EVERY = timedelta(seconds=30)
#: How long a sign-in may wait for its second factor.
_PENDING_FOR = timedelta(minutes=10)


@dataclass(frozen=True)
class SignedIn:
    """``token`` goes into the session cookie, ``key`` is the wire's sessionkey. Neither is
    stored, only their hashes."""

    session: Session
    caller: Caller
    token: str
    key: str


def log_in(
    username: str,
    password: str,
    *,
    domain_path: str = "",
    domain_uuid: str = "",
    address: str = "",
    device: str = "",
) -> SignedIn:
    """A new session. ``domain_path`` is like ``/dev/team`` or ``ROOT/dev/team``; empty is
    ROOT; ``domain_uuid`` wins over it.

    Raises LoginFailed, with the same words and after the same work whatever was wrong,
    Throttled, or ResourceUnavailable when who keeps the password is away. Call it outside a
    transaction: a failure must be counted, not rolled back.
    """
    domain = domain_meant(domain_path, domain_uuid)
    user = user_called(username, domain) if domain else None
    things = throttle.watched(canonical(user, username), address)
    throttle.refuse_if_paused(things)
    if user is not None and user.source != proving.NATIVE:
        is_right = proving.knows_password(user, password)
    else:
        is_right = check_password(password, user.password if user else _nobodys_password())
    if user is None:
        user = proving.newcomer(domain, username, password)
        is_right = user is not None
    if user is None or not is_right or not may_sign_in(user):
        throttle.failed(things)
        raise LoginFailed("The user name, password or domain is wrong, or the user is disabled.")
    throttle.succeeded(things)
    return start(user, address, device=device, source=user.source)


def start(user: User, address: str = "", *, device: str = "", source: str = "native") -> SignedIn:
    """A session for a user whose identity has been proven; *pending*, and good for nothing
    but proving it, when a second factor is asked for.

    ``device`` is what the browser or program calls itself, ``source`` who vouched. Raises
    LoginFailed when the account is not used from this address.
    """
    refused = sources.refusal(user.account, address)
    if refused:
        raise LoginFailed(refused)
    token, key = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    session = Session.objects.create(
        user=user,
        token_hash=_hash(token),
        key_hash=_hash(key),
        epoch=user.session_epoch,
        address=address or None,
        device=_printable(device),
        source=source,
        pending=factor_policy.is_asked(user),
    )
    return SignedIn(session, Caller.of(user, session=session, address=address), token, key)


_by_token: Lookup[Session] = Lookup(
    lambda: Session.objects.select_related("user__account__domain", "user__account__role"),
    "token_hash",
)


def find(token: str, address: str = "", *, pending: bool = False) -> Caller | None:
    """Who holds this session token, if the session still stands; else None. Sessions whose
    second factor is still to be proven are found by those only who ask for them.

    Its row is written at most every half minute.
    """
    session = _by_token(_hash(token))
    if session is None or (session.pending and not pending) or not is_alive(session):
        return None
    if sources.refusal(session.user.account, address):
        return None
    now = timezone.now()
    if now - session.last_seen > _TOUCH_EVERY:
        Session.objects.filter(pk=session.pk).update(last_seen=now)
    return Caller.of(session.user, session=session, address=address)


def is_alive(session: Session) -> bool:
    """Not timed out, not ended by a password change or a lock, and its user may sign in."""
    user = session.user
    return (
        session.epoch == user.session_epoch
        and timezone.now() - session.last_seen < _timeout()
        and not (session.pending and timezone.now() - session.created > _PENDING_FOR)
        and may_sign_in(user)
    )


def may_sign_in(user: User) -> bool:
    account = user.account
    return (
        user.state == "enabled"
        and user.removed is None
        and account.state == "enabled"
        and account.removed is None
        and account.domain.state == "Active"
        and (account.role.is_unrestricted or account.role.state == "enabled")
    )


def key_is_right(session: Session, key: str) -> bool:
    return hmac.compare_digest(session.key_hash, _hash(key))


def log_out(session: Session) -> None:
    """Ends this session; what hangs on it (tickets, consoles) looks for its row."""
    Session.objects.filter(pk=session.pk).delete()
    live.tell("session", str(session.uuid), session.user.account_id)


def end_others(user: User, keep: Session | None) -> int:
    """Ends every session of the user but ``keep``; returns how many there were."""
    others = Session.objects.filter(user=user).exclude(pk=keep.pk if keep else None)
    ended = list(others.select_related("user"))
    for session in ended:
        log_out(session)
    return len(ended)


def end_all(*users: User) -> None:
    """Ends every session of these users: a new password, a lock, a removal."""
    ids = [u.pk for u in users]
    User.everything.filter(pk__in=ids).update(session_epoch=F("session_epoch") + 1)
    ended = Session.objects.filter(user__in=ids)
    for uuid, account_id in list(ended.values_list("uuid", "user__account")):
        live.tell("session", str(uuid), account_id)
    ended.delete()
    for user in users:
        user.refresh_from_db(fields=["session_epoch"])


def sweep() -> int:
    """Removes the rows of sessions that timed out; pages that are still open go to sign in."""
    old = Session.objects.filter(last_seen__lt=timezone.now() - _timeout()).select_related("user")
    ended = list(old)
    for session in ended:
        log_out(session)
    return len(ended)


def domain_meant(path: str, uuid: str = "") -> Domain | None:
    """By its uuid if that is given, else by its path."""
    return _domain_by_uuid(uuid) if uuid else domain_at(path)


def domain_at(path: str) -> Domain | None:
    """The domain at a path as people write it, in any case; empty or ``/`` is ROOT."""
    parts = [part for part in path.split("/") if part]
    if parts and parts[0].upper() == "ROOT":
        parts = parts[1:]
    domain = Domain.objects.filter(level=0).first()
    for name in parts:
        below = Domain.objects.filter(parent=domain)
        domain = below.filter(name=name).first() or below.filter(name__iexact=name).first()
        if domain is None:
            return None
    return domain


def _domain_by_uuid(text: str) -> Domain | None:
    is_hex = len(text) == 36 and all(c in "0123456789abcdefABCDEF-" for c in text)
    return Domain.objects.filter(uuid=text).first() if is_hex else None


def user_called(username: str, domain: Domain) -> User | None:
    """In any case, if no name agrees exactly."""
    related = ("account__domain", "account__role", "domain", "second_factor")
    users = User.objects.select_related(*related).filter(domain=domain)
    in_any_case = users.filter(username__iexact=username)
    return users.filter(username=username).first() or in_any_case.first()


def canonical(user: User | None, username: str) -> str:
    """The same for everything that means the same user."""
    return f"user {user.pk}" if user else f"unknown {username.casefold()}"


@functools.cache
def _nobodys_password() -> str:
    """What an unknown user's password is compared with, to take as long as a known one's."""
    return make_password(secrets.token_urlsafe(16))


def _timeout() -> timedelta:
    return timedelta(minutes=TIMEOUT_MINUTES.get())


def _printable(text: str) -> str:
    return "".join(c for c in text if c.isprintable())[:255]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
