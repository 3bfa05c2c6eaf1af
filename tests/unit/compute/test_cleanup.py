"""Whatever an account or a domain can own goes with it, also when workers die on the way."""

import pytest
from django.apps import apps

from accounts.models import Account, Domain, ResourceCount, ResourceLimit, User
from accounts.resources import Resource
from accounts.services import keys, limits
from compute.models import AffinityGroup, InstanceGroup, SshKeyPair, UserData, VirtualMachine
from compute.services import departures
from core import steps
from core.errors import CloudError
from infra.models import ConfigurationValue
from infra.services import configuration
from jobs.models import JobStatus, JobStep
from jobs.worker import run_everything
from tests.factories import (
    admin_caller,
    caller_of,
    make_account,
    make_affinity_group,
    make_cloud,
    make_domain,
    make_instance_group,
    make_key_pair,
    make_template,
    make_user,
)
from tests.unit.compute.accidents import death_at_step, fresh_world, rolled_back, run_until_death
from tests.unit.compute.asking import ask, deploy, done
from tests.unit.compute.books import assert_balanced

pytestmark = pytest.mark.django_db

#: What outlives its account: history that administrators read.
_HISTORY = {"jobs.Event", "jobs.AsyncJob", "jobs.JobStep", "compute.VmSample"}


def furnish(account, cloud):
    """A bit of everything for an account: what hosts have, and what is only a row."""
    caller = caller_of(account)
    running = done(deploy(caller, cloud))
    stopped = done(deploy(caller, cloud, name="web-2"))
    done(ask(caller, "stopVirtualMachine", id=stopped))
    binned = done(deploy(caller, cloud, name="web-3"))
    done(ask(caller, "destroyVirtualMachine", id=binned))
    done(ask(caller, "createSnapshot", volumeid=running.attachments.get().volume))
    make_template(account, store=cloud.store)
    make_key_pair(account)
    make_affinity_group(account=account)
    make_instance_group(account=account)
    UserData.objects.create(account=account, name="first", content="aGk=")
    ask(caller, "createTags", resourcetype="UserVm", resourceids=running,
        tags=[{"key": "env", "value": "prod"}])  # fmt: skip
    keys.register(make_user(account=account))
    limits.set_limit(account, Resource.VPC, 3)
    configuration.set_value("allow.user.view.destroyed.vm", "true", account)


def owned_rows(account):
    """The living rows of every model that belongs to the account. A part of a removed row
    (a template's destroyed copy) is history like that row."""
    found = {}
    for model in apps.get_models():
        path = getattr(model, "OWNER", "")
        if not path or model._meta.label in _HISTORY:
            continue
        rows = model._default_manager.filter(**{path: account})
        holder, _, _ = path.rpartition("__")
        if holder:
            rows = rows.filter(**{f"{holder}__removed": None})
        if rows.exists():
            found[model._meta.label] = rows.count()
    return found


def delete(row, command="deleteAccount", **more):
    outcome = ask(admin_caller(), command, id=row, **more)
    run_everything()
    outcome.job.refresh_from_db()
    return outcome.job


def test_nothing_that_an_account_can_own_survives_it(world, account, cloud):
    furnish(account, cloud)
    assert set(owned_rows(account)) >= {
        "compute.VirtualMachine", "storage.Volume", "storage.Snapshot", "storage.Template",
        "network.Network", "compute.SshKeyPair", "compute.UserData", "compute.InstanceGroup",
        "compute.AffinityGroup", "accounts.ResourceTag", "accounts.User", "accounts.ApiKey",
    }  # fmt: skip
    job = delete(account)
    assert (job.status, job.error_text) == (JobStatus.DONE, "")
    assert owned_rows(account) == {}
    assert not ResourceLimit.objects.filter(account=account).exists()
    assert not ResourceCount.objects.filter(account=account).exists()
    assert not ConfigurationValue.objects.filter(holder=account.pk, scope="Account").exists()
    assert_balanced(world)


