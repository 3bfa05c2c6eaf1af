"""Rows in a plan's arguments, written as plain JSON and read back fresh."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db import models


def freeze(value: Any) -> Any:
    if isinstance(value, models.Model):
        return {"__row__": value._meta.label_lower, "pk": value.pk}
    if isinstance(value, dict):
        return {k: freeze(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [freeze(v) for v in value]
    return value


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
