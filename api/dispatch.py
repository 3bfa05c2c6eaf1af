"""One way in for everybody: who may call what, with which things, and what comes of it.

``execute`` serves the query API, the pages and the shell alike. It checks the role, parses
the parameters, turns each reference into a row *through the tenant scope*, opens the
transaction, runs the command, records the event and, for a ``Plan``, writes the job.
"""

from __future__ import annotations

import contextlib
import inspect
import logging
import time
import uuid as uuids
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import DataError, IntegrityError, OperationalError, connection, models, transaction
from django.db.models import ProtectedError
from django.utils import timezone

from accounts.caller import Caller
from accounts.models import Account, Domain
from accounts.pinned import responses as pinned
from accounts.services import membership, roles
from api import absent, audit, listing, paging, parameters, replies, trial, wire
from core.commands import Command, Shown, named
from core.errors import (
    CloudError,
    InUse,
    InvalidParameter,
    ResourceUnavailable,
    SecondFactorNeeded,
    UnavailableCommand,
)
from core.responses import SUCCESS
from core.steps import Plan
from infra.services import configuration
from jobs import events
from jobs.models import AsyncJob, JobStatus, Phase
from jobs.rows import freeze
from jobs.submit import submit

log = logging.getLogger(__name__)

_TRIES = 4


@dataclass(frozen=True)
class Visitor:
    """Somebody who is not signed in, as far as an anonymous command may know."""

    address: str = ""
    correlation_id: str = ""
    device: str = ""  # what the browser or program calls itself
    is_root_admin: bool = False


@dataclass
class Outcome:
    """What a command came to. ``value`` is a row, a list of plain dicts, a dict or True; for
    list commands ``records`` are the page's rendered rows and ``count`` the total. ``trial``
    says of a dry run what else would happen; its rows are gone by now, ``value`` shows them."""

    command: Command
    caller: Caller | Visitor
    value: Any = None
    job: AsyncJob | None = None
    records: list[dict[str, Any]] | None = None
    count: int = 0
    secrets: dict[str, Any] = field(default_factory=dict)
    trial: dict[str, Any] | None = None

    def record(self) -> dict[str, Any]:
        """The single thing a command answered, as its response shows it."""
        response = self.command.response
        if isinstance(self.value, models.Model) and response not in (None, SUCCESS):
            return {**response.one(self.value, self.caller), **self.secrets}
        if isinstance(self.value, dict):
            return self.value
        return {"success": True if self.value is None else bool(self.value)}


def find(caller: Caller | Visitor, name: str) -> Command:
    """The command, if this caller may use it; unknown and forbidden look the same (432)."""
    command = named(name)
    _check_whole(caller, name)
    if command is not None and _may_use(caller, command):
        return command
    raise UnavailableCommand(
        f"The given command '{name}' either does not exist, is not available for user, "
        f"or not available from ip address '{caller.address}'."
    )


#: What a session may do while its second factor is still to be proven.
BEFORE_THE_FACTOR = frozenset({
    "listUserTwoFactorAuthenticatorProviders",
    "setupUserTwoFactorAuthentication",
    "validateUserTwoFactorAuthenticationCode",
    "logout",
})  # fmt: skip


def _check_whole(caller: Caller | Visitor, name: str) -> None:
    session = None if isinstance(caller, Visitor) else caller.session
    if session is not None and session.pending and name not in BEFORE_THE_FACTOR:
        raise SecondFactorNeeded(
            "Prove your second factor first (validateUserTwoFactorAuthenticationCode); if you "
            "have none yet, set one up (setupUserTwoFactorAuthentication)."
        )


def _may_use(caller: Caller | Visitor, command: Command) -> bool:
    if isinstance(caller, Visitor):
        return command.anonymous
    # What is not listed says nothing about anything: no role needs to forbid it.
    return command.anonymous or not command.listed or roles.may_use(caller, command)


def execute(
    caller: Caller | Visitor,
    name: str,
    raw: Mapping[str, Any] | None = None,
    *,
    sort: str = "",
    groups: frozenset[str] | None = None,
    then: Callable[[Outcome], None] | None = None,
) -> Outcome:
    """Run command ``name`` for ``caller`` with wire parameters ``raw`` (texts; lists may be
    lists). ``sort`` orders a list by one of its response's fields, ``-`` first for falling.
    ``then`` is called in the transaction of a command that changes something, at its end.

    Raises CloudError, with nothing changed, for everything that can be wrong.
    """
    command = find(caller, name)
    given = parameters.lowered(raw or {})
    if command.listing:
        return _plainly(command, lambda: _list(caller, command, given, sort, groups))
    if trial.is_wanted(command, given):
        return _plainly(command, lambda: _try(caller, command, given))
    try:
        return _plainly(command, lambda: _run(caller, command, given, then))
    except CloudError as error:
        audit.refused(caller, command, given, error)
        raise


