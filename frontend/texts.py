"""Sentences that other packages make, said in the reader's language.

Help texts, step titles, settings and refusals are written in English beside the code they
belong to, and the API answers with them as they are. The pages look the same sentence up in
the catalogue. A sentence with things filled in (an f-string) is in the catalogue with ``{0}``,
``{1}`` … in their places, under the context ``said``.
"""

from __future__ import annotations

import functools
import re
from typing import Any

from django.utils import translation
from django.utils.translation import gettext, pgettext, trans_real

CONTEXT = "said"
_HOLE = re.compile(r"\{(\d+)\}")


def help_text(text: Any) -> str:
    """A declared help text (no holes)."""
    return gettext(str(text)) if text else ""


def say(sentence: str) -> str:
    """``sentence`` translated, whatever is filled in; itself when the catalogue has none."""
    if not sentence or (translation.get_language() or "en").startswith("en"):
        return sentence
    whole = pgettext(CONTEXT, sentence)
    if whole != sentence:
        return whole
    for pattern, msgid in _patterns(translation.get_language()):
        found = pattern.fullmatch(sentence)
        if found:
            return _HOLE.sub(
                lambda hole, found=found: say(found[f"g{hole[1]}"]), pgettext(CONTEXT, msgid)
            )
    plain = gettext(sentence)
    if plain == sentence and ". " in sentence:
        return _by_parts(sentence)
    return plain


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
    return re.compile(regex, re.S)
