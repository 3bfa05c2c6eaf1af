"""Accounts go with what they own: cleaners of higher contexts, here a toy one."""

import pytest

from accounts import cleaning
from accounts.models import Account, Domain, User
from accounts.resources import Resource
from accounts.services import keys, limits
from api.dispatch import execute
from core.errors import CloudError, InUse, NotAllowedInState
from core.steps import Plan, Step, plan
from jobs.models import AsyncJob, JobStatus
from jobs.worker import run_everything
from tests.factories import admin_caller, make_account, make_domain, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def owned(monkeypatch):
    """Volumes by account, counted and cleaned as a context would."""
    volumes: dict[int, int] = {}
    monkeypatch.setattr(limits, "COUNTERS", {Resource.VOLUME: lambda keys: dict(volumes)})
    monkeypatch.setattr(cleaning, "COUNTERS", limits.COUNTERS)
    monkeypatch.setattr(cleaning, "CLEANERS", [])
    monkeypatch.setattr(cleaning, "STOPPERS", [])
    return volumes


def delete(kind, row, **more):
    name = "deleteAccount" if kind == "account" else "deleteDomain"
    outcome = execute(admin_caller(), name, {"id": str(row.uuid), **more})
    run_everything()
    outcome.job.refresh_from_db()
    return outcome.job


def one_at_a_time(owned):
    @cleaning.cleaner("volumes", Resource.VOLUME, order=30)
    def remove(accounts, run):
        (account,) = accounts
        left = owned.get(account.pk, 0)
        owned[account.pk] = max(left - 1, 0)
        return left


def test_an_account_with_nothing_goes_with_its_users_and_keys(owned):
    user = make_user()
    key, _ = keys.register(user)
    job = delete("account", user.account)
    assert job.status == JobStatus.DONE
    assert not Account.objects.filter(pk=user.account_id).exists()
    assert not User.objects.filter(pk=user.pk).exists()
    assert keys.find(key) is None
    assert Account.everything.get(pk=user.account_id).removed is not None
    make_user(user.username, account=make_account(user.account.name))  # the names are free


def test_what_nobody_can_remove_is_named_and_the_account_stays(owned):
    account = make_account()
    owned[account.pk] = 2
    with pytest.raises(InUse, match=rf"{account.name} still has volumes \(2\)"):
        delete("account", account)
    account.refresh_from_db()
    assert account.state == "enabled"


def test_cleaners_are_called_until_nothing_is_left(owned):
    account = make_account()
    owned[account.pk] = 3
    one_at_a_time(owned)
    assert delete("account", account).status == JobStatus.DONE
    assert owned[account.pk] == 0


def test_a_cleaner_that_cannot_leaves_the_account_closed_and_marked(owned):
    account = make_account()
    owned[account.pk] = 1
    blocked = [True]

    @cleaning.cleaner("volumes", Resource.VOLUME, order=30)
    def remove(accounts, run):
        if blocked[0]:
            raise InUse("Volume data-1 is attached.")
        owned[account.pk] = 0
        return 0

    job = delete("account", account)
    assert (job.status, job.error_text) == (JobStatus.FAILED, "Volume data-1 is attached.")
    account.refresh_from_db()
    assert (account.state, account.cleanup_needed) == ("disabled", True)
    with pytest.raises(NotAllowedInState, match="half deleted"):
        execute(admin_caller(), "enableAccount", {"id": str(account.uuid)})
    blocked[0] = False
    assert delete("account", account).status == JobStatus.DONE


def test_a_cleaner_that_says_done_too_early_is_found_out(owned):
    account = make_account()
    owned[account.pk] = 1
    cleaning.cleaner("volumes", Resource.VOLUME, order=30)(lambda accounts, run: 0)
    job = delete("account", account)
    assert job.status == JobStatus.FAILED
    assert "still has volumes (1)" in job.error_text


def nothing() -> None:
    pass


@plan()
def toy_removal(user: User) -> list[Step]:
    return [Step(nothing)]


def test_cleaners_start_jobs_of_their_own_and_wait_for_them(owned):
    user = make_user()
    owned[user.account_id] = 1
    started = []

    @cleaning.cleaner("volumes", Resource.VOLUME, order=30)
    def remove(accounts, run):
        if not started:
            started.append(run.start(Plan(toy_removal, user), command="destroyToy"))
        if AsyncJob.objects.get(uuid=started[0]).status == JobStatus.PENDING:
            return 1
        owned[user.account_id] = 0
        return 0

    job = delete("account", user.account)
    assert job.status == JobStatus.DONE
    child = AsyncJob.objects.get(uuid=started[0])
    assert child.status == JobStatus.DONE
    assert child.correlation_id == job.correlation_id


def test_cleaners_go_in_their_order(owned):
    order = []
    for words, place in (("volumes", 30), ("machines", 10), ("snapshots", 20)):
        cleaning.cleaner(words, order=place)(lambda accounts, run, w=words: order.append(w) or 0)
    delete("account", make_account())
    assert order == ["machines", "snapshots", "volumes"]


def test_a_domain_that_cannot_be_emptied_opens_again(owned):
    domain = make_domain()
    first, second = make_account(domain=domain), make_account(domain=domain)
    owned[second.pk] = 1

    @cleaning.cleaner("volumes", Resource.VOLUME, order=30)
    def remove(accounts, run):
        if any(owned.get(account.pk) for account in accounts):
            raise CloudError("The pool is away.")
        return 0

    job = delete("domain", domain, cleanup="true")
    assert (job.status, job.error_text) == (JobStatus.FAILED, "The pool is away.")
    domain.refresh_from_db()
    assert domain.state == "Active"
    for account in (first, second):  # whose is gone and whose is not nobody can tell
        account.refresh_from_db()
        assert (account.state, account.cleanup_needed) == ("disabled", True)
    owned.clear()
    assert delete("domain", domain, cleanup="true").status == JobStatus.DONE
    assert not Account.objects.filter(pk__in=[first.pk, second.pk]).exists()


def test_nothing_is_made_in_a_domain_that_is_being_deleted(owned):
    domain = make_domain()
    Domain.objects.filter(pk=domain.pk).update(state="Inactive")
    person = {"username": "u", "password": "p", "email": "e", "firstname": "f", "lastname": "l"}
    for name, given in (
        ("createAccount", {"domainid": str(domain.uuid), **person}),
        ("createDomain", {"parentdomainid": str(domain.uuid), "name": "x"}),
    ):
        with pytest.raises(NotAllowedInState, match="being deleted"):
            execute(admin_caller(), name, given)


def test_disabling_an_account_stops_what_it_runs(owned):
    account = make_account()
    running = [2]

    @cleaning.stopper("virtual machines")
    def stop(accounts, run):
        running[0] = max(running[0] - 1, 0)
        return running[0]

    execute(admin_caller(), "disableAccount", {"id": str(account.uuid), "lock": "true"})
    run_everything()
    account.refresh_from_db()
    assert (account.state, running) == ("locked", [2])
    execute(admin_caller(), "disableAccount", {"id": str(account.uuid), "lock": "false"})
    run_everything()
    account.refresh_from_db()
    assert (account.state, running) == ("disabled", [0])