def _plainly(command: Command, run: Callable[[], Outcome]) -> Outcome:
    """What the database refuses, in words."""
    name = command.name
    try:
        return _patiently(command, run)
    except ProtectedError as error:
        raise _in_use(error) from error
    except IntegrityError as error:
        log.info("%s: constraint: %s", name, error)
        raise InvalidParameter(
            "Something with this name or address exists already, or changed meanwhile."
        ) from error
    except (DataError, OverflowError) as error:
        log.info("%s: value: %s", name, error)
        raise InvalidParameter("A value is too long or out of range; nothing changed.") from error


def reply_to(outcome: Outcome) -> dict[str, dict[str, Any]]:
    """What the wire answers, ``{envelope: body}``, for pages that show it."""
    return replies.of(outcome)


def stream(
    caller: Caller, name: str, raw: Mapping[str, Any] | None = None, *, at_once: int = 500
) -> Iterator[list[dict[str, Any]]]:
    """The records of a whole list, some hundred at a time and each lot found by key, so that
    the last costs what the first did. For lists in the order of their keys.

    Raises CloudError at once, before anything is read.
    """
    command = find(caller, name)
    _check_whole(caller, name)
    given = parameters.lowered(raw or {})
    arguments = parameters.parse(caller, command, given)
    rows = listing.rows_for(caller, command, arguments, given).shown
    return _lots(caller, command, rows, at_once)


def _lots(
    caller: Caller, command: Command, rows: models.QuerySet, at_once: int
) -> Iterator[list[dict[str, Any]]]:
    spec = command.listing
    (order,) = spec.order
    beyond = "pk__lt" if order.startswith("-") else "pk__gt"
    rest = rows.order_by(order)
    while keys := list(rest.values_list("pk", flat=True)[:at_once]):
        yield command.response.page(spec.model, keys, caller)
        rest = rows.filter(**{beyond: keys[-1]}).order_by(order)


def _patiently(command: Command, run: Callable[[], Outcome]) -> Outcome:
    """A deadlock or a lock held too long undoes the whole transaction: begin it again."""
    for attempt in range(_TRIES):
        try:
            return run()
        except OperationalError as error:
            if connection.in_atomic_block:  # somebody else's transaction: theirs to begin again
                raise
            log.warning("%s: database: %s (try %d)", command.name, error, attempt + 1)
            time.sleep(0.05 * 2**attempt)
    raise ResourceUnavailable("The database is not answering now; nothing was changed. Try again.")


def _list(
    caller: Caller,
    command: Command,
    given: dict[str, Any],
    sort: str,
    groups: frozenset[str] | None,
) -> Outcome:
    arguments = parameters.parse(caller, command, given)
    if absent.finds_nothing(caller, command, given):
        return Outcome(command, caller, records=[])
    if groups is None and command.listing.groups is not None:
        groups = command.listing.groups(arguments)
    page = paging.page_of(given)
    chosen = listing.rows_for(caller, command, arguments, given)
    found = paging.cut(
        command, chosen, page, sort, narrowed=listing.narrows(caller, command, given)
    )
    if found.keys is None:
        records = command.response.render(found.rows, caller, groups)
    else:
        records = command.response.page(command.listing.model, found.keys, caller, groups)
    if parameters.value_of(caller, command, "showicon", given):
        pinned.add_icons(records, caller)
    count = len(records) if found.keys is None else found.count
    return Outcome(command, caller, records=records, count=count)


def _run(
    caller: Caller | Visitor,
    command: Command,
    given: dict[str, Any],
    then: Callable[[Outcome], None] | None,
) -> Outcome:
    # An anonymous command opens its own transactions: a failed log-in must be counted. A
    # reading one needs none, and on SQLite would stand in the way of those who write.
    alone = command.anonymous or command.own_transactions or command.reads_only
    with contextlib.nullcontext() if alone else transaction.atomic():
        outcome = _decide(caller, command, given)
        if then is not None:
            then(outcome)
    return outcome


def _try(caller: Caller, command: Command, given: dict[str, Any]) -> Outcome:
    """What ``_run`` would come to; nothing of it stays."""
    with transaction.atomic():
        parameters.parse(caller, command, given)  # what it refuses comes first, as in a call
        where = trial.placement(caller, command, given)
        outcome = _decide(caller, command, given)
        outcome.trial = {"dryrun": True, "steps": trial.steps_of(outcome.job)}
        if where is not None:
            outcome.trial["placement"] = where
        outcome.job, outcome.secrets = None, {}
        if isinstance(outcome.value, models.Model):
            outcome.value = outcome.record()
        transaction.set_rollback(True)
    configuration.forget()  # it may have been read meanwhile
    return outcome


