"""Jobs, events and troubles through the dispatcher, as clients and pages use them."""

from datetime import timedelta

import pytest
from django.utils import timezone

from agent.protocol import OperationFailed
from api.dispatch import execute
from core.errors import InvalidParameter, NoSuchObject, NotAllowedInState, PermissionDenied
from core.steps import Plan
from infra.services import configuration
from jobs import events, housekeeping, troubles
from jobs.models import AsyncJob, Event, JobStatus, Lease, Trouble
from jobs.submit import submit
from jobs.worker import run_everything
from tests.factories import admin_caller, caller_of, make_caller, make_user
from tests.unit.jobs import toys

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return toys.reset()


@pytest.fixture
def caller():
    return make_caller()


def ask(caller, plan=toys.toy) -> AsyncJob:
    return submit(
        Plan(plan, caller.account),
        account=caller.account,
        user=caller.user,
        command="toyCommand",
        event_type="TOY.DO",
    )


def shown(caller, job):
    return execute(caller, "queryAsyncJobResult", {"jobid": str(job.uuid)}).record()


# -- jobs ----------------------------------------------------------------------------------


def test_a_job_is_shown_flat_with_its_steps(world, caller):
    job = ask(caller)
    before = shown(caller, job)
    assert (before["jobstatus"], before["jobprocstatus"], before["jobresultcode"]) == (0, 0, 0)
    assert before["cmd"] == "toyCommand"
    assert before["jobinstancetype"] == "Account"
    assert before["jobinstanceid"] == caller.account.uuid
    assert before["userid"] == caller.user.uuid
    assert [s["state"] for s in before["steps"]] == ["pending"] * 3
    run_everything()
    after = shown(caller, job)
    assert (after["jobstatus"], after["percent"]) == (1, 100)
    assert [(s["name"], s["percent"]) for s in after["steps"]][0] == ("first", 100)
    assert all(s["elapsed"] >= 0 for s in after["steps"])


def test_a_failed_job_carries_its_code_for_clients(world, caller):
    job = ask(caller)
    world.before = toys.unreachable(10**6)
    AsyncJob.objects.filter(pk=job.pk).update(args={"patience_s": 0})
    run_everything()
    assert (shown(caller, job)["jobstatus"], shown(caller, job)["jobresultcode"]) == (2, 530)


def _full(_step):
    raise OperationFailed("qemu-img said: /srv/pool-1/ab.qcow2: No space left on device")


def test_tenants_are_not_told_where_on_a_host_things_lie(world, caller):
    world.before = _full
    of_tenant, of_root = ask(caller), ask(admin_caller())
    run_everything()
    said = execute(caller, "queryAsyncJobResult", {"jobid": str(of_tenant.uuid)}).record()
    of_tenant.refresh_from_db()
    assert "…/ab.qcow2: No space left" in of_tenant.error_text
    told = [of_tenant.error_text, str(said), *Event.objects.values_list("description", flat=True)]
    assert "/srv/pool-1" not in "".join(told)
    of_root.refresh_from_db()
    assert "/srv/pool-1/ab.qcow2" in of_root.error_text


def test_a_cancelled_job_looks_failed_to_who_polls_and_cancelled_in_lists(world, caller):
    job = ask(caller)
    execute(caller, "cancelAsyncJob", {"jobid": str(job.uuid)})
    run_everything()
    assert (shown(caller, job)["jobstatus"], shown(caller, job)["jobresultcode"]) == (2, 530)
    listed = execute(caller, "listAsyncJobs", {}).records
    assert [(j["jobid"], j["jobstatus"]) for j in listed] == [(job.uuid, 3)]
    assert "steps" not in listed[0]
    with_steps = execute(caller, "listAsyncJobs", {"steps": "true"}).records
    assert [s["state"] for s in with_steps[0]["steps"]] == ["undone", "pending", "pending"]


def test_jobs_of_others_cannot_be_seen_or_cancelled(world, caller):
    job = ask(make_caller())
    for name in ("queryAsyncJobResult", "cancelAsyncJob"):
        with pytest.raises(NoSuchObject):
            execute(caller, name, {"jobid": str(job.uuid)})
    assert execute(caller, "listAsyncJobs", {"listall": "true"}).records == []
    job.refresh_from_db()
    assert not job.cancel_asked


