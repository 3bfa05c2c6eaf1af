"""Working in a project: its things only, and what is made is made for it."""

import re

import pytest

from accounts.models import Letter, ProjectInvitation
from compute.models import InstanceGroup
from core import vault
from infra.services import configuration
from tests import factories as f

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _settings():
    yield
    configuration.forget()


@pytest.fixture
def owner():
    return f.make_user("owner", domain=f.make_domain("dev"))


@pytest.fixture
def project(owner):
    made = f.make_project(owner.account, name="shop")
    role = made.roles.create(name="reader")
    role.rules.create(rule="list*", allow=True, sort_order=0)
    role.rules.create(rule="*", allow=False, sort_order=1)
    return made


@pytest.fixture
def person(browser_of, owner, project):
    return browser_of(owner)


def work_in(person, project):
    reply = person.post("/scope", {"scope": f"project:{project.uuid}", "next": "/instances"})
    assert reply["Location"] == "/instances"


def test_one_sees_the_things_of_the_project_one_works_in(person, owner, project):
    f.make_instance_group(owner.account, name="own-group")
    f.make_instance_group(project.account, name="shared-group")
    text = person.page("/instancegroups")
    assert "own-group" in text
    assert "shared-group" not in text
    work_in(person, project)
    text = person.page("/instancegroups")
    assert "shared-group" in text
    assert "own-group" not in text
    assert "shop" in re.search(r'id="scope-button".*?</button>', text, re.S)[0]
    person.post("/scope", {"scope": ""})
    assert "own-group" in person.page("/instancegroups")


def test_what_is_made_is_made_for_the_project(person, project):
    work_in(person, project)
    assert "For project shop" in person.page("/do/createInstanceGroup?from=instancegroups")
    person.post("/do/createInstanceGroup?from=instancegroups", {"name": "web"})
    assert InstanceGroup.objects.get(name="web").account == project.account


def test_the_new_instance_page_offers_what_the_project_has(person, owner, project):
    cloud = f.make_cloud()
    f.make_network(owner.account, zone=cloud.zone, name="own-net")
    f.make_network(project.account, zone=cloud.zone, name="shared-net")
    work_in(person, project)
    text = person.page("/instances/new")
    assert "shared-net" in text
    assert "own-net" not in text


def test_a_project_one_is_not_in_is_no_place_to_work(browser_of, owner, project):
    stranger = browser_of(f.make_user("stranger", domain=owner.domain))
    f.make_instance_group(project.account, name="shared-group")
    stranger.post("/scope", {"scope": f"project:{project.uuid}"})
    assert "shared-group" not in stranger.page("/instancegroups")
    stranger.page(f"/projects/{project.uuid}", status=404)


def test_each_tab_of_a_project_is_drawn(person, project):
    f.make_instance_group(project.account)
    url = f"/projects/{project.uuid}"
    tabs = set(re.findall(rf'href="({url}/[a-z]+)"', person.page(url)))
    assert f"{url}/projectmembers" in tabs
    for tab in sorted(tabs):
        assert 'class="alert bad"' not in person.page(tab), tab


def test_members_come_and_go_by_the_pages(person, owner, project):
    late = f.make_account("late", domain=owner.domain)
    url = f"/do/addAccountToProject?from=projects&of={project.uuid}"
    person.post(url, {"account": "late", "roletype": "Regular"})
    member = project.members.get(account=late)
    assert "late" in person.page(f"/projects/{project.uuid}/projectmembers")
    at = f"?from=projectmembers&of={member.uuid}"
    person.post(f"/do/updateProject{at}&as=promote")
    member.refresh_from_db()
    assert member.is_admin
    person.post(f"/do/deleteAccountFromProject{at}")
    assert not project.members.filter(account=late).exists()


def test_rules_of_a_project_role_are_changed_in_place(person, project):
    role = project.roles.get()
    text = person.page(f"/projectroles/{role.uuid}/rules")
    assert f"/projectrules/{role.uuid}" in text
    first = role.rules.first()
    person.post(f"/projectrules/{role.uuid}", {"do": "down", "rule": str(first.uuid)})
    assert [r.rule for r in role.rules.all()] == ["*", "list*"]
    person.post(f"/projectrules/{role.uuid}", {"do": "turn", "rule": str(first.uuid)})
    assert not role.rules.get(rule="list*").allow
    person.post(f"/projectrules/{role.uuid}", {"do": "add", "pattern": "get*",
                                               "permission": "allow"})  # fmt: skip
    person.post(f"/projectrules/{role.uuid}", {"do": "delete", "rule": str(first.uuid)})
    assert [r.rule for r in role.rules.all()] == ["*", "get*"]


def test_a_regular_member_is_offered_no_change_of_rules(browser_of, owner, project):
    member = f.make_user("member", domain=owner.domain)
    project.members.create(account=member.account)
    role = project.roles.get()
    assert "/projectrules/" not in browser_of(member).page(f"/projectroles/{role.uuid}/rules")


def test_what_ones_part_in_the_project_forbids_is_greyed_out(browser_of, owner, project):
    member = f.make_user("member", domain=owner.domain)
    project.members.create(account=member.account, role=project.roles.get())
    shared, own = f.make_volume(project.account), f.make_volume(member.account)
    person, why = browser_of(member), "Your role in project shop does not allow this."
    assert why in person.page(f"/menu/volumes/{shared.uuid}")
    assert why not in person.page(f"/menu/volumes/{own.uuid}")
    assert why not in browser_of(owner).page(f"/menu/volumes/{shared.uuid}")


def test_the_invited_see_it_and_answer(browser_of, person, owner, project):
    configuration.set_value("project.invite.required", "true")
    invited = f.make_user("invited", domain=owner.domain)
    url = f"/do/addUserToProject?from=projects&of={project.uuid}"
    person.post(url, {"username": "invited", "roletype": "Regular"})
    them = browser_of(invited)
    assert "You are invited to join project <b>shop</b>" in them.page("/")
    answer = {"project": str(project.uuid), "answer": "accept"}
    reply = them.post("/projects/invitation/", answer)
    assert reply["Location"] == f"/projects/{project.uuid}"
    assert "You are invited" not in them.page("/")
    assert "You are invited" not in person.page("/")


def test_a_mailed_token_is_answered_on_its_page(browser_of, client, person, owner, project):
    configuration.set_value("user.password.reset.mail.domain.url", "https://cloud.example/")
    url = f"/do/addAccountToProject?from=projects&of={project.uuid}"
    person.post(url, {"email": "ada@example.org", "roletype": "Regular"})
    text = vault.unseal(Letter.objects.get().sealed_text)
    link = re.search(r"https://cloud\.example(/projects/invitation/\S+)", text)[1]
    assert client.get(link)["Location"].startswith("/signin?next=/projects/invitation/")
    ada = browser_of(f.make_user("ada", domain=owner.domain))
    reply = ada.get(link)
    assert reply["Referrer-Policy"] == "same-origin"
    token = re.search(r'name="token" value="([^"]+)"', reply.content.decode())[1]
    given = {"project": str(project.uuid), "token": token}
    wrong = ada.post("/projects/invitation/", {**given, "token": "guess", "answer": "accept"})
    assert wrong.status_code == 422
    assert "no open invitation" in wrong.content.decode()
    ada.post("/projects/invitation/", {**given, "answer": "decline"})
    assert ProjectInvitation.objects.get().state == "Declined"
