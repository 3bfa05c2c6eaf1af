"""Comments that people leave on things for each other."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from accounts.caller import Caller
from accounts.models import Annotation
from accounts.pinned import types
from accounts.pinned.types import ResourceType
from core import live
from core.errors import InvalidParameter, PermissionDenied

_LONGEST = 4096


def add(
    caller: Caller, kind: ResourceType, row: Any, text: str, *, admins_only: bool = False
) -> Annotation:
    """Raises InvalidParameter for a comment that says nothing."""
    if admins_only and not caller.is_root_admin:
        raise PermissionDenied(
            "Only root administrators write what only they read; leave adminsonly out, and the "
            "owner of the thing reads the comment too."
        )
    text = text.strip()
    if not text or len(text) > _LONGEST:
        raise InvalidParameter(f"A comment has 1 to {_LONGEST} characters, not {len(text)}.")
    made = Annotation.objects.create(
        account=None if admins_only else types.owner_of(row),
        user=caller.user,
        username=caller.user.username if caller.user else caller.account.name,
        resource_type=kind.name,
        resource_uuid=row.uuid,
        resource_name=str(row)[:255],
        text=text,
        admins_only=admins_only,
    )
    live.changed(row)
    return made


def remove(caller: Caller, annotation: Annotation) -> Annotation:
    """By its author or an administrator. Raises PermissionDenied."""
    mine = caller.user is not None and annotation.user_id == caller.user.pk
    if not mine and not caller.is_domain_admin:
        raise PermissionDenied("A comment is removed by its author or an administrator.")
    annotation.removed = timezone.now()
    annotation.save(update_fields=["removed"])
    return annotation


def set_visibility(annotation: Annotation, *, admins_only: bool) -> Annotation:
    kind = types.TYPES[annotation.resource_type]
    rows = kind.model._base_manager.filter(uuid=annotation.resource_uuid)  # type: ignore[attr-defined]
    row = rows.first()
    annotation.admins_only = admins_only
    annotation.account = None if admins_only or row is None else types.owner_of(row)
    annotation.save(update_fields=["admins_only", "account"])
    return annotation