def _decide(caller: Caller | Visitor, command: Command, given: dict[str, Any]) -> Outcome:
    """The request half: checks, decisions, rows, and the job that will do the rest."""
    arguments = parameters.parse(caller, command, given)
    keyword = parameters.value_of(caller, command, "keyword", given) if command.paged else None
    if isinstance(caller, Caller):
        membership.check(caller, command, arguments.values())
    value = command.function(caller, **arguments)
    outcome = Outcome(command, caller, value)
    if isinstance(value, Shown):
        outcome.secrets = value.once
        outcome.value = value = value.row
    if isinstance(value, Plan):
        _submit(outcome, value)
    else:
        if isinstance(value, list):
            outcome.records, outcome.count = value, getattr(value, "total", len(value))
        elif isinstance(value, models.QuerySet):
            outcome.records = command.response.render(value, caller)
            outcome.count = len(outcome.records)
        if command.paged:
            _cut(outcome, keyword, given)
        if wire.shape(command.name).is_async:
            outcome.job = _finished(outcome, _thing(command, value, arguments))
        if command.event and isinstance(caller, Caller):
            _record(outcome, arguments)
    return outcome


def _cut(outcome: Outcome, keyword: str | None, given: dict[str, Any]) -> None:
    """The page asked for, of records that the command made itself."""
    page, records = paging.page_of(given), outcome.records or []
    word = (keyword or "").casefold()
    if word and "keyword" not in inspect.signature(outcome.command.function).parameters:
        records = [r for r in records if any(word in str(r.get(n, "")).casefold() for n in _NAMES)]
    outcome.count = len(records)
    end = None if page.size is None else page.offset + page.size
    outcome.records = records[page.offset : end]


#: Fields by which what a command made itself is found.
_NAMES = ("name", "displayname", "hypervisor", "key", "resourcetypename", "type")


def _finished(outcome: Outcome, thing: models.Model | None) -> AsyncJob:
    """A job that has ended already: clients of an asynchronous command wait for one, also
    where the portal needs none."""
    caller, now = outcome.caller, timezone.now()
    return AsyncJob.objects.create(
        account=caller.account,
        user=caller.user,
        command=outcome.command.name,
        plan="",
        subject=freeze(outcome.value) if isinstance(outcome.value, models.Model) else {},
        instance_type=type(thing).__name__ if thing else "",
        instance_uuid=getattr(thing, "uuid", None),
        instance_name=str(thing)[:255] if thing else "",
        status=JobStatus.DONE,
        phase=Phase.ENDED,
        started=now,
        completed=now,
        correlation_id=caller.correlation_id or str(uuids.uuid4()),
    )


def _submit(outcome: Outcome, plan: Plan) -> None:
    caller = outcome.caller
    outcome.value = plan.response if plan.response is not None else plan.subject
    outcome.job = submit(
        plan,
        account=caller.account,
        user=caller.user,
        command=outcome.command.name,
        event_type=outcome.command.event,
        correlation_id=caller.correlation_id,
        address=caller.address,
    )


def _thing(command: Command, value: Any, arguments: dict[str, Any]) -> models.Model | None:
    """What a call was about: what came out, else the first thing that went in."""
    came = [value[0]] if isinstance(value, models.QuerySet) and value else [value]
    if isinstance(value, list) and value and command.response and command.response.model:
        shown = value[0].get("id") if isinstance(value[0], dict) else None
        came = [command.response.model._base_manager.filter(uuid=shown).first()] if shown else []
    things = (v for v in (*came, *arguments.values()) if isinstance(v, models.Model))
    thing = next(things, None)
    if isinstance(thing, Domain) and (name := arguments.get("account")):
        # The domain was only given to say which account of this name.
        return Account.objects.filter(domain=thing, name=name).first() or thing
    return thing


def _record(outcome: Outcome, arguments: dict[str, Any]) -> None:
    caller, command = outcome.caller, outcome.command
    row = _thing(command, outcome.value, arguments)
    owner = row.account if row is not None and getattr(row, "account_id", None) else None
    what = f"{row._meta.verbose_name} {row}" if row is not None else command.name
    events.record(
        command.event,
        f"{command.name}: {what}",
        account=owner or caller.account,
        user=caller.user,
        row=row,
        correlation_id=caller.correlation_id or str(uuids.uuid4()),
        command=command.name,
        address=caller.address,
        job_uuid=outcome.job.uuid if outcome.job else None,
    )


def _in_use(error: ProtectedError) -> CloudError:
    users = sorted(error.protected_objects, key=lambda o: (o._meta.model_name, o.pk))
    shown = ", ".join(f"{o._meta.verbose_name} {o}" for o in users[:5])
    more = f" and {len(users) - 5} more" if len(users) > 5 else ""
    return InUse(f"Still in use by {shown}{more}; remove these first.")
