"""DESIGN 4: killed at any step, a job ends done or unwound, with nothing stuck or leaked."""

import contextlib
import re

import pytest

from agent import protocol
from core.errors import InsufficientCapacity, NotAllowedInState
from core.steps import Plan
from jobs import leases
from jobs.models import (
    AsyncJob,
    Event,
    JobStatus,
    JobStep,
    Lease,
    Phase,
    StepState,
    Trouble,
    Worker,
)
from jobs.runner import JobRun
from jobs.submit import submit
from jobs.worker import _bury, claim, run_everything
from tests.factories import admin, make_account, make_user
from tests.unit.jobs import toys
from tests.unit.jobs.toys import Killed, unreachable

pytestmark = pytest.mark.django_db
NAMES = ["first", "second", "third"]


@pytest.fixture
def world():
    return toys.reset()


def ask(plan=toys.toy, account=None, resources=(), **args) -> AsyncJob:
    account = account or make_account()
    return submit(
        Plan(plan, account, args, resources=resources),
        account=account,
        command="toyCommand",
        event_type="TOY.DO",
    )


def new_worker() -> Worker:
    number = Worker.objects.count()
    return Worker.objects.create(name=f"test-{number}", machine="here", pid=1)


def run_once(worker: Worker | None = None) -> Worker:
    """One run of the job that is due, by a worker of its own; Killed ends it as kill -9 would."""
    worker = worker or new_worker()
    AsyncJob.objects.update(due=AsyncJob.objects.first().created)
    job = claim(worker)
    assert job is not None
    with contextlib.suppress(Killed):
        JobRun(job, worker).go()
    return worker


def take_over(dead: Worker) -> None:
    _bury(dead)
    run_everything()


def kill_at(name: str, *, once=True):
    left = [1]

    def act(step: str) -> None:
        if step == name and (left[0] or not once):
            left[0] = 0
            raise Killed

    return act


def states(job) -> list[str]:
    return [s.state for s in job.steps.all()]


def assert_clean(job: AsyncJob) -> None:
    job.refresh_from_db()
    assert job.status != JobStatus.PENDING
    assert job.phase == Phase.ENDED
    assert job.worker is None
    assert not Lease.objects.exclude(job=None).exists()


# -- forward -------------------------------------------------------------------------------


def test_a_job_runs_to_its_end_and_hands_results_on(world):
    job = ask()
    run_everything()
    assert_clean(job)
    assert job.status == JobStatus.DONE
    assert world.done == NAMES
    assert world.seen == {"first": {"from": "first"}}
    assert states(job) == [StepState.DONE] * 3
    assert all(s.percent == 100 for s in job.steps.all())


def test_its_events_tell_beginning_and_end(world):
    job = ask()
    run_everything()
    found = list(Event.objects.order_by("pk").values_list("type", "state", "parent"))
    assert found == [
        ("TOY.DO", "Scheduled", None),
        ("TOY.DO", "Started", job.event_id),
        ("TOY.DO", "Completed", job.event_id),
    ]


def test_a_job_of_an_older_version_goes_on_with_the_steps_of_this_one(world):
    """A step that is gone was just running; one that came was not in the job."""
    job = ask()
    world.before = kill_at("second")
    dead = run_once()
    job.steps.filter(name="third").update(name="gone", title="Gone")
    take_over(dead)
    assert_clean(job)
    assert job.status == JobStatus.DONE
    assert [s.name for s in job.steps.all()] == NAMES
    assert world.done == NAMES  # the first not once more


def test_a_job_of_an_older_version_is_undone_by_the_steps_of_this_one(world):
    job = ask()
    world.before = kill_at("third")
    dead = run_once()
    job.steps.filter(name="second").update(name="gone")
    AsyncJob.objects.update(cancel_asked=True)
    take_over(dead)
    assert_clean(job)
    assert job.status == JobStatus.CANCELLED
    assert world.undone == ["third", "first"]


