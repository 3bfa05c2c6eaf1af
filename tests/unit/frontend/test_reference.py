"""The API page: what one may call, tried with one's own rights."""

import json
import subprocess

import pytest

from accounts.models import Domain
from core.commands import COMMANDS
from frontend import equivalents
from frontend.views.reference import entries
from tests.factories import admin as first_administrator
from tests.unit.frontend.conftest import Browser

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(administrator):
    return administrator


@pytest.fixture
def user(tenant):
    return tenant


def test_it_lists_what_the_role_may_use(admin, user):
    mine, theirs = user.get("/api-reference"), admin.get("/api-reference")
    assert b"createZone" in theirs.content
    assert b"createZone" not in mine.content
    assert user.get("/api-reference/createZone").status_code == 404
    assert user.post("/api-reference/createZone/call", {"name": "z"}).status_code == 404


@pytest.mark.parametrize("words, found", [("keypair public", "registerSSHKeyPair"),
                                          ("templatefilter", "listTemplates")])  # fmt: skip
def test_it_is_searched_by_name_meaning_and_parameter(user, words, found):
    page = user.get("/api-reference", {"q": words}, headers={"HX-Request": "true"})
    assert found in page.content.decode()
    assert "stopVirtualMachine" not in page.content.decode()


def test_every_command_has_a_page_with_all_its_parameters(admin):
    for name in sorted(n for n, c in COMMANDS.items() if not c.anonymous):
        text = admin.page(f"/api-reference/{name}")
        missing = [p.name for p in COMMANDS[name].params if f'name="{p.name}"' not in text]
        assert not missing, name


def test_a_call_is_made_and_its_reply_shown(admin):
    page = admin.post("/api-reference/createDomain/call", {"name": "tried"})
    assert page.status_code == 200
    shown = page.context["answer"]
    assert shown.status == 200
    assert json.loads(shown.text)["createdomainresponse"]["domain"]["name"] == "tried"
    assert Domain.objects.filter(name="tried").exists()


def test_a_dry_run_changes_nothing(admin):
    page = admin.post("/api-reference/createDomain/call", {"name": "tried", "dryrun": "true"})
    assert page.context["answer"].is_trial
    assert not Domain.objects.filter(name="tried").exists()


def test_a_refusal_is_shown_as_programs_see_it(admin):
    page = admin.post("/api-reference/createDomain/call", {"name": "a/b"})
    shown = page.context["answer"]
    assert shown.status == json.loads(shown.text)["errorcode"] == 431


def test_a_call_needs_the_token_of_the_page(db):
    forged = Browser(first_administrator())
    forged.handler.enforce_csrf_checks = True
    assert forged.post("/api-reference/createDomain/call", {"name": "tried"}).status_code == 403
    assert not Domain.objects.filter(name="tried").exists()


def test_the_lines_follow_the_form(admin):
    page = admin.post("/api-reference/createTags/lines", {
        "resourceids": "a", "resourcetype": "UserVm", "tags": "key=env, value=prod",
    })  # fmt: skip
    text = page.content.decode().replace("&#x27;", "'")
    assert "cs createTags resourceids=a resourcetype=UserVm tags[0].key=env" in text
    assert "--data-urlencode &#x27;tags[0].value=prod" in page.content.decode()


def test_a_map_is_written_one_entry_to_a_line():
    assert entries("key=a, value=b\r\n\nkey=c,value=d=e") == [
        {"key": "a", "value": "b"}, {"key": "c", "value": "d=e"},
    ]  # fmt: skip


def test_the_curl_line_is_one_that_a_shell_reads():
    text = equivalents.curl("createDomain", {"name": "it's a name"}, "https://cloud.example/")
    _login, line = text.split("\n")
    found = subprocess.run(
        ["bash", "-c", line.replace("curl ", "printf '%s\\n' ", 1).replace("jar)", "/dev/null)")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "name=it's a name" in found.stdout.splitlines()
    assert found.stdout.splitlines()[-1] == "https://cloud.example/client/api"
