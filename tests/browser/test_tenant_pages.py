"""Every page that a tenant can reach: nothing is cut on a phone, nothing fails, nothing is
left in English where the reader has chosen Chinese."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.browser.portal import PASSWORD
from tests.browser.tenant import DOMAIN, USER, furnish
from tests.browser.walking import walk

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
#: Files, what a click on it would change, and what others test.
_ELSEWHERE = re.compile(
    r"^/(api/schema|signout|counts|client|static|icons|console|scopes|rows)\b|\.csv|/ticket$|/lines$"
    r"|^/api-reference/(?!deployVirtualMachine)"
)
#: Tabs that are the same for every kind of thing.
_SAME = re.compile(r"^/\w+/ID/(api|comments)$")
#: Pages of calls and their fields, which have one language.
_IN_ENGLISH = re.compile(r"^/api-reference|/api$")
MOST = 400

LINKS = """() => [...document.querySelectorAll("a[href], [data-drawer]")].flatMap(
  (e) => [e.getAttribute("href"), e.dataset.drawer]).filter((v) => v && /^[/?]/.test(v))
  .map((v) => (v[0] === "?" ? location.pathname + v : v))"""
MENUS = """async () => {
  const found = [];
  for (const e of document.querySelectorAll("[hx-get^='/menu/']")) {
    const page = await (await fetch(e.getAttribute("hx-get"), {headers: {"HX-Request": "true"}})).text();
    found.push(...page.matchAll(/(?:href|data-drawer)="(\\/[^"]+)"/g).map((m) => m[1].replaceAll("&amp;", "&")));
    break;
  }
  return found;
}"""  # noqa: E501
WIDER = "() => document.scrollingElement.scrollWidth - innerWidth"
TEXTS = """() => {
  const apart = "script, style, noscript, code, pre, kbd, textarea, .mono, [lang=en]";
  const shown = (e) => e && !e.closest(apart) && e.checkVisibility();
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walk.nextNode())
    if (shown(walk.currentNode.parentElement)) found.push(walk.currentNode.textContent);
  for (const name of ["aria-label", "title"])
    for (const e of document.querySelectorAll(`[${name}]`))
      if (shown(e)) found.push(e.getAttribute(name));
  return found.map((t) => t.trim()).filter((t) => /[A-Za-z]{3}/.test(t));
}"""

_WORD = re.compile(r"[A-Za-z][A-Za-z-]*[a-z]{2}[A-Za-z]*")
#: ``user@host.example``, ``enable.user.2fa``, ``.pub``: what has dots is no English.
_DOTTED = re.compile(r"[\w@-]*(\.[\w-]+)+")
#: Names of products, formats and services, and what the API calls things.
_NAMES = {
    "cloudportal", "Terraform", "OpenAPI", "Chrome", "HeadlessChrome", "Linux", "Simulator",
    "Dhcp", "Dns", "UserData", "SourceNat", "SecurityGroup", "cloud-init", "Mozilla", "AppleWebKit",
    "Gecko", "Safari", "like", "python-requests", "WebP", "vCPU", "GiB", "MiB", "KiB", "MHz",
    "GHz", "IPv", "tcp", "udp", "icmp", "http", "https", "Switch", "English", "User", "Admin",
    "admin", "system", "KHTML",
}  # fmt: skip
#: What the network that an installation comes with is described as.
_DESCRIPTIONS = {"Guest network"}


@pytest.fixture(scope="module")
def furnished(portal) -> str:
    furnish(portal.url)
    return portal.url


def _shape(url: str) -> str:
    """What kind of page an address is: one of each is looked at."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    path = _SAME.sub(r"/…/\1", _ID.sub("ID", parts.path))
    if path.startswith("/do/"):
        return f"{path} {query.get('from')} {query.get('as')}"
    return f"{path} {sorted(query)}" if path != "/search" else path


def _pages(page, url: str) -> Iterator[str]:
    """Each kind of page once, found by following links and menus from the overview."""
    waiting, seen = ["/", "/nothing-here", "/hosts", "/search?q=vm", "/tasks", "/why"], set()
    while waiting:
        path = waiting.pop(0).partition("#")[0]
        shape = _shape(path)
        if shape in seen or _ELSEWHERE.search(path) or "sort" in parse_qs(urlsplit(path).query):
            continue
        seen.add(shape)
        assert len(seen) <= MOST, "links without end"
        page.goto(url + path)
        yield path
        waiting += page.evaluate(LINKS) + page.evaluate(MENUS)


def _data(page) -> set[str]:
    """Words in the names that things were given or come with."""
    found = page.evaluate(
        """async () => {
          const kinds = ["serviceofferings", "diskofferings", "networkofferings", "templates",
            "isos", "zones", "networks", "sshkeys", "instances", "volumes"];
          const rows = await Promise.all(kinds.map(async (k) => {
            const answer = await fetch(`/${k}.csv`);
            return answer.ok ? (await answer.text()).split("\\n").slice(1).join("\\n") : "";
          }));
          const systems = await (await fetch("/pick/ostypes")).text();
          return [...rows, systems].join("\\n");
        }"""
    )
    return set(_WORD.findall(found))


def _english(texts: list[str], data: set[str]) -> list[str]:
    known = data | _NAMES
    words = {t: _WORD.findall(_DOTTED.sub("", t)) for t in texts if t not in _DESCRIPTIONS}
    return [t for t, found in words.items() if any(word not in known for word in found)]


def test_every_page_of_a_tenant_in_chinese_on_a_phone(furnished, window):
    person = window(width=390, language="zh-CN", theme="dark")
    page = person.sign_in(USER, PASSWORD, DOMAIN)
    data = _data(page)
    problems: dict[str, list[str]] = {}
    count = 0
    for path in _pages(page, furnished):
        count += 1
        found = [f"{over} px too wide"] if (over := page.evaluate(WIDER)) > 0 else []
        if not _IN_ENGLISH.search(urlsplit(path).path):
            found += _english(page.evaluate(TEXTS), data)
        if found:
            problems[path] = found
    assert count > 120
    assert problems == {}, json.dumps(problems, indent=1, ensure_ascii=False)


def test_the_pages_of_a_tenant_in_english_on_a_phone(furnished, window):
    person = window(width=390)
    person.sign_in(USER, PASSWORD, DOMAIN)
    pages, wrong = walk(person)
    assert wrong == {}
    assert pages > 60