@pytest.mark.parametrize("step", NAMES)
@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_in_any_step_the_next_worker_finishes(world, step, moment):
    """After the work but before its result is written, or before the work itself."""
    job = ask()
    setattr(world, moment, kill_at(step))
    dead = run_once()
    job.refresh_from_db()
    assert job.status == JobStatus.PENDING
    take_over(dead)
    assert_clean(job)
    assert job.status == JobStatus.DONE
    assert world.lines == set(NAMES)
    assert world.undone == []


def test_a_step_that_has_happened_is_not_done_again(world):
    ask()
    world.after = kill_at("second")
    take_over(run_once())
    assert world.checked == ["second"]
    assert world.done.count("second") == 1


def test_steps_before_the_one_it_died_in_are_not_done_again(world):
    ask()
    world.before = kill_at("third")
    take_over(run_once())
    assert world.done == NAMES


# -- back ----------------------------------------------------------------------------------


def fail_at(name: str, error: Exception | None = None):
    def act(step: str) -> None:
        if step == name:
            raise error or InsufficientCapacity("No room.", details=[{"host": "h1", "why": "full"}])

    return act


@pytest.mark.parametrize("step", NAMES)
def test_failing_in_any_step_leaves_nothing_behind(world, step):
    job = ask()
    world.after = fail_at(step)
    run_everything()
    assert_clean(job)
    assert job.status == JobStatus.FAILED
    assert (job.error_code, job.error_text) == (533, "No room.")
    assert job.error_details == [{"host": "h1", "why": "full"}]
    assert world.lines == set()
    assert world.undone == NAMES[: NAMES.index(step) + 1][::-1]


@pytest.mark.parametrize("failing", NAMES)
@pytest.mark.parametrize("dying", NAMES)
def test_killed_while_unwinding_the_next_worker_unwinds(world, failing, dying):
    job = ask()
    world.after = fail_at(failing)
    world.before_undo = kill_at(dying)
    dead = run_once()
    take_over(dead)
    assert_clean(job)
    assert job.status == JobStatus.FAILED
    assert world.lines == set()


def test_a_defect_shows_a_reference_and_not_its_words(world, caplog):
    job = ask()
    world.before = fail_at("second", KeyError("password=hunter2"))
    run_everything()
    job.refresh_from_db()
    assert job.error_code == 530
    assert job.correlation_id in job.error_text
    assert "hunter2" not in job.error_text
    assert "KeyError" in caplog.text


def test_an_undo_that_fails_is_tried_again_and_then_shown_to_a_person(world):
    job = ask()
    world.after = fail_at("second")
    world.before_undo = fail_at("first", NotAllowedInState("Still busy."))
    for _ in range(5):
        run_once()
    trouble = Trouble.objects.get(closed=None)
    assert trouble.resource_uuid == job.uuid
    assert "Still busy." in trouble.sentence
    job.refresh_from_db()
    assert job.status == JobStatus.PENDING
    assert Lease.objects.filter(job=job).exists()
    world.before_undo = lambda name: None
    run_everything()
    assert_clean(job)
    assert world.lines == set()
    assert not Trouble.objects.filter(closed=None).exists()


# -- patience ------------------------------------------------------------------------------


def test_a_host_that_is_away_for_a_while_only_delays_the_job(world):
    job = ask()
    world.before = unreachable(3)
    run_once()
    job.refresh_from_db()
    assert job.status == JobStatus.PENDING
    assert job.worker is None
    assert "Host h1 does not answer." in job.note
    assert Lease.objects.filter(job=job).exists()
    run_everything()
    assert_clean(job)
    assert job.status == JobStatus.DONE
    assert job.note == ""


def test_patience_ends(world):
    job = ask(patience_s=0)
    world.before = unreachable(10**6)
    run_everything()
    assert_clean(job)
    assert job.status == JobStatus.FAILED
    assert job.error_text == "Host h1 does not answer."
    assert world.lines == set()


def test_a_step_may_wait_without_using_up_patience(world):
    job = ask(toys.patient)
    world.later = 20
    run_everything()
    assert_clean(job)
    assert job.status == JobStatus.DONE
    assert job.steps.get(index=0).attempts == 1


