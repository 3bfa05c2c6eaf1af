"""Guest operating systems: seeded at first start, added to and changed by operators."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from core import live
from core.errors import InvalidParameter
from infra.models import OsCategory, OsType
from infra.services import checks, guest_names
from infra.services.usage import refuse_if_used


@transaction.atomic
def ensure_built_in() -> int:
    """Make the categories and systems that every cloud starts with. Returns how many were
    missing; what an operator removed does not come back."""
    known = set(OsType.everything.values_list("display_name", flat=True))
    made = 0
    for order, (category_name, names) in enumerate(guest_names.BY_CATEGORY.items()):
        category = OsCategory.everything.filter(name=category_name).first()
        if category is None:
            category = OsCategory.objects.create(
                name=category_name, sort_key=order, is_featured=category_name != "Other"
            )
        missing = [n for n in names if n not in known]
        OsType.objects.bulk_create(OsType(category=category, display_name=n) for n in missing)
        made += len(missing)
    return made


def add_category(name: str, *, is_featured: bool) -> OsCategory:
    name = checks.unused_name(OsCategory.objects, "category", name)
    return OsCategory.objects.create(name=name, is_featured=is_featured)


def update_category(category: OsCategory, **fields: Any) -> OsCategory:
    if "name" in fields:
        fields["name"] = checks.unused_name(
            OsCategory.objects, "category", fields["name"], category
        )
    return _write(category, fields)


def add_type(category: OsCategory, *, display_name: str, **fields: Any) -> OsType:
    display_name = _unused(display_name)
    return OsType.objects.create(
        category=category, display_name=display_name, is_user_defined=True, **fields
    )


def update_type(os_type: OsType, **fields: Any) -> OsType:
    if "display_name" in fields:
        fields["display_name"] = _unused(fields["display_name"], os_type)
    return _write(os_type, fields)


def delete(row: OsCategory | OsType) -> None:
    """Raises InUse naming what uses it."""
    refuse_if_used(row)
    row.remove()


def _write(row: Any, fields: dict[str, Any]) -> Any:
    for field, value in fields.items():
        setattr(row, field, value)
    row.save()
    live.changed(row)
    return row


def _unused(display_name: str, but: OsType | None = None) -> str:
    text = checks.name("guest operating system", display_name)
    others = OsType.objects.filter(display_name=text).exclude(pk=but.pk if but else None)
    if others.exists():
        raise InvalidParameter(f"There is already a guest operating system named {text}.")
    return text
