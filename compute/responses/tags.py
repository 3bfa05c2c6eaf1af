"""Tags, alone and on the things they are pinned to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db.models import Model

from compute.models import ResourceTag
from compute.responses.owners import owner
from core.columns import Uuids, uuids_of
from core.responses import Response, computed, text

tag = Response(
    "tag",
    ResourceTag,
    (
        text("key"),
        text("value"),
        text("resourcetype", "resource_type"),
        text("resourceid", "resource_uuid"),
        computed("customer", ("customer",), lambda text: text or None),
        *owner(),
    ),
)


def tags_of(model: type[Model]) -> Callable[[Sequence[int], Any], Mapping[int, Any]]:
    """The bulk field of a response whose rows are ``model``'s."""

    def fetch(keys: Sequence[int], caller: Any) -> dict[int, list[dict[str, Any]]]:
        key_of = uuids_of(model, keys)
        rows = ResourceTag.objects.filter(resource_uuid__in=Uuids(key_of)).order_by("key")
        found: dict[int, list[dict[str, Any]]] = {key: [] for key in keys}
        for item in tag.render(rows, caller):
            found[key_of[item["resourceid"]]].append(item)
        return found

    return fetch
