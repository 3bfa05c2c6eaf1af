"""axe-core finds nothing serious, and no page is cut, in both languages, themes and widths."""

from __future__ import annotations

import json

import pytest

from tests.browser.portal import REPOSITORY

AXE = REPOSITORY / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
PAGES = [
    "/", "/instances", "/instances/new", "/volumes", "/templates", "/networks", "/accounts",
    "/hosts", "/zones", "/zones/wizard", "/physicalnetworks", "/publicranges", "/publicips",
    "/guestvlans", "/regions", "/dedicated", "/systemvms", "/routers",
    "/events", "/jobs", "/infrastructure", "/settings", "/attention",
    "/api-reference/listZones", "/do/createAccount?from=accounts",
]  # fmt: skip
DRESSES = [("light", "en-GB", 1440), ("dark", "zh-CN", 1440), ("light", "zh-CN", 390)]
WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


def violations(page) -> list[str]:  # noqa: ANN001
    page.evaluate(AXE.read_text())  # past the policy, which forbids scripts of others
    found = page.evaluate(
        "(tags) => axe.run(document, {runOnly: {type: 'tag', values: tags}})", RULES
    )
    return [
        f"{v['impact']} {v['id']}: {node['target']} {node['failureSummary']}"
        for v in found["violations"]
        if v["impact"] in ("serious", "critical")
        for node in v["nodes"][:3]
    ]


def _inside(person) -> list[tuple[str, str]]:  # noqa: ANN001
    """Pages of things: a zone's checklist and load, a physical network's providers, the zone
    wizard with a value that is wrong."""
    page = person.go("/physicalnetworks")
    wires = page.locator("#list a.name").first.get_attribute("href")
    page = person.go("/zones")
    zone = page.locator("#list a.name").first.get_attribute("href")
    person.go("/zones/wizard")
    page.locator("button.kind").nth(1).click()
    page.wait_for_selector("#zonewizard form")
    page.fill("[name=dns1]", "nonsense")
    page.wait_for_selector("#e-dns1:not(:empty)")
    wizard = page.url.removeprefix(person.portal.url)
    return [
        ("the wizard", wizard), ("a zone", zone), ("its load", f"{zone}/load"),
        ("to whom it is dedicated", f"{zone}/dedicated"), ("providers", f"{wires}/providers"),
        ("traffic", f"{wires}/traffictypes"),
    ]  # fmt: skip


@pytest.mark.parametrize("theme, language, width", DRESSES)
def test_pages_are_accessible_and_fit(window, theme, language, width):
    person = window(theme=theme, language=language, width=width)
    page = person.go("/signin")
    problems = {"/signin": violations(page)}
    person.sign_in()
    for path in PAGES:
        person.go(path)
        problems[path] = violations(page)
        over = page.evaluate(WIDER)
        if over > 0:
            problems[path].append(f"{over} px wider than the window")
    for name, path in _inside(person):
        person.go(path)
        problems[name] = violations(page)
        over = page.evaluate(WIDER)
        if over > 0:
            problems[name].append(f"{over} px wider than the window")
    bad = {path: found for path, found in problems.items() if found}
    assert bad == {}, json.dumps(bad, indent=1, ensure_ascii=False)


def test_the_drawer_the_menus_and_the_palette_are_accessible(admin):
    page = admin.page
    admin.go("/volumes")
    page.locator(".head .actions a").first.click()
    page.wait_for_selector("#drawer[open] form")
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.keyboard.type("zo")
    page.wait_for_selector("#palette .hit")
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.locator("#tasks-button").click()
    page.wait_for_selector("#tasks .tasks-head")
    assert violations(page) == []
