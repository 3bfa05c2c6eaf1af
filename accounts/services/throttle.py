"""Growing pauses after failed sign-ins, counted where every process of the portal sees them.

Three things are watched: a name tried from one address (strict), an address (it may be a
whole office), and a name from anywhere (loose, and its pause short, so that nobody can lock
an administrator out by guessing). What is stored before anybody is authenticated is bounded:
names are hashed into buckets, IPv6 addresses are counted by their /64.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import LoginFailure, User
from core.config import Setting
from core.errors import Throttled

ALLOWED = Setting(
    "incorrect.login.attempts.allowed", 5,
    "Wrong passwords in a row before sign-in makes growing pauses; 0: no pauses.", minimum=0,
)  # fmt: skip

FORGET_AFTER = timedelta(hours=1)
_LONGEST_S = 900
_LONGEST_FOR_A_NAME_S = 30
_LONGEST_FOR_A_FACTOR_S = 300
_RESETS = 3  # requests for a new password before pauses
_BUCKETS = 2**16


@dataclass(frozen=True)
class Watched:
    subject: str
    allowed: int
    longest_s: int


def watched(name: str, address: str) -> list[Watched]:
    """``name`` must be the same for everything that means the same user."""
    allowed = ALLOWED.get()
    if allowed == 0:
        return []
    network = _network(address)
    return [
        Watched(f"pair:{_bucket(f'{name}@{network}')}", allowed, _LONGEST_S),
        Watched(f"address:{network}", allowed * 4, _LONGEST_S),
        Watched(f"name:{_bucket(name)}", allowed * 4, _LONGEST_FOR_A_NAME_S),
    ]


def watched_source(kind: str, address: str) -> list[Watched]:
    """What others vouch for (``kind``: saml, oauth …): there is no name to watch, and if all
    shared one, a stranger's failures would keep everybody out."""
    allowed = ALLOWED.get()
    return [Watched(f"{kind}:{_network(address)}", allowed * 4, _LONGEST_S)] if allowed else []


def watched_factor(user: User) -> Watched:
    """Guesses at a user's second factor, from wherever: who guesses knows the password."""
    allowed = ALLOWED.get() or 5  # six digits need pauses, also where passwords do not
    return Watched(f"factor:{user.pk}", allowed, _LONGEST_FOR_A_FACTOR_S)


def watched_resets(name: str, address: str) -> list[Watched]:
    """Requests for a new password; each counts, whatever came of it."""
    network = _network(address)
    return [
        Watched(f"reset:{_bucket(f'{name}@{network}')}", _RESETS, _LONGEST_S),
        Watched(f"resets:{network}", _RESETS * 5, _LONGEST_S),
        Watched(f"reset-of:{_bucket(name)}", _RESETS * 2, _LONGEST_S),
    ]


def refuse_if_paused(things: list[Watched]) -> None:
    """Raises Throttled that says for how long."""
    now = timezone.now()
    pauses = LoginFailure.objects.filter(
        subject__in=[t.subject for t in things], blocked_until__gt=now
    ).values_list("blocked_until", flat=True)
    until = max(pauses, default=None)
    if until:
        seconds = int((until - now).total_seconds()) + 1
        raise Throttled(f"Too many attempts. Try again in {seconds} s.")


def failed(things: list[Watched]) -> None:
    now = timezone.now()
    LoginFailure.objects.filter(
        subject__in=[t.subject for t in things], updated__lt=now - FORGET_AFTER
    ).update(failures=0, blocked_until=None)
    LoginFailure.objects.bulk_create(
        [LoginFailure(subject=t.subject) for t in things], ignore_conflicts=True
    )
    for thing in things:
        row = LoginFailure.objects.filter(subject=thing.subject)
        row.update(failures=F("failures") + 1, updated=now)
        count = row.values_list("failures", flat=True).first() or 0
        until = _pause(thing, count, now)
        if until is not None:
            row.update(blocked_until=until)


def take_turn(thing: Watched) -> None:
    """Counts a guess before it is looked at, so that many at once have no more tries than one
    after the other; ``forget`` it when it was right. Raises Throttled."""
    LoginFailure.objects.bulk_create([LoginFailure(subject=thing.subject)], ignore_conflicts=True)
    while True:
        refuse_if_paused([thing])
        now = timezone.now()
        row = LoginFailure.objects.filter(subject=thing.subject)
        seen = row.values_list("failures", "updated").first()
        if seen is None:  # forgiven just now
            return take_turn(thing)
        failures, updated = seen
        count = 1 if updated < now - FORGET_AFTER else failures + 1
        free = row.filter(Q(blocked_until=None) | Q(blocked_until__lte=now), failures=failures)
        if free.update(failures=count, updated=now, blocked_until=_pause(thing, count, now)):
            return None


def _pause(thing: Watched, count: int, now: datetime) -> datetime | None:
    over = count - thing.allowed
    return now + timedelta(seconds=min(2 ** min(over, 20), thing.longest_s)) if over >= 0 else None


def succeeded(things: list[Watched]) -> None:
    """The right password forgives this name from this address, not the address itself:
    one with an account of its own could else guess others' for ever."""
    LoginFailure.objects.filter(subject__in=[t.subject for t in things[:1]]).delete()


def forget(things: list[Watched]) -> None:
    LoginFailure.objects.filter(subject__in=[t.subject for t in things]).delete()


class InProcess:
    """Pauses after wrong guesses inside a signed-in session. Kept in memory: the refusal
    rolls the call's transaction back, and with it any row that would count it."""

    def __init__(self) -> None:
        self._seen: dict[int, tuple[int, float]] = {}

    def refuse_if_paused(self, key: int) -> None:
        left = self._seen.get(key, (0, 0.0))[1] - time.monotonic()
        if left > 0:
            raise Throttled(f"Too many wrong passwords. Try again in {int(left) + 1} s.")

    def failed(self, key: int) -> None:
        count = self._seen.get(key, (0, 0.0))[0] + 1
        over, allowed = count - ALLOWED.get(), ALLOWED.get()
        pause = min(2 ** min(over, 20), _LONGEST_S) if allowed and over >= 0 else 0
        self._seen[key] = (count, time.monotonic() + pause)

    def succeeded(self, key: int) -> None:
        self._seen.pop(key, None)


own_password = InProcess()


def sweep() -> int:
    return LoginFailure.objects.filter(updated__lt=timezone.now() - FORGET_AFTER).delete()[0]


def _network(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if parsed.version == 6:
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


def _bucket(text: str) -> int:
    """Keyed, so that nobody can look for a name that shares another's bucket."""
    digest = hmac.digest(settings.SECRET_KEY.encode(), text.encode(), hashlib.sha256)
    return int.from_bytes(digest[:4]) % _BUCKETS
