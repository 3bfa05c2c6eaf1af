"""What an auditor sees besides what happened: what was tried and refused, and all of it as a
file. Mistakes in a call's form are no attempts and leave no trace.
"""

from __future__ import annotations

import contextlib
import uuid as uuids
from collections.abc import Mapping
from typing import Any

from django.db import DatabaseError, models, transaction

from accounts.caller import Caller
from api import parameters
from core.commands import Access, Command
from core.errors import (
    BadMap,
    BadRequest,
    CloudError,
    InvalidParameter,
    ResourceUnavailable,
    Throttled,
)
from jobs import events

#: Errors that say nothing of what the caller wants: a form is wrong, or the database is away.
_NO_ATTEMPTS = (InvalidParameter, BadMap, BadRequest, Throttled, ResourceUnavailable)


def refused(caller: Any, command: Command, given: Mapping[str, Any], error: CloudError) -> None:
    """Keeps an event of a write that was refused, in a transaction of its own."""
    if not command.event or not isinstance(caller, Caller) or isinstance(error, _NO_ATTEMPTS):
        return
    row = _thing(caller, command, given)
    what = f" {row._meta.verbose_name} {row}:" if row is not None else ""
    with contextlib.suppress(DatabaseError), transaction.atomic():
        events.record(
            command.event,
            f"{command.name}:{what} {error.message}",
            account=caller.account,
            user=caller.user,
            row=row,
            level="ERROR",
            correlation_id=caller.correlation_id or str(uuids.uuid4()),
            command=command.name,
            address=caller.address,
        )


def _thing(caller: Caller, command: Command, given: Mapping[str, Any]) -> models.Model | None:
    """What was to be changed; not what something new was only to be made from or in."""
    with contextlib.suppress(CloudError):
        used = {p.argument for p in command.params if p.access is Access.USE}
        found = parameters.parse(caller, command, given)
        things = (v for n, v in found.items() if n not in used and isinstance(v, models.Model))
        return next(things, None)
    return None
