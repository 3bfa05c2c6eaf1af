"""Begins the job that brings a host up, when no person asked for it."""

from __future__ import annotations

from accounts.caller import Caller
from core.steps import Plan
from infra import jobs
from infra.models import Host
from jobs.models import AsyncJob
from jobs.submit import submit


def begin(host: Host) -> AsyncJob:
    """The host is Connecting; the job makes it Up, or Alert with the reason."""
    return submit(
        Plan(jobs.reconnect_host, host),
        account=Caller.system().account,
        command="reconnectHost",
        event_type="HOST.RECONNECT",
    )