def test_what_cannot_be_cancelled_says_why(world, caller):
    stubborn = ask(caller, toys.stubborn)
    with pytest.raises(NotAllowedInState, match="half a thing"):
        execute(caller, "cancelAsyncJob", {"jobid": str(stubborn.uuid)})
    run_everything()
    done = ask(caller)
    run_everything()
    with pytest.raises(NotAllowedInState, match="has ended"):
        execute(caller, "cancelAsyncJob", {"jobid": str(done.uuid)})


def test_cancelling_wakes_a_job_that_sleeps(world, caller):
    job = ask(caller)
    AsyncJob.objects.filter(pk=job.pk).update(due=timezone.now() + timedelta(hours=1))
    execute(caller, "cancelAsyncJob", {"jobid": str(job.uuid)})
    job.refresh_from_db()
    assert job.due <= timezone.now()


def test_only_a_job_that_needs_attention_can_be_given_up(world, caller):
    job = ask(caller)
    ask_for = {"jobid": str(job.uuid), "forced": "true"}
    with pytest.raises(PermissionDenied, match="need attention"):
        execute(admin_caller(), "cancelAsyncJob", ask_for)
    troubles.open_trouble("job-stumbles", job, "It cannot go on.", evidence={})
    Lease.objects.create(resource="account:x", job=job, number=1)
    execute(admin_caller(), "cancelAsyncJob", ask_for)
    job.refresh_from_db()
    assert (job.status, job.error_code) == (JobStatus.FAILED, 530)
    assert not Lease.objects.exclude(job=None).exists()
    assert not Trouble.objects.filter(closed=None).exists()
    assert run_everything() == 0


def test_a_user_cannot_force_anything(world, caller):
    job = ask(caller)
    troubles.open_trouble("job-stumbles", job, "It cannot go on.", evidence={})
    execute(caller, "cancelAsyncJob", {"jobid": str(job.uuid), "forced": "true"})
    job.refresh_from_db()
    assert (job.status, job.cancel_asked) == (JobStatus.PENDING, True)


def test_lists_of_jobs_narrow_by_what_they_are_about(world, caller):
    job = ask(caller)
    wanted = {"resourceid": str(caller.account.uuid), "resourcetype": "Account"}
    assert [j["jobid"] for j in execute(caller, "listAsyncJobs", wanted).records] == [job.uuid]
    other = {"resourceid": str(caller.user.uuid)}
    assert execute(caller, "listAsyncJobs", other).records == []
    with pytest.raises(InvalidParameter, match="uuid"):
        execute(caller, "listAsyncJobs", {"resourceid": "no uuid"})


# -- events --------------------------------------------------------------------------------


def happened(caller, kind="TOY.DO", **more):
    return events.record(
        kind, "A toy was done", account=caller.account, user=caller.user, row=caller.user, **more
    )


def test_events_are_listed_with_who_and_what(caller):
    event = happened(caller)
    listed = execute(caller, "listEvents", {}).records
    assert [e["id"] for e in listed] == [event.uuid]
    assert listed[0]["username"] == caller.user.username
    assert listed[0]["resourceid"] == caller.user.uuid
    assert listed[0]["domainpath"] == "ROOT"


def test_events_of_others_are_neither_seen_nor_deleted(caller):
    event = happened(make_caller())
    assert execute(caller, "listEvents", {"listall": "true"}).records == []
    with pytest.raises(NoSuchObject):
        execute(caller, "deleteEvents", {"ids": str(event.uuid)})
    execute(caller, "deleteEvents", {"type": "TOY.DO"})
    assert Event.objects.filter(pk=event.pk).exists()


def test_archived_events_leave_the_common_list(caller):
    event = happened(caller)
    execute(caller, "archiveEvents", {"ids": str(event.uuid)})
    assert execute(caller, "listEvents", {}).records == []
    archived = execute(caller, "listEvents", {"archived": "true"}).records
    assert [e["id"] for e in archived] == [event.uuid]


def test_deleting_events_needs_to_know_which(caller):
    happened(caller)
    with pytest.raises(InvalidParameter, match="which"):
        execute(caller, "deleteEvents", {})
    execute(caller, "deleteEvents", {"enddate": "2099-01-01"})
    assert not Event.objects.filter(account=caller.account).exists()


