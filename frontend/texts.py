"""Sentences that other packages make, said in the reader's language.

Help texts, step titles, settings and refusals are written in English beside the code they
belong to, and the API answers with them as they are. The pages look the same sentence up in
the catalogue. A sentence with things filled in (an f-string) is in the catalogue with ``{0}``,
``{1}`` … in their places, under the context ``said``.
"""

from __future__ import annotations

import functools
import re
from itertools import islice
from typing import Any

from django.utils import translation
from django.utils.translation import gettext, pgettext, trans_real
from django.utils.translation import gettext_lazy as _

from frontend.states import look

CONTEXT = "said"

#: What else fills a hole: kinds of things, what is lacking, and verbs that were refused.
_KINDS = {
    "Account": _("Account"), "Domain": _("Domain"), "Project": _("Project"), "User": _("User"),
    "Volume": _("Volume"), "Snapshot": _("Snapshot"), "Template": _("Template"),
    "Network": _("Network"), "Host": _("Host"), "Cluster": _("Cluster"), "Pod": _("Pod"),
    "Zone": _("Zone"), "Router": _("Router"), "affinity": _("Affinity groups"),
    "memory": _("Memory"), "the root disk": _("the root disk"),
}  # fmt: skip
_VERBS = {
    "start": _("Start"), "stop": _("Stop"), "reboot": _("Reboot"), "destroy": _("Destroy"),
    "expunge": _("Expunge"), "recover": _("Recover"), "reinstall": _("Reinstall"),
    "delete": _("Delete"), "enable": _("Enable"), "disable": _("Disable"),
    "migrate": _("Migrate"), "remove": _("Remove"),
}  # fmt: skip
#: Why hosts were refused, as counted in one sentence: “3 memory, 1 state”.
_REASONS = {
    "addresses": _("addresses"), "affinity": _("affinity"),
    "choice": _("choice"), "dedication": _("dedication"), "full cluster": _("full cluster"),
    "hypervisor": _("hypervisor"), "memory": _("memory"), "CPU": _("CPU"),
    "state": _("state"), "storage": _("storage"), "storage tag": _("storage tag"), "tag": _("tag"),
}  # fmt: skip
#: What is limited, as accounts.resources calls it; said in sentences about limits alone.
_LIMITED = {
    "virtual machines": _("Instances"), "public addresses": _("Public addresses"),
    "volumes": _("Volumes"), "snapshots": _("Snapshots"), "templates and ISOs": _("Templates"),
    "projects": _("Projects"), "networks": _("Networks"), "VPCs": _("VPCs"),
    "CPU cores": _("CPU cores"), "MiB of memory": _("Memory, MiB"),
    "primary storage": _("Primary storage"), "secondary storage": _("Secondary storage"),
    "GiB of primary storage": _("Primary storage, GiB"),
    "GiB of secondary storage": _("Secondary storage, GiB"),
}  # fmt: skip
_COUNTED = re.compile(r"\d+ [a-zA-Z ]+(, \d+ [a-zA-Z ]+)*")
_READINGS = 6
_ENGLISH = re.compile(r"\b[a-z]{2,}\b")
_HOLE = re.compile(r"\{(\d+)\}")
_HAN, _LATIN = "\u3400-\u9fff", "A-Za-z0-9"
_TURN = "\0"
_WIDE = re.compile(f"(?<=[{_HAN}]) (?={_TURN}[{_HAN}])|(?<=[{_HAN}]{_TURN}) (?=[{_HAN}])")
_SEAM = re.compile(f"(?<=[{_HAN}])(?=[{_LATIN}])|(?<=[{_LATIN}%])(?=[{_HAN}])")


def help_text(text: Any) -> str:
    """A declared help text (no holes)."""
    return gettext(str(text)) if text else ""


def spaced(text: Any) -> str:
    """``text`` with a blank between Chinese and Latin: “还没有 ISO”. Not for names of people's own,
    which stay as they are."""
    return _SEAM.sub(" ", str(text)).replace("。 ", "。")


def titled(head: Any, tail: Any) -> str:
    """“Release: host-1”, with the colon of the reader's language."""
    return str(_("%(head)s: %(tail)s")) % {"head": head, "tail": tail}


def called(said: str, name: str, label: Any) -> str:
    """A refusal that names parameter ``name`` once, calling it ``label`` as its form does."""
    word = rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])"
    marked = re.sub(word, lambda _found: f"{_TURN}{label}{_TURN}", said, count=1)
    return _WIDE.sub("", marked).replace(_TURN, "")


def say(sentence: str) -> str:
    """``sentence`` translated, whatever is filled in; itself when the catalogue has none."""
    language = translation.get_language() or "en"
    if not sentence or language.startswith("en"):
        return sentence
    return _said(language, sentence)


