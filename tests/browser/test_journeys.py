"""Whole journeys, as people make them."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.forms import choose, open_form, submit
from tests.browser.portal import PASSWORD


def make_tenant(page: Page, portal: str, domain: str, account: str, user: str) -> None:
    page.goto(f"{portal}/domains")
    open_form(page, "New domain")
    page.fill("#drawer [name=name]", domain)
    submit(page)
    expect(page.locator("h1")).to_have_text(domain)
    page.goto(f"{portal}/accounts")
    open_form(page, "New account")
    page.fill("#drawer [name=account]", account)
    choose(page, "domainid", domain)
    choose(page, "roleid", "User")
    for name, value in {
        "username": user, "password": PASSWORD, "firstname": "雷", "lastname": "李",
        "email": "li@example.com",
    }.items():  # fmt: skip
        page.fill(f"#drawer [name={name}]", value)
    submit(page)
    expect(page.locator("h1")).to_have_text(account)


def test_an_administrator_makes_a_tenant_who_makes_a_machine(admin, window):
    url = admin.portal.url
    make_tenant(admin.page, url, "研发部", "平台组", "李雷")
    expect(admin.page.locator("#detail")).to_contain_text("研发部")

    person = window(language="zh-CN")
    page = person.sign_in("李雷", PASSWORD, "研发部")
    expect(page.locator(".where")).to_contain_text("平台组")
    page.click("a[href='/instances']")
    expect(page.locator(".empty h2")).to_have_text("还没有实例")
    page.locator(".empty a.primary").click()
    expect(page.locator("#summary")).to_contain_text("创建后的用量")
    page.fill("[name=name]", "web-01")
    page.locator(".create button").click()
    page.wait_for_url(re.compile(r"/instances/[0-9a-f-]{36}$"))
    # The page follows by itself what the job does.
    expect(page.locator("#detail .what .pill")).to_have_text("运行中")
    page.locator("nav.tabs").get_by_text("活动记录").click()
    expect(page.locator(".timeline")).to_contain_text("新建实例")
    page.locator(".timeline summary").first.click()
    expect(page.locator(".steps .step").first).to_contain_text("完成")

    # The administrator sees it; the tenant sees nothing of the house.
    admin.go("/instances?q=web-01")
    expect(admin.page.locator("tbody tr")).to_have_count(1)
    expect(page.locator(".sidebar a[href='/hosts']")).to_have_count(0)


def deploy(page: Page, portal: str, name: str) -> str:
    page.goto(f"{portal}/instances/new")
    page.fill("[name=name]", name)
    page.locator(".create button").click()
    page.wait_for_url(re.compile(r"/instances/[0-9a-f-]{36}$"))
    expect(page.locator("#detail .what .pill")).to_have_text("Running")
    return page.url.rsplit("/", 1)[1]


def test_a_list_follows_what_happens_elsewhere(admin, window):
    deploy(admin.page, admin.portal.url, "follow-1")
    watcher = window()
    page = watcher.sign_in()
    watcher.go("/instances")
    row = page.locator("tbody tr", has_text="follow-1")
    expect(row.locator(".pill")).to_have_text("Running")

    admin.page.get_by_role("button", name="Actions").click()
    admin.page.locator(".menu:popover-open a.item", has_text="Stop").click()
    admin.page.locator("#drawer footer button").click()
    expect(admin.page.locator("#detail .what .pill")).to_have_text("Stopped")
    expect(row.locator(".pill")).to_have_text("Stopped")

    page.click("#tasks-button")
    watcher_tray = page.locator("#tasks")
    expect(watcher_tray).to_contain_text("follow-1")


def test_several_are_stopped_at_once_with_a_result_each(admin):
    page, url = admin.page, admin.portal.url
    for name in ("bulk-1", "bulk-2"):
        deploy(page, url, name)
    admin.go("/instances?keyword=bulk-")
    page.locator("[data-select-all]").check()
    expect(page.locator(".bulkbar [data-selected]")).to_have_text("2 selected")
    page.locator(".bulkbar").get_by_text("Stop", exact=True).click()
    expect(page.locator("#drawer h2")).to_have_text("Stop 2 instances")
    page.locator("#drawer footer button").click()
    expect(page.locator(".results li")).to_have_count(2)
    page.locator("#drawer footer a").click()
    expect(page.locator("tbody .pill", has_text="Stopped")).to_have_count(2)


def test_a_refusal_keeps_what_was_typed(admin):
    page = admin.page
    admin.go("/domains")
    open_form(page, "New domain")
    page.locator("#drawer footer button").click()
    expect(page.locator("#drawer .error")).to_have_text("This is needed.")
    page.fill("#drawer [name=name]", "twice")
    submit(page)
    admin.go("/domains")
    open_form(page, "New domain")
    page.fill("#drawer [name=name]", "twice")
    page.fill("#drawer [name=networkdomain]", "kept.example")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#drawer .alert")).to_be_visible()
    expect(page.locator("#drawer [name=networkdomain]")).to_have_value("kept.example")
    page.keyboard.press("Escape")
    expect(page.locator("#drawer")).to_be_hidden()


def test_the_palette_finds_pages_things_and_verbs_by_keyboard_alone(admin):
    page, url = admin.page, admin.portal.url
    uuid = deploy(page, url, "find-me")
    admin.go("/")
    page.keyboard.press("Control+k")
    page.keyboard.type("global set")
    expect(page.locator("#palette .hit").first).to_contain_text("Global settings")
    page.keyboard.press("Enter")
    page.wait_for_url("**/settings")
    page.keyboard.press("Control+k")
    page.keyboard.type("find-me")
    expect(page.locator("#palette .hit", has_text="find-me").first).to_be_visible()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/instances/{uuid}")
    page.keyboard.press("Control+k")
    page.keyboard.type("stop find-me")
    expect(page.locator("#palette .hit").first).to_contain_text("Stop find-me")
    page.keyboard.press("Enter")
    expect(page.locator("#drawer h2")).to_have_text("Stop: find-me")


def test_language_theme_and_density_change_at_once_and_stay(admin):
    page = admin.page
    page.get_by_role("button", name="Appearance").click()
    page.get_by_role("button", name="Dark", exact=True).click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.get_by_role("button", name="Roomy").click()
    expect(page.locator("html")).to_have_attribute("data-density", "roomy")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="切换到简体中文").click()
    expect(page.locator(".sidebar")).to_contain_text("实例")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.get_by_role("button", name="Switch to English").click()
    expect(page.locator(".sidebar")).to_contain_text("Instances")
    page.get_by_role("button", name="Appearance").click()
    page.get_by_role("button", name="As the system").click()
    page.get_by_role("button", name="Dense").click()


def test_times_are_in_the_readers_zone(admin):
    page = admin.page
    deploy(page, admin.portal.url, "timed")
    stamp = page.locator("#detail time[data-time=full]").first
    utc = stamp.get_attribute("datetime")
    shown = stamp.inner_text()
    hour = (int(utc[11:13]) + 8) % 24
    assert re.search(rf"\b{hour:02}:|\b{hour % 12 or 12}:", shown), (utc, shown)


def test_signing_out_elsewhere_ends_this_window_too(admin, window):
    page = admin.page
    expect(page.locator("#offline")).to_be_hidden()
    page.wait_for_timeout(500)  # the socket is open by then
    page.evaluate("() => fetch('/tasks')")
    token = next(c for c in page.context.cookies() if c["name"] == "JSESSIONID")
    other = window()
    other.page.context.add_cookies([token])
    other.go("/")
    other.page.locator(".person").click()
    other.page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/signin**")


def test_a_new_password_is_chosen_by_a_link(admin, window):
    """Only a browser shows whether the form gets through: it decides on Origin and Referer."""
    portal = admin.portal
    settings = {
        "user.password.reset.enabled": "true", "alert.smtp.host": "127.0.0.1",
        "user.password.reset.mail.domain.url": portal.url, "alert.email.sender": "a@example.org",
    }  # fmt: skip
    for name, value in settings.items():
        portal.ask("updateConfiguration", name=name, value=value)
    page = window().go("/forgotten/new?username=admin&domain=ROOT&token=guess")
    page.fill("[name=password]", "another")
    page.fill("[name=again]", "another")
    with page.expect_response("**/forgotten/new") as answered:
        page.get_by_role("button", name="Set the password").click()
    assert answered.value.status == 422
    expect(page.locator(".alert")).to_contain_text("The link is wrong")


def test_a_phone_reaches_everything(window):
    person = window(width=390)
    page = person.sign_in()
    expect(page.locator(".sidebar")).not_to_be_visible()
    page.locator(".thumbbar").get_by_text("Instances").click()
    expect(page.locator("h1")).to_have_text("Instances")
    page.locator("[data-open-nav]").click()
    page.locator(".sidebar").get_by_text("Global settings").click()
    expect(page.locator("h1")).to_have_text("Global settings")
    for path in ("/", "/instances", "/instances/new", "/hosts", "/settings", "/infrastructure"):
        person.go(path)
        over = page.evaluate(
            "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert over <= 0, f"{path} is {over} px wider than the phone"


def test_a_console_stays_open_while_one_goes_elsewhere(admin):
    page = admin.page
    deploy(page, admin.portal.url, "console-1")
    page.get_by_role("link", name="Console", exact=True).first.click()
    expect(page.locator("#dock .dock-tab")).to_contain_text("console-1")
    frame = page.frame_locator("#dock iframe")
    expect(frame.locator("#state")).to_be_visible()
    page.locator(".sidebar a[href='/volumes']").click()
    expect(page.locator("h1")).to_have_text("Volumes")
    expect(page.locator("#dock .dock-tab")).to_have_count(1)
    page.locator("#dock .dock-tab button", has_text="×").click()
    expect(page.locator("#dock")).to_be_hidden()
    # The simulator has no screen: the page says that it tries again, and goes on trying.
    expected = ("console/ws", "Failed when connecting")
    admin.faults = [f for f in admin.faults if not any(words in f for words in expected)]
