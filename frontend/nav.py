"""The side bar: what there is, grouped as people think, as far as the reader may see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from frontend.reader import Reader
from frontend.sections import GROUPS, PAGES, SECTIONS


@dataclass(frozen=True)
class Link:
    key: str
    title: Any
    icon: str
    url: str


@dataclass(frozen=True)
class Group:
    title: Any
    icon: str
    links: list[Link]
    key: str


def groups_for(reader: Reader) -> list[Group]:
    found = []
    for title, icon, keys in GROUPS:
        links = [link for key in keys if (link := _link(reader, key))]
        if links:
            found.append(Group(title, icon, links, keys[0]))
    return found


def pages_for(reader: Reader) -> list[Link]:
    return [link for group in groups_for(reader) for link in group.links]


def _link(reader: Reader, key: str) -> Link | None:
    section = SECTIONS.get(key)
    if section is not None:
        return Link(key, section.title, section.icon, f"/{key}") if reader.sees(section) else None
    page = PAGES[key]
    if (page.admin and not reader.is_admin) or (page.needs and not reader.may(page.needs)):
        return None
    return Link(key, page.title, page.icon, page.url)


#: What a thumb reaches on a phone.
THUMB = ("overview", "instances", "volumes", "networks", "events")


def thumb_links(reader: Reader) -> list[Link]:
    return [link for key in THUMB if (link := _link(reader, key))]
