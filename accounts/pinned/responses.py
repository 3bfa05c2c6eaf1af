"""What is pinned, alone and on the things it is pinned to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from django.db.models import Model

from accounts.models import Annotation, ResourceIcon, ResourceTag
from accounts.owners import owner
from accounts.pinned.types import TYPES
from core.columns import Uuids, uuids_of
from core.responses import Field, Response, computed, date, flag, many, text

Fetch = Callable[[Sequence[int], Any], Mapping[int, Any]]


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


def tags_of(model: type[Model]) -> Fetch:
    """The bulk field of a response whose rows are ``model``'s."""

    def fetch(keys: Sequence[int], caller: Any) -> dict[int, list[dict[str, Any]]]:
        key_of = uuids_of(model, keys)
        rows = ResourceTag.objects.filter(resource_uuid__in=Uuids(key_of)).order_by("key")
        found: dict[int, list[dict[str, Any]]] = {key: [] for key in keys}
        for item in tag.render(rows, caller):
            found[key_of[item["resourceid"]]].append(item)
        return found

    return fetch


def annotated(model: type[Model]) -> Fetch:
    """Whether there are comments that the caller may read."""

    def fetch(keys: Sequence[int], caller: Any) -> dict[int, bool]:
        key_of = uuids_of(model, keys)
        rows = Annotation.objects.filter(resource_uuid__in=Uuids(key_of))
        if caller is not None and not caller.is_root_admin:
            rows = rows.filter(admins_only=False)
        uuids = set(rows.values_list("resource_uuid", flat=True))
        return {key: uuid in uuids for uuid, key in key_of.items()}

    return fetch


resourceicon = Response(
    "resourceicon",
    ResourceIcon,
    (
        text("resourceid", "resource_uuid"),
        text("resourcetype", "resource_type"),
        text("base64image", "png_base64"),
    ),
)


annotation = Response(
    "annotation",
    Annotation,
    (
        text("id", "uuid"),
        text("annotation", "text"),
        computed("entitytype", ("resource_type",), lambda name: TYPES[name].entity),
        text("entityid", "resource_uuid"),
        text("entityname", "resource_name"),
        text("userid", "user__uuid"),
        text("username"),
        flag("adminsonly", "admins_only"),
        date("created"),
        date("removed"),
    ),
)

#: Filled by the service: some details live in their things.
resourcedetail = Response(
    "resourcedetail",
    None,
    tuple(
        Field(name)
        for name in (
            "key", "value", "resourcetype", "resourceid", "account", "domainid", "domain",
            "domainpath",
        )
    ),
)  # fmt: skip

detailoption = Response("detailoption", None, (Field("details", "map"),))


def add_icons(records: Iterable[dict[str, Any]], caller: Any) -> None:
    """Puts ``icon`` into the records of a page, by their ``id``."""
    of = {record["id"]: record for record in records if "id" in record}
    rows = ResourceIcon.objects.filter(resource_uuid__in=list(of))
    for item in resourceicon.render(rows, caller):
        of[item["resourceid"]]["icon"] = item


def icon() -> Field:
    """Only where it is asked for (``showicon``): the dispatcher adds it."""
    return Field("icon", "resourceiconresponse", of=resourceicon)


def tags(model: type[Model]) -> Field:
    return many("tags", tags_of(model), of=tag)


def comments(model: type[Model]) -> Field:
    return Field("hasannotations", "boolean", bulk=annotated(model))