def test_nothing_of_a_domain_survives_it(world, cloud):
    domain = make_domain()
    lower = make_domain(parent=domain)
    accounts = [make_account(domain=d) for d in (domain, lower, lower)]
    for account in accounts:
        furnish(account, cloud)
    limits.set_limit(lower, Resource.INSTANCE, 9)
    configuration.set_value("password.policy.minimum.length", "9", lower)
    job = delete(domain, "deleteDomain", cleanup="true")
    assert (job.status, job.error_text) == (JobStatus.DONE, "")
    for account in accounts:
        assert owned_rows(account) == {}
    assert not Domain.objects.filter(pk__in=[domain.pk, lower.pk]).exists()
    assert not ResourceLimit.objects.filter(domain=lower).exists()
    assert not ResourceCount.objects.filter(domain__in=[domain, lower]).exists()
    assert not ConfigurationValue.objects.filter(holder=lower.pk, scope="Domain").exists()
    assert_balanced(world)


def steps_of(command):
    return {
        "deleteAccount": ["count_what_it_has", "remove_what_it_has", "forget_account"],
        "deleteDomain": [
            "count_what_they_have", "remove_what_they_have", "forget_accounts", "forget_domains",
        ],
    }[command]  # fmt: skip


@pytest.mark.parametrize("command", ["deleteAccount", "deleteDomain"])
def test_a_worker_dies_at_any_step_and_the_next_ends_it(command, tmp_path, monkeypatch):
    for name in steps_of(command):
        for when in ("before", "after"):
            with rolled_back(), fresh_world(tmp_path) as world:
                domain = make_domain()
                account = make_account(domain=domain)
                done(deploy(caller_of(account), make_cloud(world=world)))
                make_key_pair(account)
                about = {"id": account} if command == "deleteAccount" else {
                    "id": domain, "cleanup": "true",
                }  # fmt: skip
                outcome = ask(admin_caller(), command, **about)
                with death_at_step(name, when, monkeypatch):
                    assert run_until_death(), f"{name} was not reached"
                    run_everything()
                outcome.job.refresh_from_db()
                assert outcome.job.status == JobStatus.DONE, outcome.job.error_text
                assert owned_rows(account) == {}
                assert_balanced(world)


def test_it_says_how_far_it_is(world, account, cloud, monkeypatch):
    for number in range(12):
        done(deploy(caller_of(account), cloud, name=f"web-{number}"))
    said = []
    real = steps.call

    def noting(function, run, arguments):
        if function.__name__ == "remove_what_it_has":
            row = JobStep.objects.get(job__uuid=run.job_uuid, name="remove_what_it_has")
            said.append((row.percent, row.note))
        return real(function, run, arguments)

    monkeypatch.setattr(steps, "call", noting)
    assert delete(account).status == JobStatus.DONE
    percents = [percent for percent, _ in said]
    assert percents == sorted(percents)
    assert 0 < percents[-1] < 100
    notes = [note for _, note in said]
    assert f"Account {account.name}: 0 of 12 virtual machines are done." in notes
    assert f"Account {account.name}: 4 of 12 virtual machines are done." in notes  # four at once


def test_one_machine_that_cannot_go_does_not_keep_the_others(world, account, cloud):
    stays = done(deploy(caller_of(account), cloud))
    VirtualMachine.objects.filter(pk=stays.pk).update(delete_protection=True)
    for number in range(2):
        done(deploy(caller_of(account), cloud, name=f"web-{number + 2}"))
    job = delete(account)
    assert job.status == JobStatus.FAILED
    assert "is protected" in job.error_text
    assert list(VirtualMachine.objects.filter(account=account)) == [stays]
    VirtualMachine.objects.filter(pk=stays.pk).update(delete_protection=False)
    assert delete(account).status == JobStatus.DONE
    assert owned_rows(account) == {}


def test_many_rows_are_let_go_some_at_a_time(account, monkeypatch):
    monkeypatch.setattr(departures, "_SOME", 2)
    for _ in range(5):
        make_key_pair(account)
    assert delete(account).status == JobStatus.DONE
    for model in (SshKeyPair, UserData, InstanceGroup, AffinityGroup):
        assert not model.objects.filter(account=account).exists()


def test_nobody_deletes_the_domain_it_is_in():
    domain = make_domain()
    lower = make_domain(parent=domain)
    keeper = caller_of(make_user(role_type="DomainAdmin", domain=domain))
    account = make_account(domain=lower)
    with pytest.raises(CloudError):  # not even found: nobody operates its own domain
        ask(keeper, "deleteDomain", id=domain, cleanup="true")
    assert delete(lower, "deleteDomain", cleanup="true").status == JobStatus.DONE
    assert not Account.objects.filter(pk=account.pk).exists()
    assert User.objects.filter(pk=keeper.user.pk).exists()
