"""A call that is sent twice is carried out once."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Domain
from api import dispatch, idempotency
from api.models import KeptReply
from compute.models import SshKeyPair, VirtualMachine
from core.commands import COMMANDS
from core.errors import InvalidParameter, ResourceUnavailable
from jobs.models import AsyncJob
from tests import factories
from tests.unit.api.test_http import Signing, sole

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin():
    return Signing(factories.admin(), post=True)


def keyed(key):
    return {"Idempotency-Key": key}


def test_the_same_call_is_answered_again_and_not_done_again(admin):
    first = sole(admin("createDomain", name="a", headers=keyed("k-1")))
    assert sole(admin("createDomain", name="a", headers=keyed("k-1"))) == first
    assert Domain.objects.filter(name="a").count() == 1


def test_the_key_may_be_a_parameter(admin):
    first = sole(admin("createDomain", name="a", idempotencykey="k-1"))
    assert sole(admin("createDomain", name="a", headers=keyed("k-1"))) == first


def test_a_deployment_is_one_job_with_one_id(world):
    cloud = factories.make_cloud(world=world)
    user = factories.make_user()
    network = cloud.network(user.account)
    call = Signing(user)
    given = {
        "zoneid": cloud.zone, "templateid": cloud.template,
        "serviceofferingid": cloud.offering, "networkids": network,
    }  # fmt: skip
    given = {name: str(row.uuid) for name, row in given.items()}
    answers = [sole(call("deployVirtualMachine", **given, headers=keyed("k"))) for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    assert VirtualMachine.objects.count() == AsyncJob.objects.count() == 1
    assert answers[0][1]["jobid"] == str(AsyncJob.objects.get().uuid)


def test_what_is_shown_once_is_in_the_kept_answer_and_sealed(admin):
    first = sole(admin("createSSHKeyPair", name="pair", headers=keyed("k")))
    assert sole(admin("createSSHKeyPair", name="pair", headers=keyed("k"))) == first
    assert "PRIVATE KEY" in first[1]["keypair"]["privatekey"]
    assert "PRIVATE" not in KeptReply.objects.get().reply
    assert SshKeyPair.objects.count() == 1


def test_the_answer_comes_in_the_form_that_is_asked_for(admin):
    admin("createDomain", name="a", headers=keyed("k"))
    again = admin("createDomain", name="a", response="xml", headers=keyed("k"))
    assert again["Content-Type"].startswith("text/xml")
    assert b"<name>a</name>" in again.content


def test_a_key_belongs_to_one_call(admin):
    admin("createDomain", name="a", headers=keyed("k"))
    for command, given in (("createDomain", {"name": "b"}), ("createRole", {"name": "a"})):
        refused = admin(command, **given, headers=keyed("k"))
        assert refused.status_code == 431
        assert "used for another call" in sole(refused)[1]["errortext"]
    assert not Domain.objects.filter(name="b").exists()


def test_users_have_keys_of_their_own(admin):
    admin("createAccount", accounttype="0", username="a", password="a long password",
          email="a@b.c", firstname="A", lastname="B", headers=keyed("k"))  # fmt: skip
    user = Signing(factories.make_user())
    assert user("createSSHKeyPair", name="mine", headers=keyed("k")).status_code == 200


def test_a_refused_call_leaves_its_key_free(admin):
    parent = str(uuid.uuid4())
    assert admin("createDomain", name="a", parentdomainid=parent,
                 headers=keyed("k")).status_code == 431  # fmt: skip
    assert admin("createDomain", name="a", headers=keyed("k")).status_code == 200


def test_while_the_first_is_running_the_second_is_told_so(admin):
    user = factories.admin()
    caller = factories.caller_of(user)
    given = {"command": "createDomain", "name": "a"}
    command = COMMANDS["createDomain"]
    running = idempotency.note(caller, command, "k", given)
    with pytest.raises(ResourceUnavailable, match="still being carried out"):
        idempotency.note(caller, command, "k", given)
    running.forget()
    idempotency.note(caller, command, "k", given)


def test_a_call_whose_note_was_taken_over_is_undone():
    caller = factories.admin_caller()
    given = {"name": "slow"}
    command = COMMANDS["createDomain"]
    slow = idempotency.note(caller, command, "k", given)
    long_ago = timezone.now() - idempotency.ABANDONED_AFTER - timedelta(seconds=1)
    KeptReply.objects.update(begun=long_ago)
    idempotency.note(caller, command, "k", given)
    with pytest.raises(ResourceUnavailable, match="nothing was changed"):
        dispatch.execute(caller, "createDomain", given, then=lambda _: slow.keep({}))
    assert not Domain.objects.filter(name="slow").exists()


def test_answers_are_kept_for_a_day(admin):
    first = sole(admin("createSSHKeyPair", name="a", headers=keyed("k")))
    yesterday = timezone.now() - idempotency.KEPT_FOR - timedelta(seconds=1)
    KeptReply.objects.update(begun=yesterday)
    assert admin("createSSHKeyPair", name="b", headers=keyed("k")).status_code == 200
    KeptReply.objects.update(begun=yesterday)
    assert idempotency.forget_replies() == 1
    assert first


@pytest.mark.parametrize("key", ["has blank", "x" * 129, "schlüssel"])
def test_odd_keys_are_refused(key):
    with pytest.raises(InvalidParameter, match="idempotency key"):
        idempotency.note(factories.admin_caller(), COMMANDS["createDomain"], key, {})


def test_reading_takes_no_notice(admin):
    assert admin("listDomains", headers=keyed("k")).status_code == 200
    assert not KeptReply.objects.exists()


def test_a_secret_cannot_be_guessed_from_what_is_stored(admin):
    one = idempotency._digest(COMMANDS["createUser"], {"password": "a"})
    assert len(one) == 64
    assert one != idempotency._digest(COMMANDS["createUser"], {"password": "b"})
