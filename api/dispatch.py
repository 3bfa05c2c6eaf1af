"""One way in for everybody: who may call what, with which things, and what comes of it.

``execute`` serves the query API, the pages and the shell alike. It checks the role, parses
the parameters, turns each reference into a row *through the tenant scope*, opens the
transaction, runs the command, records the event and, for a ``Plan``, writes the job.
"""

from __future__ import annotations

import logging
import time
import uuid as uuids
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, OperationalError, models, transaction
from django.db.models import ProtectedError

from accounts.caller import Caller
from accounts.services import roles
from api import listing, parameters
from core.commands import COMMANDS, Command, Shown
from core.errors import (
    CloudError,
    InUse,
    InvalidParameter,
    ResourceUnavailable,
    UnavailableCommand,
)
from core.responses import SUCCESS
from core.steps import Plan
from jobs import events
from jobs.models import AsyncJob
from jobs.submit import submit

log = logging.getLogger(__name__)

_TRIES = 4


@dataclass
class Outcome:
    """What a command came to. ``value`` is a row, a list of plain dicts, a dict or True; for
    list commands ``records`` are the page's rendered rows and ``count`` the total."""

    command: Command
    caller: Caller | None
    value: Any = None
    job: AsyncJob | None = None
    records: list[dict[str, Any]] | None = None
    count: int = 0
    secrets: dict[str, Any] = field(default_factory=dict)

    def record(self) -> dict[str, Any]:
        """The single thing a command answered, as its response shows it."""
        if isinstance(self.value, models.Model):
            response = self.command.response or SUCCESS
            return {**response.one(self.value, self.caller), **self.secrets}
        if isinstance(self.value, dict):
            return self.value
        return {"success": True if self.value is None else bool(self.value)}


def find(caller: Caller | None, name: str) -> Command:
    """The command, if this caller may use it; unknown and forbidden look the same (432)."""
    command = COMMANDS.get(name)
    allowed = command is not None and (
        command.anonymous or (caller is not None and roles.may_use(caller, command))
    )
    if command is None or not allowed:
        raise UnavailableCommand(
            f"The given command '{name}' either does not exist, is not available for user"
        )
    return command


def execute(
    caller: Caller | None,
    name: str,
    raw: Mapping[str, Any] | None = None,
    *,
    sort: str = "",
    groups: frozenset[str] | None = None,
) -> Outcome:
    """Run command ``name`` for ``caller`` with wire parameters ``raw`` (texts; lists may be
    lists). ``sort`` orders a list by one of its response's fields, ``-`` first for falling.

    Raises CloudError, with nothing changed, for everything that can be wrong.
    """
    command = find(caller, name)
    given = parameters.lowered(raw or {})
    try:
        if command.listing:
            return _list(caller, command, given, sort, groups)
        return _run_patiently(caller, command, given)
    except ProtectedError as error:
        raise _in_use(error) from error
    except IntegrityError as error:
        log.info("%s: constraint: %s", name, error)
        raise InvalidParameter(
            "Something with this name or address exists already, or changed meanwhile."
        ) from error


def _list(
    caller: Caller,
    command: Command,
    given: dict[str, Any],
    sort: str,
    groups: frozenset[str] | None,
) -> Outcome:
    arguments = parameters.parse(caller, command, given)
    page = listing.page_of(given)
    rows = listing.rows_for(caller, command, arguments, given)
    count, rows = listing.cut(command, rows, page, sort)
    records = command.response.render(rows, caller, groups)
    return Outcome(command, caller, records=records, count=count)


def _run_patiently(caller: Caller | None, command: Command, given: dict[str, Any]) -> Outcome:
    """A deadlock or a lock held too long undoes the whole transaction: begin it again."""
    for attempt in range(_TRIES):
        try:
            return _run(caller, command, given)
        except OperationalError as error:
            log.warning("%s: database: %s (try %d)", command.name, error, attempt + 1)
            time.sleep(0.05 * 2**attempt)
    raise ResourceUnavailable("The database is not answering now; nothing was changed. Try again.")


def _run(caller: Caller | None, command: Command, given: dict[str, Any]) -> Outcome:
    with transaction.atomic():
        arguments = parameters.parse(caller, command, given)
        value = command.function(caller, **arguments)
        outcome = Outcome(command, caller, value)
        if isinstance(value, Shown):
            outcome.secrets = value.once
            outcome.value = value = value.row
        if isinstance(value, Plan):
            outcome.value = value.response if value.response is not None else value.subject
            outcome.job = submit(
                value,
                account=caller.account,
                user=caller.user,
                command=command.name,
                event_type=command.event,
                correlation_id=caller.correlation_id,
            )
        elif isinstance(value, list):
            outcome.records, outcome.count = value, len(value)
        elif isinstance(value, models.QuerySet):
            outcome.count = value.count()
            outcome.records = command.response.render(value, caller)
        elif command.event and caller is not None:
            _record(caller, command, value, arguments)
    return outcome


def _record(caller: Caller, command: Command, value: Any, arguments: dict[str, Any]) -> None:
    """The thing an event is about: what came out, else the first thing that went in."""
    things = [v for v in (value, *arguments.values()) if isinstance(v, models.Model)]
    row = things[0] if things else None
    owner = row.account if row is not None and getattr(row, "account_id", None) else None
    what = f"{row._meta.verbose_name} {row}" if row is not None else command.name
    events.record(
        command.event,
        f"{command.name}: {what}",
        account=owner or caller.account,
        user=caller.user,
        row=row,
        correlation_id=caller.correlation_id or str(uuids.uuid4()),
    )


def _in_use(error: ProtectedError) -> CloudError:
    users = sorted(error.protected_objects, key=lambda o: (o._meta.model_name, o.pk))
    shown = ", ".join(f"{o._meta.verbose_name} {o}" for o in users[:5])
    more = f" and {len(users) - 5} more" if len(users) > 5 else ""
    return InUse(f"Still in use by {shown}{more}; remove these first.")

