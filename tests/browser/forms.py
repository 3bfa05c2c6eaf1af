"""The drawer with a form in it, as people use it."""

from __future__ import annotations

from playwright.sync_api import Page, expect


def open_form(page: Page, label: str) -> None:
    page.locator(".head .actions").get_by_text(label, exact=True).click()
    expect(page.locator("#drawer")).to_be_visible()


def submit(page: Page) -> None:
    page.locator("#drawer footer button").click()
    expect(page.locator("#drawer")).to_be_hidden()


def choose(page: Page, field: str, text: str) -> None:
    """In a select, or in the box that stands for a long one."""
    select = page.locator(f"#drawer select[name={field}]")
    if select.is_visible():
        select.select_option(label=text)
        return
    box = page.locator(f"#drawer .combo:has(select[name={field}]) input")
    box.click()
    box.fill(text)
    page.locator("#drawer .combo li", has_text=text).first.click()
