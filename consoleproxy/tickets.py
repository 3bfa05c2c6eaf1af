"""Tickets: random, good for 30 seconds and once, bound to user, session and machine (R9)."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from accounts.caller import Caller
from accounts.models import Session
from accounts.services import sessions
from compute.models import VirtualMachine
from consoleproxy.models import ConsoleSession
from core import live
from core.config import Scope, Setting
from core.errors import NotAllowedInState, ResourceUnavailable
from jobs.schedules import every

TICKET_S = 30
SESSION_MAX = Setting(
    "consoleproxy.session.max",
    50,
    "How many consoles one proxy carries at a time.",
    scopes=(Scope.GLOBAL, Scope.ZONE),
    category="Console Proxy",
    minimum=1,
    maximum=10_000,
)


class Refused(Exception):
    """The ticket does not open this console; said to the log, not to the visitor."""


def issue(caller: Caller, machine: VirtualMachine, kind: str) -> tuple[ConsoleSession, str]:
    """A new ticket; the text is known to the caller alone."""
    if not machine.is_running:
        raise NotAllowedInState(
            f"Virtual machine {machine} is {machine.state}; start it to see its console."
        )
    if needs_gateway(machine) and not settings.GATEWAY_SECRET:
        raise ResourceUnavailable(
            f"Virtual machine {machine} runs on {machine.host}, which is another machine than the "
            "portal's. Its screen needs a console gateway there; see docs/console.md."
        )
    limit = SESSION_MAX.get(machine.zone)
    if ConsoleSession.objects.filter(removed=None).exclude(acquired=None).count() >= limit:
        raise ResourceUnavailable(
            f"All {limit} console sessions are in use. Close one, or have an administrator end "
            "one or raise consoleproxy.session.max."
        )
    ticket = secrets.token_urlsafe(32)
    row = ConsoleSession.objects.create(
        account=caller.account,
        user=caller.user,
        session=caller.session,
        had_session=caller.session is not None,
        machine=machine,
        host=machine.host,
        kind=kind,
        ticket_hash=_hash(ticket),
        expires=timezone.now() + timedelta(seconds=TICKET_S),
        creator_address=caller.address,
    )
    return row, ticket


def needs_gateway(machine: VirtualMachine) -> bool:
    return machine.host is not None and machine.host.link == "remote"


def redeem(ticket: str, session: Session | None, *, address: str, proxy: str) -> ConsoleSession:
    """The ticket's console session, now acquired; a second try finds nothing to redeem.

    ``session`` is the visitor's own; None is a gateway that was trusted with the ticket.
    Raises Refused with the reason.
    """
    row = (
        ConsoleSession.objects.select_related(
            "machine__zone", "machine__host", "user__account__domain", "user__account__role",
            "session__user__account__domain", "session__user__account__role",
        )
        .filter(ticket_hash=_hash(ticket))
        .first()
    )  # fmt: skip
    if row is None:
        raise Refused("no such ticket")
    if row.acquired or row.removed:
        raise Refused("ticket was used already")
    if row.expires < timezone.now():
        raise Refused("ticket is too old")
    if session is not None:
        _check_visitor(row, session)
    if not may_still(row):
        raise Refused("the machine may not be seen by this user any more, or is not running")
    in_use = ConsoleSession.objects.filter(proxy=proxy, removed=None).count()
    if in_use >= SESSION_MAX.get(row.machine.zone):
        raise Refused("the proxy is full")
    _acquire(row, address, proxy)
    if row.kind == "serial":
        _take_over(row)
    live.changed(row)
    return row


def _acquire(row: ConsoleSession, address: str, proxy: str) -> None:
    """Of two browsers that come with one ticket, one gets the row."""
    row.acquired, row.client_address, row.proxy = timezone.now(), address, proxy
    won = ConsoleSession.objects.filter(pk=row.pk, acquired=None, removed=None).update(
        acquired=row.acquired, client_address=address, proxy=proxy
    )
    if not won:
        raise Refused("ticket was used already")


def _take_over(row: ConsoleSession) -> None:
    """A serial line has one reader: whoever comes last, be it oneself after a lost connection."""
    earlier = ConsoleSession.objects.filter(machine=row.machine, kind="serial", removed=None)
    earlier.exclude(acquired=None).exclude(pk=row.pk).update(end_asked=True)


def _check_visitor(row: ConsoleSession, session: Session) -> None:
    if row.had_session and row.session_id != session.pk:
        raise Refused("ticket belongs to another session")
    if row.user_id != session.user_id:
        raise Refused("ticket belongs to another user")


def may_still(row: ConsoleSession) -> bool:
    """Whether the rights of the moment still allow this console."""
    if row.user is None or not sessions.may_sign_in(row.user):
        return False
    if row.had_session and (row.session is None or not sessions.is_alive(row.session)):
        return False
    machines = VirtualMachine.objects.all().operable_by(Caller.of(row.user))
    return machines.filter(pk=row.machine_id, state="Running").exists()


def close(row_id: int) -> None:
    for row in ConsoleSession.objects.filter(pk=row_id, removed=None):
        row.remove()


def close_all_of(machine: str) -> None:
    """Proxies are named ``machine-pid``; a portal that starts anew carries nothing yet."""
    left = ConsoleSession.objects.filter(proxy__startswith=f"{machine}-", removed=None)
    left.update(removed=timezone.now(), alive=None)


def _hash(ticket: str) -> str:
    return hashlib.sha256(ticket.encode()).hexdigest()


@every(300, "consoleproxy.stale_tickets")
def drop_stale() -> int:
    """Tickets nobody came with; an ended session stays a line in the history for 30 days."""
    now = timezone.now()
    unused = ConsoleSession.objects.filter(acquired=None, removed=None, expires__lt=now)
    dropped = unused.update(removed=now, alive=None)
    ConsoleSession.objects.filter(removed__lt=now - timedelta(days=30)).delete()
    return dropped
