"""An account that is deleted leaves nothing in storage."""

import pytest

from accounts.models import Account
from agent import protocol as p
from api.dispatch import execute
from jobs.models import AsyncJob, JobStatus
from jobs.worker import run_everything
from storage.models import Snapshot, Template, Volume
from tests.factories import admin_caller, make_account

pytestmark = pytest.mark.django_db


def delete(account) -> AsyncJob:
    execute(admin_caller(), "deleteAccount", {"id": account.uuid})
    run_everything()
    return AsyncJob.objects.get(command="deleteAccount")


def test_all_it_had_goes_with_it(cloud):
    account = make_account()
    kept = cloud.volume(account, name="protected", delete_protection=True)
    binned = cloud.volume(account, name="binned")
    execute(admin_caller(), "destroyVolume", {"id": binned.uuid})
    run_everything()
    cloud.snapshot(kept, account=account)
    cloud.template(account)
    others = cloud.volume()
    assert delete(account).status == JobStatus.DONE
    assert not Account.objects.filter(pk=account.pk).exists()
    for model in (Volume, Snapshot, Template):
        assert not model.objects.filter(account=account).exists()
    assert cloud.files() == {others.path}
    assert not cloud.images()


def test_what_cannot_go_keeps_the_account_and_says_so(cloud):
    account = make_account()
    cloud.volume(account, name="stuck")
    cloud.world.faults.fail("volume.delete", p.OperationFailed("device is busy"), times=99)
    job = delete(account)
    assert job.status == JobStatus.FAILED
    assert "stuck" in job.error_text.lower()
    assert "device is busy" in job.error_text
    assert Account.objects.get(pk=account.pk).cleanup_needed
