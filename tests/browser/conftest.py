"""Chromium against a live portal. A failed test leaves a picture of each open page."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.browser.portal import PASSWORD, LivePortal

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox", "--headless", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
WAIT_MS = 15_000

pytestmark = pytest.mark.browser


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/browser" in str(item.path):
            item.add_marker(pytest.mark.browser)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item):  # noqa: ANN201
    report = yield
    setattr(item, f"report_{report.when}", report)
    return report


@pytest.fixture(scope="session")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePortal]:
    running = LivePortal(tmp_path_factory.mktemp("portal"))
    yield running
    running.stop()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


class Person:
    """A signed-in browser window, and what went wrong in it."""

    def __init__(self, context: BrowserContext, portal: LivePortal) -> None:
        self.portal = portal
        self.page: Page = context.new_page()
        self.page.set_default_timeout(WAIT_MS)
        self.faults: list[str] = []
        self.page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        self.page.on("console", self._console)
        self.page.on("response", self._response)

    def _console(self, message) -> None:  # noqa: ANN001
        # A refused form is a 422 on purpose; the browser notes every such reply as an error.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.faults.append(f"console: {message.text}")

    def _response(self, response) -> None:  # noqa: ANN001
        if response.status >= 500:
            self.faults.append(f"{response.status} {response.url}")

    def go(self, path: str) -> Page:
        self.page.goto(self.portal.url + path)
        return self.page

    def sign_in(self, username: str = "admin", password: str = PASSWORD, domain: str = "") -> Page:
        self.go("/signin")
        self.page.fill("[name=username]", username)
        self.page.fill("[name=password]", password)
        self.page.fill("[name=domain]", domain)
        self.page.click("button.primary")
        self.page.wait_for_selector(".topbar")
        return self.page


@pytest.fixture
def window(
    chromium: Browser, portal: LivePortal, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Callable[..., Person]]:
    """Opens windows: ``window(width=390, theme="dark", language="zh-CN")``."""
    opened: list[tuple[BrowserContext, Person]] = []

    def make(*, width: int = 1440, theme: str = "light", language: str = "en-GB") -> Person:
        context = chromium.new_context(
            viewport={"width": width, "height": 900 if width > 600 else 844},
            color_scheme=theme, locale=language, timezone_id="Asia/Shanghai",
            has_touch=width < 600,
        )  # fmt: skip
        context.grant_permissions(["clipboard-read", "clipboard-write"], origin=portal.url)
        person = Person(context, portal)
        opened.append((context, person))
        return person

    yield make
    report = getattr(request.node, "report_call", None)
    faults = [fault for _context, person in opened for fault in person.faults]
    if faults or (report is not None and report.failed):
        folder = Path(os.environ.get("CLOUDPORTAL_DATA", tmp_path)) / "test" / "pictures"
        folder.mkdir(parents=True, exist_ok=True)
        name = re.sub(r"[^\w-]+", "-", request.node.name)
        for i, (_context, person) in enumerate(opened):
            person.page.screenshot(path=folder / f"{name}-{i}.png", full_page=True)
        print(f"pictures are in {folder}")
    for context, _person in opened:
        context.close()
    assert faults == []


@pytest.fixture
def admin(window: Callable[..., Person]) -> Person:
    person = window()
    person.sign_in()
    return person
