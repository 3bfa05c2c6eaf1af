"""Rows in a plan's arguments, written as plain JSON and read back fresh."""

from __future__ import annotations

import re
from typing import Any

from django.apps import apps
from django.db import models

_PLAIN = (str, int, float, bool, type(None))
_SECRET = re.compile(r"password|secret|private_?key|token", re.IGNORECASE)


def freeze(value: Any) -> Any:
    """Raises TypeError for what JSON cannot hold: a job must be readable after a restart."""
    if isinstance(value, models.Model):
        return {"__row__": value._meta.label_lower, "pk": value.pk}
    if isinstance(value, dict):
        return {str(k): freeze(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [freeze(v) for v in value]
    if isinstance(value, _PLAIN):
        return value
    raise TypeError(f"a plan's argument cannot be a {type(value).__name__}")


def refuse_secrets(args: dict[str, Any]) -> None:
    """Raises ValueError for arguments that are secrets by their names: those go sealed, in
    the plan's ``secrets`` (rule R3)."""
    for name, value in args.items():
        if isinstance(value, str) and value and _SECRET.search(name):
            raise ValueError(f"the plan's argument {name} belongs into its secrets")


def thaw(value: Any) -> Any:
    if isinstance(value, dict):
        if "__row__" in value:
            return apps.get_model(value["__row__"])._base_manager.get(pk=value["pk"])
        return {k: thaw(v) for k, v in value.items()}
    if isinstance(value, list):
        return [thaw(v) for v in value]
    return value


def lease_name(row: Any) -> str:
    """``virtualmachine:<uuid>``; strings are taken as they are."""
    if isinstance(row, str):
        return row
    return f"{row._meta.model_name}:{getattr(row, 'uuid', row.pk)}"
