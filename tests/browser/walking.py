"""Walks the pages from link to link: one of each kind, as a person might come upon them."""

from __future__ import annotations

import re
from collections import deque

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
_LINKS = "() => [...document.querySelectorAll('a[href]')].map(a => a.getAttribute('href'))"
_WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
_EVERYWHERE = re.compile(r"^/\w+/U/(activity|api|comments|details)$")
_PAGE = re.compile(r"/[^?]*$")
#: What is no page, is a form, or is one of hundreds that are drawn alike.
_NOT = re.compile(r"^/(signout|console|api/|client|static|do/|api-reference/|settings/)|\.csv$")


def kind_of(path: str) -> str:
    """What two things of a kind have in common: ``/hosts/U/load``. Tabs that everything has are
    seen once."""
    return _EVERYWHERE.sub(r"\1", _UUID.sub("U", path))


def walk(person, *, deep: int = 3) -> tuple[int, dict[str, list[str]]]:  # noqa: ANN001
    """Opens a page of each kind within reach, forms left out. Answers with their number, and
    with what is wrong, by page."""
    ways, seen, wrong = deque([("/", 0)]), {"/"}, {}
    while ways:
        path, depth = ways.popleft()
        answer = person.page.goto(person.portal.url + path)
        found = _faults(person, answer.status)
        if found:
            wrong[path] = found
        if depth == deep:
            continue
        for link in person.page.evaluate(_LINKS):
            way = link.split("#")[0]
            if _PAGE.match(way) and not _NOT.search(way) and kind_of(way) not in seen:
                seen.add(kind_of(way))
                ways.append((way, depth + 1))
    return len(seen), wrong


def _faults(person, status: int) -> list[str]:  # noqa: ANN001
    """An error of page or server, nothing found, a tab that the reader is refused, or text that
    runs out of the window."""
    found = [*person.faults]
    person.faults.clear()
    if status >= 400:
        found.append(f"answered {status}")
    if person.page.locator(".refused").count():
        found.append("is offered, and then refused")
    over = person.page.evaluate(_WIDER)
    if over > 0:
        found.append(f"{over} px wider than the window")
    return found
