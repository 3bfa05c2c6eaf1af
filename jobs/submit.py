"""From a plan to rows that a worker will find, in the transaction that decided on it."""

from __future__ import annotations

import uuid as uuids
from typing import Any

from django.db import transaction

from accounts.models import Account, User
from core import live, steps, vault
from core.steps import Plan
from jobs import clock, events
from jobs.models import AsyncJob, JobStep
from jobs.rows import freeze, lease_name, refuse_secrets
from jobs.wake import wake_workers


def submit(
    plan: Plan,
    *,
    account: Account,
    user: User | None = None,
    command: str = "",
    event_type: str = "",
    correlation_id: str = "",
    address: str = "",
) -> AsyncJob:
    """Writes the job and its steps down, and wakes a worker once they are committed.

    ``account`` is who may see the job: the caller's, for what a person asked.
    """
    kind = steps.PLANS[plan.name]
    subject = plan.subject
    refuse_secrets(plan.args)
    resources = sorted({lease_name(r) for r in (subject, *plan.resources)})
    correlation_id = correlation_id or str(uuids.uuid4())
    job = AsyncJob(
        account=account,
        user=user,
        command=command,
        plan=plan.name,
        subject=freeze(subject),
        args=freeze(plan.args),
        resources=resources,
        sealed={name: vault.seal(text) for name, text in plan.secrets.items()},
        response_row=freeze(plan.response) if plan.response is not None else None,
        event_type=event_type,
        instance_type=type(subject).__name__,
        instance_uuid=getattr(subject, "uuid", None),
        instance_name=str(subject)[:255],
        correlation_id=correlation_id,
        due=clock.now(),
    )
    if event_type:
        job.event = events.record(
            event_type,
            f"{job.instance_name}: {command or kind.name} scheduled",
            account=_owner(subject, account),
            user=user,
            row=subject,
            state="Scheduled",
            correlation_id=correlation_id,
            command=command,
            address=address,
            job_uuid=job.uuid,
        )
    job.save()
    built = kind.build(subject, **plan.args)
    JobStep.objects.bulk_create(
        JobStep(job=job, index=i, name=s.name, title=s.title) for i, s in enumerate(built)
    )
    live.changed(job)
    transaction.on_commit(wake_workers)
    return job


def _owner(row: Any, otherwise: Account) -> Account:
    return row.account if getattr(row, "account_id", None) else otherwise