# -- leases --------------------------------------------------------------------------------


def test_two_jobs_on_one_thing_run_one_after_the_other(world):
    account = make_account()
    one, two = ask(account=account), ask(account=account)
    world.before = kill_at("second")
    dead = run_once()
    run_once()
    two.refresh_from_db()
    assert two.waits_for == one
    assert re.search("Waits for toyCommand", two.note)
    world.before = lambda name: None
    take_over(dead)
    for job in (one, two):
        assert_clean(job)
        assert job.status == JobStatus.DONE


def test_who_waits_for_a_lease_is_woken_when_it_is_free(world):
    account = make_account()
    one, two = ask(account=account), ask(account=account)
    world.before = unreachable(1)
    run_once()
    AsyncJob.objects.filter(pk=one.pk).update(worker=new_worker())
    run_once()
    AsyncJob.objects.filter(pk=one.pk).update(worker=None)
    run_once()
    one.refresh_from_db()
    two.refresh_from_db()
    assert one.status == JobStatus.DONE
    assert two.waits_for is None
    assert two.due <= one.completed


def test_a_lease_taken_over_carries_a_higher_number(world):
    job = ask()
    world.before = kill_at("second")
    dead = run_once()
    take_over(dead)
    key = f"account:{job.instance_uuid}"
    numbers = [fences[key] for fences in world.fences]
    assert len(numbers) == 3
    assert numbers[0] < numbers[1] == numbers[2]


def test_a_late_worker_writes_nothing(world):
    """It was taken for dead while it slept in a step, and wakes up when the job is done."""
    job = ask()
    late = new_worker()

    def sleep_long(name: str) -> None:
        if name == "second":
            world.after = lambda name: None
            take_over(late)

    world.after = sleep_long
    run_once(late)
    assert_clean(job)
    assert job.status == JobStatus.DONE
    assert world.done == ["first", "second", "third"]
    assert job.steps.get(index=2).attempts == 1


def test_a_worker_that_is_late_in_a_failing_step_does_not_unwind(world):
    job = ask()
    late = new_worker()

    def sleep_long(name: str) -> None:
        if name == "second":
            world.before = lambda name: None
            take_over(late)
            raise InsufficientCapacity("No room.")

    world.before = sleep_long
    run_once(late)
    assert_clean(job)
    assert job.status == JobStatus.DONE
    assert world.lines == set(NAMES)


def test_a_host_that_has_seen_a_higher_lease_does_not_stop_the_rightful_job(world):
    """As after the database was restored from a copy."""
    job = ask()
    refused = [True]

    def stale(name: str) -> None:
        if refused.pop() if refused else False:
            raise protocol.StaleFence("Lease 7 was taken over by lease 9.")

    world.before = stale
    run_once()
    job.refresh_from_db()
    assert job.status == JobStatus.PENDING
    assert job.worker is None
    run_everything()
    assert_clean(job)
    assert job.status == JobStatus.DONE


def test_leases_nobody_needs_are_forgotten_and_begin_higher(world):
    job = ask()
    run_everything()
    number = Lease.objects.get().number
    assert leases.prune(unused_for_s=3600) == 0
    assert leases.prune(unused_for_s=-1) == 1
    ask(account=job.account)
    run_everything()
    assert Lease.objects.get().number > number


# -- cancelling ------------------------------------------------------------------------------


@pytest.mark.parametrize("step", NAMES[:2])
def test_a_cancelled_job_is_unwound_before_its_next_step(world, step):
    job = ask()

    def cancel(name: str) -> None:
        if name == step:
            AsyncJob.objects.filter(pk=job.pk).update(cancel_asked=True)

    world.after = cancel
    run_everything()
    assert_clean(job)
    assert job.status == JobStatus.CANCELLED
    assert world.lines == set()
    assert "third" not in world.done


