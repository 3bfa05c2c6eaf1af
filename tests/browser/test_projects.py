"""The life of a project through the pages: who makes it, who is invited, by account and by
e-mail, what they may do in it, and how it ends."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Person
from tests.browser.forms import choose, open_form, submit
from tests.browser.portal import PASSWORD, LivePortal
from tests.integration.post import Sink, post_office

_OWN = secrets.token_hex(3)  # others use the portal too
DOMAIN, MACHINE = f"shops-{_OWN}", f"web-{_OWN}"
MAILED_S = 30
DONE_MS = 30_000


@pytest.fixture
def sink(portal: LivePortal) -> Iterator[Sink]:
    """Where invitations go; they must be accepted."""
    with post_office() as (sink, port):
        settings = {
            "project.smtp.host": "127.0.0.1", "project.smtp.port": str(port),
            "project.email.sender": "projects@example.org", "project.invite.required": "true",
            "user.password.reset.mail.domain.url": portal.url,
        }  # fmt: skip
        for name, value in settings.items():
            portal.ask("updateConfiguration", name=name, value=value)
        yield sink
        for name in settings:
            portal.ask("resetConfiguration", name=name)


@pytest.fixture
def people(portal: LivePortal, window) -> dict[str, Person]:  # noqa: ANN001
    """Amy, Ben and Cho, each with an account and a window of their own."""
    domain = portal.ask("createDomain", name=DOMAIN)["domain"]["id"]
    found = {}
    for name in ("amy", "ben", "cho"):
        portal.ask(
            "createAccount", account=name, username=name, password=PASSWORD, accounttype="0",
            domainid=domain, firstname=name, lastname="X", email=f"{name}@example.org",
        )  # fmt: skip
        found[name] = window()
    for name in ("amy", "ben"):
        found[name].sign_in(name, PASSWORD, DOMAIN)
    return found


def menu(page: Page) -> Locator:
    """What can be done to the thing on the page."""
    page.get_by_role("button", name="Actions").first.click()
    return page.locator("#actions-menu")


def act(page: Page, label: str) -> None:
    """Something that asks first."""
    menu(page).get_by_text(label, exact=True).click()
    expect(page.locator("#drawer")).to_be_visible()


def pill(page: Page, text: str) -> None:
    expect(page.locator("#detail .what .pill")).to_have_text(text, timeout=DONE_MS)


def work_in(page: Page, project: str) -> None:
    page.locator("#scope-button").click()
    page.locator("#scope-menu button", has_text=project).click()
    expect(page.locator("#scope-button")).to_contain_text(project)


def create_instance(person: Person, name: str) -> Page:
    page = person.go("/instances/new")
    page.fill("[name=name]", name)
    page.locator(".create button").click()
    return page


def make_project(amy: Person) -> str:
    """With a role whose members stop no machine. Returns the page's path."""
    page = amy.go("/projects")
    open_form(page, "New project")
    page.fill("#drawer [name=name]", "shop")
    submit(page)
    expect(page.locator("h1")).to_have_text("shop")
    path = page.url.removeprefix(amy.portal.url)
    act(page, "New role")
    page.fill("#drawer [name=name]", "no stopping")
    submit(page)
    amy.go(f"{path}/projectroles")
    page.get_by_role("link", name="no stopping").click()
    page.locator("nav.tabs").get_by_text("Rules").click()
    page.fill("[name=pattern]", "stop*")
    page.select_option("[name=permission]", "deny")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("table.rules")).to_contain_text("stop*")
    return path


def invite(amy: Person, project: str) -> None:
    """Ben by his account, somebody by an address."""
    page = amy.go(project)
    act(page, "Add an account")
    page.fill("#drawer [name=account]", "ben")
    choose(page, "projectroleid", "no stopping")
    submit(page)
    amy.go(project)
    act(page, "Add an account")
    page.fill("#drawer [name=email]", "cho@example.org")
    submit(page)
    amy.go(f"{project}/projectinvitations")
    expect(page.locator("tbody tr", has_text="ben")).to_contain_text("Waiting")
    expect(page.locator("tbody tr", has_text="cho@example.org")).to_contain_text("Waiting")


def accept_in_the_page(ben: Person) -> None:
    page = ben.go("/")
    expect(page.locator(".invitation")).to_contain_text("You are invited to join project shop")
    page.get_by_role("button", name="Accept").click()
    expect(page.locator("h1")).to_have_text("shop")