@functools.lru_cache(maxsize=4096)
def _said(language: str, sentence: str) -> str:
    whole = pgettext(CONTEXT, sentence)
    if whole != sentence:
        return whole
    filled = [_filled(found, msgid) for found, msgid in _readings(language, sentence)]
    head, colon, tail = sentence.partition(": ")
    if colon and say(head) != head:  # “Host h1 does not answer: …”, what happened and why
        filled.append(f"{say(head)}：{say(tail)}")
    if filled:  # of several readings the one that leaves the least in English
        return min(filled, key=lambda text: len(_ENGLISH.findall(text))).strip()
    plain = gettext(sentence)
    if plain == sentence and ". " in sentence:
        return _by_parts(sentence)
    return plain


def _readings(language: str, sentence: str) -> list[tuple[re.Match[str], str]]:
    matches = ((pattern.fullmatch(sentence), msgid) for pattern, msgid in _patterns(language))
    return list(islice(((found, msgid) for found, msgid in matches if found), _READINGS))


def _filled(found: re.Match[str], msgid: str) -> str:
    """The translation with its holes filled. What fills one is a name, which stays as it is, a
    state, or a sentence of its own."""

    said = pgettext(CONTEXT, msgid)

    def fill(hole: re.Match[str]) -> str:
        text = filling(hole)
        before = _SEAM.search(said[hole.start() - 1 : hole.start()] + text[:1])
        after = _SEAM.search(text[-1:] + said[hole.end() : hole.end() + 1])
        if text != found[f"g{hole[1]}"]:  # said in turn: no blank is left between Han and Han
            text = f"{_TURN}{text}{_TURN}"
        return (" " if before else "") + text + (" " if after else "")

    def filling(hole: re.Match[str]) -> str:
        text = found[f"g{hole[1]}"] or ""
        if text == "s" and re.search(rf"[a-z]\{{{hole[1]}\}}", msgid):
            return ""  # the ending of an English plural
        if f"cannot {{{hole[1]}}}" in msgid and text in _VERBS:
            return str(_VERBS[text])
        if f" a {{{hole[1]}}} named" in msgid and text.capitalize() in _KINDS:
            return str(_KINDS[text.capitalize()])
        if _COUNTED.fullmatch(text) and (counted := _counted(text)):
            return counted
        if "limit" in msgid and text in _LIMITED:
            return str(_LIMITED[text])
        if " " in text:
            said = say(text)
            return _kind_and_name(text) if said == text else said
        # A kind begins the sentence; elsewhere it is a name that happens to be the same word.
        if text in _KINDS and (text.islower() or msgid.startswith(hole[0])):
            return str(_KINDS[text])
        known = look(text)
        return str(known.word) if known.known else text

    text = _WIDE.sub("", _HOLE.sub(fill, said)).replace(_TURN, "")
    return text.replace("。 ", "。")  # a sentence in a hole ends wide


def _counted(text: str) -> str:
    """“3 memory, 1 state” with the reasons said; "" when it counts anything else."""
    parts = [part.partition(" ") for part in text.split(", ")]
    if any(kind not in _REASONS for _number, _space, kind in parts):
        return ""
    counted = _("%(number)s %(reason)s")
    return "，".join(
        spaced(str(counted) % {"number": number, "reason": _REASONS[kind]})
        for number, _space, kind in parts
    )


def _kind_and_name(text: str) -> str:
    """“Account dev”, or “account dev of domain ROOT/a”, with the kinds said; else as it is."""
    owner, of, domain = text.partition(" of domain ")
    kind, _space, name = owner.partition(" ")
    if kind.capitalize() not in _KINDS or " " in name or " " in domain:
        return text
    whole = f"{_KINDS[kind.capitalize()]} {name}"
    if not of:
        return whole
    return str(_("%(what)s of domain %(domain)s")) % {"what": whole, "domain": domain}


def _by_parts(text: str) -> str:
    """Two known sentences in one text, each said for itself."""
    head, _, tail = text.partition(". ")
    first, rest = say(head + "."), say(tail)
    if first == head + "." and rest == tail:
        return text
    return first + rest


@functools.lru_cache(maxsize=8)
def _patterns(language: str) -> list[tuple[re.Pattern[str], str]]:
    """The catalogue's sentences with holes, longest text first: the most telling wins."""
    # Django's catalogue is no mapping: it has keys() but cannot be iterated.
    keys = list(trans_real.translation(language)._catalog.keys())
    prefix = f"{CONTEXT}\x04"
    texts = {k[len(prefix) :] for k in keys if isinstance(k, str) and k.startswith(prefix)}
    found = {text for text in texts if _HOLE.search(text)}
    ordered = sorted(found, key=lambda m: -len(_HOLE.sub("", m)))
    return [(_compiled(msgid), msgid) for msgid in ordered]


def _compiled(msgid: str) -> re.Pattern[str]:
    parts = _HOLE.split(msgid)
    regex, seen = "", set()
    for i, part in enumerate(parts):
        if i % 2 == 0:
            regex += re.escape(part)
        elif part in seen:
            regex += f"(?P=g{part})"
        else:
            seen.add(part)
            regex += f"(?P<g{part}>.*?)"
    if msgid.startswith("{0} "):  # a sentence put behind another is also one by itself
        regex = regex.replace("(?P<g0>.*?)\\ ", "(?:(?P<g0>.*?)\\ )?", 1)
    return re.compile(regex, re.S)
