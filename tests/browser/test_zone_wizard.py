"""Zones built in the wizard: of this machine's real host up to a machine that runs, and of a
simulated host with a wrong value first."""

from __future__ import annotations

import os
import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Person
from tests.browser.portal import LivePortal
from tests.browser.real import RealPortal
from tests.integration.conftest import guest_image  # noqa: F401  (a fixture)
from tests.integration.portal import LabHost, wait_until

BUILT_MS = 120_000


@pytest.fixture
def portal(request, tmp_path_factory):
    """For tests marked libvirt a portal in a host of their own, which is empty; else the
    Simulator's, with its first zone."""
    if request.node.get_closest_marker("libvirt") is None:
        simulated = LivePortal(tmp_path_factory.mktemp("portal"))
        yield simulated
        simulated.stop()
        return
    if os.geteuid() != 0:
        pytest.skip("a host of the tests' own needs root")
    host = LabHost("cpzw")
    host("down")  # what a killed run left
    host("up", "1")
    images = request.getfixturevalue("guest_image").folder
    real = RealPortal(host, images)
    real.start(options=["--no-zone"])
    yield real
    real.stop()
    real.tunnel.close()
    host("down")


def choose(admin: Person, kind: str) -> Page:
    page = admin.go("/zones")
    page.locator(".head .actions a", has_text="New zone").click()
    page.locator("button.kind", has=page.get_by_text(kind, exact=True)).click()
    page.wait_for_selector("#zonewizard form")
    expect(page.locator("#verdict")).to_contain_text("Every value will do")
    return page


def launch(page: Page) -> None:
    page.locator("footer.create button").click()


def finished(page: Page) -> str:
    """The zone's id, once the wizard says that it is ready."""
    page.wait_for_selector("#finished", timeout=BUILT_MS)
    link = page.get_by_role("link", name="Open the zone")
    return link.get_attribute("href").rsplit("/", 1)[1]


def add_template(portal: RealPortal, zone: str) -> None:
    """The tiny guest, through the API: the wizard ends where images begin."""
    client = portal.client()
    client.registerTemplate(
        name="Tiny Linux", displaytext="Tiny Linux", zoneid=zone, format="QCOW2",
        hypervisor="KVM", url=f"file://{portal.data / 'images' / 'tiny.qcow2'}",
        ostypeid=client.listOsTypes()["ostype"][0]["id"], requireshvm=True, ispublic=True,
    )  # fmt: skip
    wait_until(
        lambda: client.listTemplates(templatefilter="executable", zoneid=zone).get("template"),
        "the template is ready",
    )


def run_a_machine(page: Page, zone: str) -> None:
    page.goto(page.url.split("/zones")[0] + f"/instances/new?zoneid={zone}")
    page.locator(".choice", has_text="Tiny Linux").click()
    page.locator(".choice", has_text="Tiny Instance").click()
    page.fill("[name=name]", "web-1")
    page.locator(".create button").click()
    page.wait_for_url(re.compile(r"/instances/[0-9a-f-]{36}$"))
    expect(page.locator("#detail .what .pill")).to_have_text("Running", timeout=60_000)


@pytest.mark.libvirt
def test_a_basic_zone_of_this_machine_runs_a_machine_after_a_wrong_folder(admin):
    page = choose(admin, "Basic")
    assert page.input_value("[name=hosts]") == "http://localhost"
    right = page.input_value("[name=poolurl]")
    page.fill("[name=poolurl]", "file:///proc/nowhere/primary")
    launch(page)

    # No command can know what only the host finds out: it is refused while being built.
    page.wait_for_selector("#refusal", timeout=BUILT_MS)
    expect(page.locator("#e-poolurl")).not_to_be_empty()
    expect(page.locator("[name=podname]")).to_have_attribute("readonly", "")
    admin.go("/zones")
    expect(page.locator(".drafts")).to_contain_text("zone-1")
    page.locator(".drafts a").first.click()
    page.fill("[name=poolurl]", right)
    launch(page)
    zone = finished(page)

    add_template(admin.portal, zone)
    run_a_machine(page, zone)


@pytest.mark.libvirt
def test_an_advanced_zone_of_this_machine_runs_a_machine(admin):
    page = choose(admin, "Advanced")
    launch(page)
    zone = finished(page)
    client = admin.portal.client()
    found = client.listNetworkOfferings(
        name="DefaultIsolatedNetworkOfferingWithSourceNatService", state="Enabled"
    )
    client.createNetwork(
        name="mine", displaytext="mine", zoneid=zone,
        networkofferingid=found["networkoffering"][0]["id"],
    )  # fmt: skip
    add_template(admin.portal, zone)
    run_a_machine(page, zone)


@pytest.mark.libvirt
def test_an_advanced_zone_with_security_groups_runs_a_machine(admin):
    page = choose(admin, "Advanced with security groups")
    launch(page)
    zone = finished(page)
    add_template(admin.portal, zone)
    run_a_machine(page, zone)
    uuid = page.url.rsplit("/", 1)[1]
    (machine,) = admin.portal.client().listVirtualMachines(id=uuid)["virtualmachine"]
    assert [g["name"] for g in machine["securitygroup"]] == ["default"]


def test_a_wrong_value_is_named_where_it_is_typed_mended_and_the_zone_built(admin):
    page = choose(admin, "Advanced")
    right = page.input_value("[name=podstartip]")
    page.fill("[name=podstartip]", "10.9.9.9")
    expect(page.locator("#e-podstartip")).to_contain_text("does not lie in")
    page.fill("[name=name]", "zone-1")  # the first zone's
    expect(page.locator("#e-name")).to_contain_text("already a zone named zone-1")
    expect(page.locator("#verdict")).to_contain_text("2 values")
    launch(page)
    expect(page.locator("#e-name")).to_contain_text("already a zone named zone-1")

    # What was typed is kept: another window, later, shows it again.
    page.goto(page.url)
    assert page.input_value("[name=podstartip]") == "10.9.9.9"
    page.fill("[name=podstartip]", right)
    page.fill("[name=name]", "北京二区")
    expect(page.locator("#verdict")).to_contain_text("Every value will do")
    launch(page)
    zone = finished(page)
    page.get_by_role("link", name="Open the zone").click()
    page.wait_for_url(f"**/zones/{zone}")
    expect(page.locator("#detail h1")).to_have_text("北京二区")


def test_a_zone_that_is_not_wanted_is_discarded(admin):
    page = choose(admin, "Basic")
    url = page.url
    page.locator(".discard summary").click()
    page.locator(".discard button").click()
    page.wait_for_url("**/zones")
    expect(page.locator("#page")).not_to_contain_text("zone-2")
    page.goto(url)
    expect(page.locator("#page")).to_contain_text("was discarded")