def test_a_job_cancelled_before_it_began_undoes_what_the_request_did(world):
    job = ask()
    AsyncJob.objects.filter(pk=job.pk).update(cancel_asked=True)
    run_everything()
    assert_clean(job)
    assert job.status == JobStatus.CANCELLED
    assert world.done == []
    assert world.undone == ["first"]


def test_progress_stops_a_cancelled_step(world):
    job = ask()

    def cancel(name: str) -> None:
        AsyncJob.objects.filter(pk=job.pk).update(cancel_asked=True)
        run.progress(100, "half way")

    world.before = cancel
    worker = new_worker()
    run = JobRun(claim(worker), worker)
    run.go()
    assert_clean(job)
    assert job.status == JobStatus.CANCELLED
    assert world.lines == set()


def test_some_plans_cannot_be_cancelled(world):
    job = ask(toys.stubborn)
    AsyncJob.objects.filter(pk=job.pk).update(cancel_asked=True)
    run_everything()
    assert_clean(job)
    assert job.status == JobStatus.DONE


def test_a_portal_that_is_stopped_finishes_the_step_at_hand(world):
    job = ask()
    worker = new_worker()
    JobRun(claim(worker), worker, stopping=lambda: "first" in world.done).go()
    job.refresh_from_db()
    assert states(job) == [StepState.DONE, StepState.PENDING, StepState.PENDING]
    assert job.worker is None
    run_everything()
    assert_clean(job)
    assert world.done == NAMES


# -- what is shown and kept ------------------------------------------------------------------


def test_progress_is_shown_while_it_runs(world):
    job = ask()
    shown = []

    def report(name: str) -> None:
        run.progress(40, "copied 4 of 10")
        shown.append(JobStep.objects.get(job=job, name=name).percent)

    world.before = report
    worker = new_worker()
    run = JobRun(claim(worker), worker)
    run.go()
    assert shown == [40, 40, 40]
    assert job.steps.get(index=0).note == ""


def test_secrets_are_sealed_and_forgotten(world):
    user = make_user()
    plan = Plan(toys.secretive, user.account, secrets={"password": "hunter2-hunter2"})
    job = submit(plan, account=user.account, user=user, command="toyCommand", event_type="TOY.DO")
    assert_not_in_job_rows("hunter2-hunter2", job)
    run_everything()
    job.refresh_from_db()
    assert world.seen["secret"] == "hunter2-hunter2"
    assert set(job.sealed) == {"reply.password"}
    assert_not_in_job_rows("hunter2-hunter2", job)
    assert_not_in_job_rows("made-up-password", job)


def assert_not_in_job_rows(text: str, job: AsyncJob) -> None:
    rows = [
        *AsyncJob.objects.filter(pk=job.pk).values(),
        *job.steps.values(),
        *Event.objects.values(),
    ]
    assert text not in repr(rows)


def test_a_secret_among_the_plain_arguments_is_refused():
    account = make_account()
    with pytest.raises(ValueError, match="admin_password"):
        submit(Plan(toys.toy, account, {"admin_password": "hunter2"}), account=account)


def test_an_argument_that_json_cannot_hold_is_refused():
    account = make_account()
    with pytest.raises(TypeError, match="object"):
        submit(Plan(toys.toy, account, {"patience_s": object()}), account=account)


def test_a_job_whose_subject_was_deleted_for_good_still_ends(world):
    user = make_user()
    job = submit(
        Plan(toys.toy, user.account, resources=[user]), account=admin().account, event_type="TOY.DO"
    )

    def delete(name: str) -> None:
        if name == "third":
            user.delete()
            type(user.account).objects.filter(pk=user.account_id).delete()

    world.after = delete
    Event.objects.all().delete()
    run_everything()
    job.refresh_from_db()
    assert job.status == JobStatus.DONE


# -- cost ------------------------------------------------------------------------------------


def test_the_number_of_statements_of_a_six_step_plan_is_kept_low(
    world, django_assert_max_num_queries
):
    ask(toys.six_steps)
    worker = new_worker()
    with django_assert_max_num_queries(55):  # a third of them are savepoints of the test's own
        JobRun(claim(worker), worker).go()
