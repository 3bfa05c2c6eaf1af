"""Whether the values would do: every command is run and all of it is taken back.

So what is checked as one types is what the commands check when the zone is built, and a rule
that a service learns is known here as well. Hosts are not asked; nothing is left behind.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.db import OperationalError, transaction

from accounts.caller import Caller
from api.dispatch import Outcome, execute
from core.errors import CloudError
from frontend.zones import defaults, parts
from frontend.zones.fields import KINDS, Kind, Values
from frontend.zones.models import ZoneDraft


@dataclass(frozen=True)
class Problem:
    """A refusal, and where on the page it belongs. ``field`` is "" when none is to blame
    alone."""

    part: str
    group: str
    field: str
    message: str
    param: str = ""  # what the command calls the field


def problems(caller: Caller, draft: ZoneDraft) -> list[Problem]:
    """In the order of the page; empty: it can be built, as far as can be known before."""
    kind = KINDS[draft.kind]
    needed = list(_needed(kind, draft))
    try:
        return needed + _tried(caller, kind, draft, {p.field for p in needed})
    except OperationalError:  # somebody holds what would be locked; it is asked again soon
        return needed


def _needed(kind: Kind, draft: ZoneDraft) -> list[Problem]:
    return [
        Problem("", group.key, f.name, "This is needed.")
        for group in kind.groups
        for f in group.fields
        if f.required and not draft.values.get(f.name, "").strip()
    ]


def _tried(caller: Caller, kind: Kind, draft: ZoneDraft, empty: set[str]) -> list[Problem]:
    found: list[Problem] = []
    values = dict(draft.values)  # parts read it again whenever they are tried
    site = parts.Site(caller, values, dict(draft.ids))
    with transaction.atomic():
        for part in parts.parts(kind, values):
            if part.key not in site.ids and not empty & set(part.at.values()):
                found += _try(kind, site, part, values)
        transaction.set_rollback(True)
    return found


def _try(kind: Kind, site: parts.Site, part: parts.Part, values: dict[str, str]) -> list[Problem]:
    """What is wrong with one part. A value that is blamed gives way to one that will do, so
    that the others, and what is built on this part, are tried as well."""
    found: dict[str, Problem] = {}
    while True:
        try:
            site.ids[part.key] = made(execute(site.caller, part.command, part.params(site)))
        except CloudError as error:
            problem = place(kind, part, values, error.message)
            if problem.field in found or error.message in {p.message for p in found.values()}:
                break
            found[problem.field] = problem
            if not problem.field:
                break
            values[problem.field] = defaults.values(kind).get(problem.field, "")
        except (parts.Missing, parts.NotHere):
            break
        else:
            break
    return list(found.values())


def made(outcome: Outcome) -> str:
    """The id of what a command made, or ""."""
    record = outcome.records[0] if outcome.records else outcome.record()
    return str(record.get("id", ""))


def place(kind: Kind, part: parts.Part, values: Values, message: str) -> Problem:
    """At the field whose value the message quotes, or whose parameter it names."""
    known = {f.name for f in kind.fields}
    words = set(re.findall(r"[^\s“”,;]+", message))
    words |= {word.rstrip(".:") for word in words}

    def blame(param: str, name: str) -> int:
        value = values.get(name, "").strip()
        told = value.partition("://")[2] or value  # hosts speak of folders, not of addresses
        said = value in words or (len(told) > 5 and told in message)
        return 4 * (f"“{value}”" in message) + 2 * said + (param in words)

    blamed = {name: blame(param, name) for param, name in part.at.items() if name in known}
    chosen = max(blamed, key=lambda name: blamed[name], default="")
    if not blamed.get(chosen):  # what only a host can find out is about an address of its
        chosen = part.at.get("url", "")
    param = next((p for p, name in part.at.items() if name == chosen), "")
    return Problem(part.key, group_of(kind, chosen) or part.group, chosen, message, param)


def group_of(kind: Kind, field: str) -> str:
    return next((g.key for g in kind.groups if field in {f.name for f in g.fields}), "")
