"""Each kind of page within reach of administrators, on a phone: no error, nothing cut off, and
nothing offered that is refused."""

from __future__ import annotations

import pytest

from tests.browser.walking import walk


@pytest.fixture
def ruler(portal) -> str:
    """The administrator of a domain with another below it, and somebody in each."""
    north = portal.ask("createDomain", name="north")["domain"]["id"]
    east = portal.ask("createDomain", name="east", parentdomainid=north)["domain"]["id"]
    for name, domain, kind in (("nora", north, "2"), ("tom", north, "0"), ("eva", east, "0")):
        portal.ask(
            "createAccount", username=name, password="a password of hers", firstname=name,
            lastname="North", email=f"{name}@example.org", domainid=domain, accounttype=kind,
        )  # fmt: skip
    return "nora"


def test_the_pages_of_an_administrator(window):
    person = window(width=390, language="zh-CN")
    person.sign_in()
    pages, wrong = walk(person)
    assert wrong == {}
    assert pages > 120


def test_the_pages_of_an_administrator_of_a_domain(window, ruler):
    person = window(width=390, theme="dark")
    person.sign_in(ruler, "a password of hers", "north")
    pages, wrong = walk(person)
    assert wrong == {}
    assert pages > 50
