"""What happened, for people and audits: one row per change, in the change's transaction."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from accounts.models import Account
from jobs.models import Event


def record(
    event_type: str,
    description: str,
    *,
    account: Account,
    user: Any = None,
    user_id: int | None = None,
    row: Any = None,
    state: str = "Completed",
    level: str = "INFO",
    parent_id: int | None = None,
    correlation_id: str = "",
    command: str = "",
    address: str = "",
    job_uuid: UUID | None = None,
) -> Event:
    """``row`` is the thing it happened to; its uuid and name are copied, so that the event
    still reads well when the thing is gone. ``command`` and ``address`` say by which call and
    from where; ``user_id`` does for ``user`` where only that is at hand."""
    return Event.objects.create(
        account=account,
        domain_id=account.domain_id,
        user_id=user.pk if user is not None else user_id,
        type=event_type,
        level=level,
        state=state,
        description=description,
        resource_type=_kind_of(row) if row is not None else "",
        resource_uuid=getattr(row, "uuid", None),
        resource_name=str(row)[:255] if row is not None else "",
        parent_id=parent_id,
        correlation_id=correlation_id,
        command=command,
        address=address,
        job_uuid=job_uuid,
    )


def _kind_of(row: Any) -> str:
    """CloudStack's word: the model's name, and Iso for a template that is one."""
    return "Iso" if getattr(row, "kind", "") == "ISO" else type(row).__name__
