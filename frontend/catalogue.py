"""Every text that a page can show, collected from where it is written.

Three sources: templates and calls of gettext (as anywhere), what is *declared* (help of
commands and their parameters, choices, settings), and what is *said*: messages of refusals,
titles of steps, notes of jobs, descriptions of events and alerts. What is said is found in the
syntax tree; a thing filled in becomes ``{0}``, ``{1}`` …. ``manage.py texts`` writes the list
into the catalogue; a test fails when one of them has no translation.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.utils.translation.template import templatize

from core.commands import COMMANDS
from core.config import SETTINGS
from frontend.texts import CONTEXT
from infra.services import setting_records

#: (context or None, message, plural or None)
Entry = tuple[str | None, str, str | None]

_PACKAGES = (
    "core", "accounts", "jobs", "infra", "network", "storage", "compute", "consoleproxy", "api",
)  # fmt: skip
_GETTEXT = {"_", "gettext", "gettext_lazy"}
_CONTEXT = {"pgettext", "pgettext_lazy"}
_PLURAL = {"ngettext", "ngettext_lazy"}
_CALL = re.compile(
    r"""\b(?P<name>n?p?gettext|_)\(\s*u?(?P<a>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
    r"""(?:\s*,\s*u?(?P<b>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"))?""",
    re.S,
)


def every() -> list[Entry]:
    """All entries, each once, in a steady order."""
    found: dict[Entry, None] = {}
    for source in (_templates(), _python(), _declared(), _said()):
        for entry in source:
            if entry[1].strip():
                found[entry] = None
    # What is declared may be said as well; once is enough, ``say`` looks there too.
    twice = {e for e in found if e[0] == CONTEXT and (None, e[1], None) in found}
    return sorted(set(found) - twice, key=lambda e: (e[0] or "", e[1]))


def _templates() -> Iterator[Entry]:
    root = settings.BASE_DIR / "frontend" / "templates"
    for path in sorted(root.rglob("*.html")):
        for call in _CALL.finditer(templatize(path.read_text())):
            first = ast.literal_eval(call["a"])
            second = ast.literal_eval(call["b"]) if call["b"] else None
            if call["name"] == "pgettext" and second:
                yield (first, second, None)
            else:
                yield (None, first, second if call["name"] == "ngettext" else None)


def _python() -> Iterator[Entry]:
    for path in sorted((settings.BASE_DIR / "frontend").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            texts = [a.value for a in node.args if isinstance(a, ast.Constant)]
            if node.func.id in _GETTEXT and texts and isinstance(texts[0], str):
                yield (None, texts[0], None)
            elif node.func.id in _PLURAL and len(texts) >= 2:
                yield (None, texts[0], texts[1])
            elif node.func.id in _CONTEXT and len(texts) >= 2:
                yield (texts[0], texts[1], None)


def _declared() -> Iterator[Entry]:
    for command in COMMANDS.values():
        yield (None, command.help.replace("\n", " "), None)
        for param in command.params:
            yield (None, param.help, None)
    for setting in SETTINGS.values():
        yield (None, setting.help, None)
        yield (None, setting.category, None)
        yield (None, setting.unit, None)
        for scope in setting.scopes:
            yield (None, str(scope), None)
    for group in setting_records.groups():
        yield (None, group["name"], None)
        for below in group["subgroup"]:
            yield (None, below["name"], None)


# -- what is said ----------------------------------------------------------------------------

#: Modules whose shorter texts, too, end up inside sentences (reasons, checks, cures).
_FRAGMENTS = (
    "accounts/services/bootstrap.py", "accounts/services/roles.py", "agent/images/inspector.py",
    "agent/drivers/libvirt/preflight.py", "agent/network/daemons.py", "agent/network/host_side.py",
    "agent/network/observing.py", "agent/network/routers.py", "agent/processes.py",
    "compute/placement", "compute/services/power.py", "infra/services/capacity.py",
    "infra/services/guests.py", "infra/services/hearing.py", "infra/services/host_troubles.py",
    "infra/services/thresholds.py", "jobs/cancel.py", "network/services/offerings.py",
    "storage/services/space.py", "storage/services/stores.py", "storage/jobs/templates.py",
    "compute/services/strays.py", "infra/services/address_book.py", "infra/services/pod_ranges.py",
    "network/services/house_ranges.py", "network/services/physical.py",
    "network/services/providers.py", "network/services/ranges.py", "network/services/vlans.py",
)  # fmt: skip
#: Words that begin a line for a program (nft, ip), not for a person.
_FOR_PROGRAMS = re.compile(
    r"^(add|addr|ct|delete|icmp|iifname|link|meta|qdisc|route|table|type|cloudportal rules)\b|\n"
)
_SENTENCE = re.compile(r"^[A-Z“/{].*[.…]$", re.S)
_WORDS = re.compile(r"[A-Za-z]{2,}")


def _said() -> Iterator[Entry]:
    root = settings.BASE_DIR
    for package in (*_PACKAGES, "agent", "frontend/zones"):
        for path in sorted((root / package).rglob("*.py")):
            if {"migrations", "management"} & set(path.parts) or path.name == "main.py":
                continue
            inside = path.relative_to(root).as_posix().startswith(_FRAGMENTS)
            yield from ((CONTEXT, text, None) for text in said_in(path, fragments=inside))


def said_in(path: Path, *, fragments: bool = False) -> Iterator[str]:
    """Sentences that this file may send to a person; with ``fragments`` shorter texts too."""
    tree = ast.parse(path.read_text())
    silent = _silent(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from _of_call(node)
        if not isinstance(node, ast.expr) or id(node) in silent:
            continue
        text = template_of(node)
        if _for_people(text, fragments):
            yield text


def _for_people(text: str, fragments: bool) -> bool:
    words = len(_WORDS.findall(text))
    if words < 2 or " " not in text or _FOR_PROGRAMS.search(text):
        return False
    return bool(_SENTENCE.match(text)) or fragments


def _silent(tree: ast.Module) -> set[int]:
    """Nodes nobody reads on a page: docstrings, parts of f-strings, log lines, defects of ours
    (raised as built-in errors)."""
    found: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr):
                found.add(id(first.value))
        elif isinstance(node, ast.JoinedStr):
            found |= {id(value) for value in node.values}
        elif isinstance(node, ast.Call) and _is_unsaid(node):
            found |= {id(inner) for inner in ast.walk(node)}
    return found


_DEFECTS = {"ValueError", "TypeError", "RuntimeError", "NotImplementedError", "AssertionError",
            "compile", "add_argument"}  # fmt: skip


def _is_unsaid(call: ast.Call) -> bool:
    on = call.func.value if isinstance(call.func, ast.Attribute) else None
    is_log = isinstance(on, ast.Name) and on.id in ("log", "logger", "logging")
    return is_log or _called(call.func) in _DEFECTS


#: Functions and classes whose text a person reads, and where it is: position or keyword.
_SAYS: dict[str, tuple[int | str, ...]] = {
    "Step": ("label",),
    "progress": (1, "note"),
    "record": (1, "description"),
    "open_trouble": (2, "sentence"),
    "Refusal": (1, "words"),
    "raise_alert": (2, 3),
}


def _of_call(call: ast.Call) -> Iterator[str]:
    name = _called(call.func)
    places = _SAYS.get(name)
    if places is None:
        if name not in _error_names():
            return
        places = (0, "message")
    for place in places:
        for value in _values(call, place):
            text = template_of(value)
            if re.search(r"[A-Za-z]{3}", text):
                yield text
    if name == "Step" and call.args and not _values(call, "label"):
        yield _called(call.args[0]).replace("_", " ")  # as core.steps.Step.title has it


def _called(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _values(call: ast.Call, place: int | str) -> list[ast.expr]:
    if isinstance(place, int):
        return call.args[place : place + 1]
    return [k.value for k in call.keywords if k.arg == place]


def template_of(node: ast.expr) -> str:
    """A literal as it is, an f-string with numbered holes; "" for the rest."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if not isinstance(node, ast.JoinedStr):
        return ""
    parts, holes = [], 0
    for value in node.values:
        if isinstance(value, ast.Constant):
            parts.append(str(value.value))
        else:
            parts.append(f"{{{holes}}}")
            holes += 1
    return "".join(parts)


@functools.cache
def _error_names() -> frozenset[str]:
    """Classes of refusals, wherever they are declared."""
    found = {"CloudError", "AgentError"}
    for package in (*_PACKAGES, "agent", "frontend/zones"):
        for path in sorted((settings.BASE_DIR / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                bases = getattr(node, "bases", ())
                if found & {_called(base) for base in bases}:
                    found.add(node.name)
    # These two are given the parts of a sentence that is their own.
    return frozenset(found - {"NoSuchObject", "MissingParameter"})
