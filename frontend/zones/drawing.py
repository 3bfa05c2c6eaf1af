"""What the wizard's page shows: each field with its value and what is wrong with it, and each
part with how far it is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from frontend import figures, texts
from frontend.zones import parts
from frontend.zones.fields import KINDS, Field, Group, Kind
from frontend.zones.jobs import seconds_of
from frontend.zones.models import ZoneDraft
from frontend.zones.trial import Problem, place

#: Where a part's result has a page.
_PAGES = {
    "listZones": "zones", "listPods": "pods", "listClusters": "clusters", "listHosts": "hosts",
    "listPhysicalNetworks": "physicalnetworks", "listNetworks": "networks",
    "listStoragePools": "storagepools", "listImageStores": "imagestores",
}  # fmt: skip


@dataclass
class DrawnField:
    """``locked``: what it says has been made; it is changed on that thing's own page."""

    field: Field
    value: str
    error: str = ""
    locked: bool = False

    @property
    def is_on(self) -> bool:
        return self.value == "true"

    @property
    def rows(self) -> int:
        return max(2, self.value.count("\n") + 1)


@dataclass
class DrawnGroup:
    group: Group
    plain: list[DrawnField]
    folded: list[DrawnField]
    error: str = ""

    @property
    def every(self) -> list[DrawnField]:
        return [*self.plain, *self.folded]

    @property
    def is_open(self) -> bool:
        """Something that is folded away is wrong."""
        return any(f.error for f in self.folded)

    @property
    def is_made(self) -> bool:
        return any(f.locked for f in self.every)


@dataclass
class DrawnPart:
    title: str
    state: str  # made, working, waiting, refused, left out
    command: str
    took: str = ""
    url: str = ""


@dataclass
class Drawing:
    """All of a page."""

    draft: ZoneDraft
    kind: Kind
    groups: list[DrawnGroup] = field(default_factory=list)
    parts: list[DrawnPart] = field(default_factory=list)
    refused: str = ""
    details: Any = None
    wrong: int = 0

    @property
    def made(self) -> int:
        return sum(1 for p in self.parts if p.state in ("made", "left out"))

    @property
    def percent(self) -> int:
        return round(100 * self.made / len(self.parts)) if self.parts else 0

    @property
    def verdict(self) -> str:
        if self.wrong:
            return ngettext(
                "%(n)s value has to be mended first.", "%(n)s values have to be mended first.",
                self.wrong,
            ) % {"n": self.wrong}  # fmt: skip
        return _("Every value will do: all of it was tried, and taken back.")


def draw(draft: ZoneDraft, problems: Iterable[Problem] = ()) -> Drawing:
    kind = KINDS[draft.kind]
    found = Drawing(draft, kind)
    wanted = parts.of(draft)
    wrong = list(problems)
    found.wrong = len(wrong)
    if draft.refused and not draft.is_running:
        found.refused = texts.say(draft.refused["message"])
        found.details = draft.refused.get("details")
        part = next((p for p in wanted if p.key == draft.refused["part"]), None)
        if part is not None and not any(p.part == part.key for p in wrong):
            wrong.append(place(kind, part, draft.values, draft.refused["message"]))
    elif draft.job and draft.job.error_text and not draft.is_running:
        found.refused = texts.say(draft.job.error_text)
    locked = {name for p in wanted if draft.entry(p.key) for name in p.at.values()}
    found.groups = [_group(group, draft, wrong, locked) for group in kind.groups]
    found.parts = [_part(part, draft) for part in wanted]
    return found


def _group(group: Group, draft: ZoneDraft, wrong: list[Problem], locked: set[str]) -> DrawnGroup:
    own = [p for p in wrong if p.group == group.key]
    errors = {p.field: p for p in own if p.field}

    def drawn(f: Field) -> DrawnField:
        # Of several hosts some may be there already; more can always be named.
        is_locked = f.name in locked and f.name != "hosts"
        error = _in_words(errors[f.name], f) if f.name in errors else ""
        return DrawnField(f, draft.values.get(f.name, ""), error, is_locked)

    rest = [texts.say(p.message) for p in own if not p.field]
    return DrawnGroup(
        group, [drawn(f) for f in group.plain], [drawn(f) for f in group.folded], " ".join(rest)
    )


def _in_words(problem: Problem, shown: Field) -> str:
    """The refusal; a parameter that it begins with is called as the field is: “DNS server 1”."""
    said = texts.say(problem.message)
    begins = problem.param and re.match(rf"{re.escape(problem.param)}(?![A-Za-z0-9])", said)
    return texts.called(said, problem.param, shown.label) if begins else said


def _part(part: parts.Part, draft: ZoneDraft) -> DrawnPart:
    entry = draft.entry(part.key)
    drawn = DrawnPart(part.title, "waiting", part.command)
    if entry is None:
        if draft.refused.get("part") == part.key and not draft.is_running:
            drawn.state = "refused"
        return drawn
    drawn.state = "made" if entry["ended"] else "working"
    if entry.get("left_out"):
        drawn.state = "left out"
    took = seconds_of(entry)
    drawn.took = figures.duration(took) if took and took >= 1 else ""
    if took is not None and took < 1:
        drawn.took = _("%(n)s ms") % {"n": round(took * 1000)}
    page = _PAGES.get(part.seen)
    if page and entry["id"]:
        drawn.url = f"/{page}/{entry['id']}"
    return drawn
