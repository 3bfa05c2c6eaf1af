"""Host work behind a command that answers at once."""

from __future__ import annotations

from accounts.caller import Caller
from core.steps import Plan
from jobs.models import AsyncJob
from jobs.submit import submit


def follow_up(plan: Plan, caller: Caller, command: str, event: str = "") -> AsyncJob:
    """Submit ``plan`` in the command's transaction, as a job of the caller."""
    return submit(
        plan,
        account=caller.account,
        user=caller.user,
        command=command,
        event_type=event,
        correlation_id=caller.correlation_id,
    )