def test_an_event_and_what_followed_from_it(caller):
    parent = happened(caller)
    child = happened(caller, parent_id=parent.pk)
    happened(caller)
    found = execute(caller, "listEvents", {"startid": str(parent.uuid)}).records
    assert {e["id"] for e in found} == {parent.uuid, child.uuid}
    assert {e.get("parentid") for e in found} == {None, parent.uuid}


def test_event_types_are_those_of_the_commands(caller):
    names = [t["name"] for t in execute(caller, "listEventTypes", {}).records]
    assert "ACCOUNT.CREATE" in names
    assert names == sorted(names)


# -- needs attention -----------------------------------------------------------------------


def test_a_trouble_is_listed_and_repaired(world, caller):
    job = ask(caller)
    AsyncJob.objects.filter(pk=job.pk).update(due=timezone.now() + timedelta(hours=1))
    troubles.open_trouble(
        "job-cannot-unwind", job, "Stuck.", evidence={"step": "first"}, repair="jobs.retry_now"
    )
    listed = execute(admin_caller(), "listTroubles", {}).records
    assert [(t["kind"], t["evidence"]) for t in listed] == [
        ("job-cannot-unwind", {"step": "first"})
    ]
    execute(admin_caller(), "repairTrouble", {"id": str(listed[0]["id"])})
    job.refresh_from_db()
    assert job.due <= timezone.now()


def test_a_trouble_that_is_over_is_not_repaired(caller):
    trouble = troubles.open_trouble("k", caller.user, "Odd.", evidence={}, repair="jobs.retry_now")
    troubles.close_troubles(caller.user)
    assert execute(admin_caller(), "listTroubles", {}).records == []
    assert len(execute(admin_caller(), "listTroubles", {"closed": "true"}).records) == 1
    with pytest.raises(NotAllowedInState):
        execute(admin_caller(), "repairTrouble", {"id": str(trouble.uuid)})


def test_a_trouble_seen_twice_is_one_and_one_that_returns_begins_anew(caller):
    one = troubles.open_trouble("k", caller.user, "Odd.", evidence={})
    two = troubles.open_trouble("k", caller.user, "Odder.", evidence={})
    assert one.pk == two.pk
    assert two.first_seen == one.first_seen
    troubles.close_troubles(caller.user, "k")
    three = troubles.open_trouble("k", caller.user, "Odd again.", evidence={})
    assert three.first_seen > one.first_seen
    assert three.closed is None


# -- housekeeping --------------------------------------------------------------------------


def ago(**kwargs):
    return timezone.now() - timedelta(**kwargs)


def test_old_jobs_are_forgotten_and_running_ones_are_not(world, caller):
    old, running = ask(caller), ask(caller)
    AsyncJob.objects.filter(pk=old.pk).update(status=JobStatus.DONE, completed=ago(days=2))
    AsyncJob.objects.filter(pk=running.pk).update(created=ago(days=2))
    assert housekeeping.purge_jobs() == 1
    assert list(AsyncJob.objects.all()) == [running]


def test_old_events_are_forgotten_and_their_jobs_still_end(world, caller):
    job = ask(caller)
    Event.objects.update(created=ago(days=16))
    assert housekeeping.purge_events() == 1
    run_everything()
    job.refresh_from_db()
    assert job.status == JobStatus.DONE


def test_events_are_archived_in_time_when_the_operator_wants_it(world, caller):
    ask(caller)
    Event.objects.update(created=ago(days=8))
    ask(caller)
    assert housekeeping.archive_events() == 0
    configuration.set_value("event.archive.delay", "7")
    assert housekeeping.archive_events() == 1
    assert housekeeping.archive_events() == 0
    assert execute(caller, "listEvents", {}).count == 1
    assert execute(caller, "listEvents", {"archived": "true"}).count == 1


def test_a_secret_reply_is_swept_an_hour_after_it_was_there(world):
    user = make_user()
    job = submit(
        Plan(toys.secretive, user.account, secrets={"password": "x" * 20}),
        account=user.account,
        user=user,
        command="toyCommand",
    )
    run_everything()
    assert housekeeping.forget_replies() == 0
    AsyncJob.objects.filter(pk=job.pk).update(completed=ago(hours=2))
    assert housekeeping.forget_replies() == 1
    job.refresh_from_db()
    assert job.sealed == {}
    assert "password" not in str(shown(caller_of(user), job))
