"""Invitations: answered by whom they are for, once and in time."""

import pytest

from accounts.models import Letter, ProjectInvitation
from accounts.services import invitations
from core import vault
from core.errors import (
    InvalidParameter,
    PermissionDenied,
)
from infra.services import configuration
from tests import factories
from tests.unit.accounts.projects.asking import ask, ids

pytestmark = pytest.mark.django_db


@pytest.fixture
def invited(owner, project, domain):
    """Somebody who must accept first."""
    configuration.set_value("project.invite.required", "true")
    late = factories.make_caller(domain=domain)
    ask(owner, "addAccountToProject", projectid=project.uuid, account=late.account.name)
    return late


def test_an_invitation_is_accepted(owner, project, invited):
    assert not ids(invited, "listProjects")
    (shown,) = ask(invited, "listProjectInvitations").records
    assert (shown["project"], shown["state"]) == (project.name, "Pending")
    ask(invited, "updateProjectInvitation", projectid=project.uuid)
    assert ids(invited, "listProjects") == {project.uuid}
    assert not ask(invited, "listProjectInvitations", activeonly=True).records
    with pytest.raises(InvalidParameter, match="no open invitation"):
        ask(invited, "updateProjectInvitation", projectid=project.uuid)


def test_an_invitation_is_declined(project, invited):
    ask(invited, "updateProjectInvitation", projectid=project.uuid, accept="false")
    assert not ids(invited, "listProjects")
    assert ProjectInvitation.objects.get().state == "Declined"


def test_an_invitation_expires(project, invited):
    ProjectInvitation.objects.update(created="2026-01-01T00:00:00Z")
    with pytest.raises(InvalidParameter, match="no open invitation"):
        ask(invited, "updateProjectInvitation", projectid=project.uuid)
    assert invitations.expire() == 1
    assert ProjectInvitation.objects.get().state == "Expired"


def test_nobody_else_answers_it(member, project, invited):
    stranger = factories.make_caller(domain=factories.make_domain())
    for caller in (member, stranger):
        assert not ask(caller, "listProjectInvitations", listall=True).records
        with pytest.raises(InvalidParameter, match="no open invitation"):
            ask(caller, "updateProjectInvitation", projectid=project.uuid)


def test_no_such_project_and_no_invitation_sound_the_same(member, project):
    said = set()
    for uuid in (project.uuid, "0b1d7ba4-0c0a-4b3c-8f4e-000000000000"):
        with pytest.raises(InvalidParameter) as error:
            ask(member, "updateProjectInvitation", projectid=uuid, token="guess")
        said.add(error.value.message)
    assert len(said) == 1


def test_an_invitation_is_withdrawn(owner, project, invited):
    (shown,) = ask(owner, "listProjectInvitations", projectid=project.uuid).records
    with pytest.raises(PermissionDenied):
        ask(invited, "deleteProjectInvitation", id=shown["id"])
    ask(owner, "deleteProjectInvitation", id=shown["id"])
    with pytest.raises(InvalidParameter):
        ask(invited, "updateProjectInvitation", projectid=project.uuid)


def mailed_token(letter):
    lines = vault.unseal(letter.sealed_text).splitlines()
    return next(line.split()[1] for line in lines if line.strip().startswith("token"))


def test_a_mailed_token_lets_whoever_has_it_in(owner, project, domain):
    ask(owner, "addAccountToProject", projectid=project.uuid, email="ada@example.org")
    letter = Letter.objects.get()
    assert letter.recipient == "ada@example.org"
    token, row = mailed_token(letter), ProjectInvitation.objects.get()
    assert len(token) >= 32
    assert token not in repr(vars(row)) + letter.sealed_text
    ada = factories.make_caller(domain=domain)
    with pytest.raises(InvalidParameter, match="no open invitation"):
        ask(ada, "updateProjectInvitation", projectid=project.uuid, token=token[:-1] + "!")
    with pytest.raises(InvalidParameter, match="no open invitation"):
        ask(ada, "updateProjectInvitation", projectid=project.uuid)
    ask(ada, "updateProjectInvitation", projectid=project.uuid, token=token)
    assert ids(ada, "listProjects") == {project.uuid}
    with pytest.raises(InvalidParameter, match="no open invitation"):
        ask(factories.make_caller(domain=domain), "updateProjectInvitation",
            projectid=project.uuid, token=token)  # fmt: skip


def test_the_token_of_another_domains_account_is_refused(owner, project):
    ask(owner, "addAccountToProject", projectid=project.uuid, email="ada@example.org")
    stranger = factories.make_caller(domain=factories.make_domain())
    with pytest.raises(InvalidParameter, match="for accounts of domain"):
        ask(stranger, "updateProjectInvitation", projectid=project.uuid,
            token=mailed_token(Letter.objects.get()))  # fmt: skip
    assert ProjectInvitation.objects.get().state == "Pending"


def test_whom_to_invite_must_be_said_and_be_an_address(owner, project):
    for given in ({}, {"email": "no address"}):
        with pytest.raises(InvalidParameter):
            ask(owner, "addAccountToProject", projectid=project.uuid, **given)
    assert not Letter.objects.exists()
