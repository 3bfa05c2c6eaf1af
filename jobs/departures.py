"""Accounts whose deletion began and did not end are deleted again, by themselves."""

from __future__ import annotations

from django.db import transaction

from accounts.caller import Caller
from accounts.models import Account
from accounts.services import removal
from core.config import Setting
from jobs.models import AsyncJob, JobStatus
from jobs.schedules import every
from jobs.submit import submit

CLEANUP_EVERY_S = Setting(
    "account.cleanup.interval", 86400,
    "Seconds between two tries to delete accounts that are half deleted; 0: never.", minimum=0,
)  # fmt: skip


@every(CLEANUP_EVERY_S.get, "jobs.delete_half_deleted")
def delete_half_deleted() -> int:
    busy = AsyncJob.objects.filter(status=JobStatus.PENDING, instance_uuid__isnull=False)
    half = Account.objects.filter(cleanup_needed=True, is_project=False)
    begun = 0
    for account in half.exclude(uuid__in=busy.values("instance_uuid")).order_by("pk"):
        with transaction.atomic():
            submit(
                removal.delete_again(account),
                account=Caller.system().account,
                command="deleteAccount",
                event_type="ACCOUNT.DELETE",
            )
        begun += 1
    return begun
