"""Several fields of a reply from one query."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.db.models import QuerySet

from core.responses import Bulk, Response, number


class Together:
    """A fetch for a page's keys, asked once a page however many fields take a part of it.

    The renderer hands the same list of keys to every bulk field of a page, so the last answer
    is remembered for that very list, per thread.
    """

    def __init__(self, fetch: Callable[[Sequence[int], Any], Mapping[int, Any]]) -> None:
        self._fetch = fetch
        self._last = threading.local()

    def part(self, pick: Callable[[Any], Any]) -> Bulk:
        """A bulk field that shows ``pick(found)`` of what was fetched for a row."""
        return lambda keys, caller: {k: pick(v) for k, v in self._found(keys, caller).items()}

    def item(self, name: str) -> Bulk:
        return self.part(lambda found: found.get(name))

    def _found(self, keys: Sequence[int], caller: Any) -> Mapping[int, Any]:
        if getattr(self._last, "keys", None) is not keys:
            self._last.found = self._fetch(keys, caller)
            self._last.keys = keys
        found: Mapping[int, Any] = self._last.found
        return found


def grouped(
    response: Response, rows: QuerySet[Any], link: str, caller: Any
) -> dict[int, list[dict[str, Any]]]:
    """Rows as ``response`` shows them, by the key at their ORM path ``link``; one query."""
    linked = replace(response, fields=(*response.fields, number("_of", link)))
    found: dict[int, list[dict[str, Any]]] = {}
    for item in linked.render(rows, caller):
        found.setdefault(item.pop("_of"), []).append(item)
    return found