def accept_by_the_letter(cho: Person, sink: Sink) -> None:
    text = sink.text(within_s=MAILED_S)
    assert sink.taken[0].mail_from == "projects@example.org"
    assert sink.taken[0].rcpt_tos == ["cho@example.org"]
    link = re.search(r"http://\S+/projects/invitation/\S+", text)[0]
    page = cho.go(link.removeprefix(cho.portal.url))
    page.fill("[name=username]", "cho")
    page.fill("[name=password]", PASSWORD)
    page.fill("[name=domain]", DOMAIN)
    page.click("button.primary")
    page.get_by_role("button", name="Accept and join").click()
    expect(page.locator("h1")).to_have_text("shop")
    page.goto(link)
    page.get_by_role("button", name="Accept and join").click()
    expect(page.locator("[role=alert]")).to_contain_text("There is no open invitation")


def deploy_and_be_kept_from_stopping(ben: Person) -> str:
    work_in(ben.go("/"), "shop")
    page = create_instance(ben, MACHINE)
    page.wait_for_url(re.compile(r"/instances/[0-9a-f-]{36}$"))
    pill(page, "Running")
    machine = page.url.removeprefix(ben.portal.url)
    why = "Your role in project shop does not allow this."
    expect(menu(page).locator("button", has_text=why)).to_contain_text("Stop")
    # Who asks all the same is told so by the command.
    ben.go(f"/do/stopVirtualMachine?from=instances&of={machine.rsplit('/', 1)[1]}&as=")
    page.locator("form[data-form] footer button").click()
    expect(page.locator("[role=alert]")).to_contain_text(
        "Your role in project shop does not allow stopVirtualMachine"
    )
    return machine


def limit(admin: Person, ben: Person, project: str) -> None:
    """One machine and no more: the administrator says so, and Ben is told."""
    page = admin.go(f"{project}/limits")
    row = page.locator("table.limits tbody tr", has_text="Instances").first
    expect(row).to_contain_text("20")
    row.get_by_text("Change").click()
    page.fill("#drawer [name=max]", "1")
    submit(page)
    page = create_instance(ben, f"{MACHINE}-2")
    expect(page.locator(".alert.bad").first).to_contain_text("Project shop has a limit of 1")


def suspend(amy: Person, ben: Person, project: str, machine: str) -> None:
    page = amy.go(project)
    act(page, "Suspend")
    page.locator("#drawer footer button").click()
    pill(page, "Suspended")
    page = ben.go(machine)
    pill(page, "Stopped")
    menu(page).get_by_text("Start", exact=True).click()
    expect(page.locator("#drawer [role=alert]")).to_contain_text("Project shop is suspended")
    page.keyboard.press("Escape")


def activate(amy: Person, project: str) -> None:
    page = amy.go(project)
    menu(page).get_by_text("Activate", exact=True).click()
    pill(page, "Active")


def take_out(amy: Person, ben: Person, project: str, machine: str) -> None:
    page = amy.go(f"{project}/projectmembers")
    row = page.locator("tbody tr", has_text="ben")
    row.get_by_role("button", name="Actions").click()
    page.locator(".menu:popover-open").get_by_text("Take out of the project").click()
    submit(page)
    expect(row).to_have_count(0)
    assert ben.page.goto(ben.portal.url + machine).status == 404
    page = ben.go("/instances")
    expect(page.locator(".where")).to_contain_text("ben")
    expect(page.get_by_text(MACHINE)).to_have_count(0)


def delete(amy: Person, project: str) -> None:
    page = amy.go(project)
    act(page, "Delete")
    page.locator("#drawer [name=cleanup][type=checkbox]").check()
    page.locator("#drawer footer button").click()
    end = time.monotonic() + 30
    while amy.portal.ask("listProjects", id=project.rsplit("/", 1)[1]):
        assert time.monotonic() < end, "the project is still there"
        time.sleep(0.2)
    domain = amy.portal.ask("listDomains", name=DOMAIN, listall="true")["domain"][0]["id"]
    for command in ("listVirtualMachines", "listVolumes", "listNetworks"):
        assert amy.portal.ask(command, projectid="-1", domainid=domain) == {}
    page = amy.go("/projects")
    expect(page.get_by_text("shop", exact=True)).to_have_count(0)


def test_the_life_of_a_project(admin, people, sink):
    amy, ben, cho = people["amy"], people["ben"], people["cho"]
    project = make_project(amy)
    invite(amy, project)
    accept_in_the_page(ben)
    machine = deploy_and_be_kept_from_stopping(ben)
    work_in(amy.go("/"), "shop")
    expect(amy.go("/instances").locator("tbody tr")).to_contain_text(MACHINE)
    limit(admin, ben, project)
    suspend(amy, ben, project, machine)
    activate(amy, project)
    accept_by_the_letter(cho, sink)
    take_out(amy, ben, project, machine)
    delete(amy, project)
