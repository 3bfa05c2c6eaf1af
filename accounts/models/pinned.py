"""Rows that belong to a thing of any kind, named by its uuid."""

from __future__ import annotations

import uuid as uuids
from datetime import datetime
from typing import ClassVar

from django.db import models
from django.utils import timezone

from accounts.models.marks import OfProject
from accounts.querysets import AdminQuerySet, AnnotationQuerySet, LiveManager, OwnedQuerySet
from core import presence


class ResourceTag(models.Model):
    """A key and a value. Owned by the account that owns the thing; one value a key."""

    OWNER: ClassVar[str] = "account"
    uuid = models.UUIDField(default=uuids.uuid4, unique=True, editable=False)
    account = models.ForeignKey(
        "accounts.Account", on_delete=models.PROTECT, related_name="tags"
    )
    of_project = OfProject()
    resource_type = models.CharField(max_length=64)  # CloudStack's: UserVm, Volume, …
    resource_uuid = models.UUIDField()
    key = models.CharField(max_length=255)
    value = models.CharField(max_length=255, blank=True)
    customer = models.CharField(max_length=255, blank=True)
    created = models.DateTimeField(default=timezone.now)

    objects = models.Manager.from_queryset(OwnedQuerySet)()

    class Meta:
        verbose_name = "tag"
        constraints = [
            models.UniqueConstraint(fields=["resource_uuid", "key"], name="tag_key_once")
        ]
        indexes = [
            models.Index(fields=["resource_type", "key", "value"], name="tag_lookup"),
            models.Index(fields=["of_project"], name="tag_listed"),
        ]

    def __str__(self) -> str:
        return f"{self.key}={self.value}"


class Annotation(models.Model):
    """A comment on a thing. ``account`` is the thing's owner; None: the operator's matter.

    ``admins_only`` hides it from everybody but root administrators, and makes it the
    operator's matter: nothing that is told to the owner may follow from it. The author's name
    is copied: it stays when the user is gone.
    """

    OWNER: ClassVar[str] = "account"
    uuid = models.UUIDField(default=uuids.uuid4, unique=True, editable=False)
    account = models.ForeignKey(
        "accounts.Account", null=True, on_delete=models.CASCADE, related_name="+"
    )
    user = models.ForeignKey(
        "accounts.User", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    username = models.CharField(max_length=255)
    resource_type = models.CharField(max_length=64)
    resource_uuid = models.UUIDField()
    resource_name = models.CharField(max_length=255, blank=True)
    text = models.TextField()
    admins_only = models.BooleanField(default=False)
    created = models.DateTimeField(default=timezone.now, db_index=True)
    removed = models.DateTimeField(null=True, blank=True, editable=False)

    objects = LiveManager.from_queryset(AnnotationQuerySet)()
    everything = models.Manager.from_queryset(AnnotationQuerySet)()

    class Meta:
        verbose_name = "comment"
        indexes = [models.Index(fields=["resource_uuid", "removed"], name="comment_of_thing")]

    def __str__(self) -> str:
        """Not its text: that stays among those who may read it."""
        return self.resource_name


class ResourceIcon(models.Model):
    """A small picture, made anew from what was sent: always a PNG."""

    uuid = models.UUIDField(default=uuids.uuid4, unique=True, editable=False)
    resource_type = models.CharField(max_length=64)
    resource_uuid = models.UUIDField(unique=True)
    png_base64 = models.TextField()
    updated = models.DateTimeField(default=timezone.now)

    objects = models.Manager.from_queryset(AdminQuerySet)()

    class Meta:
        verbose_name = "icon"


class ResourceDetail(models.Model):
    """A fact an operator keeps with a thing. Those with ``display`` off are for operators."""

    uuid = models.UUIDField(default=uuids.uuid4, unique=True, editable=False)
    resource_type = models.CharField(max_length=64)
    resource_uuid = models.UUIDField()
    name = models.CharField(max_length=255)
    value = models.TextField(blank=True)
    display = models.BooleanField(default=True)

    objects = models.Manager.from_queryset(AdminQuerySet)()

    class Meta:
        verbose_name = "detail"
        constraints = [
            models.UniqueConstraint(fields=["resource_uuid", "name"], name="detail_name_once")
        ]

    def __str__(self) -> str:
        return f"{self.name}={self.value}"


_PINNED = (ResourceTag, ResourceIcon, ResourceDetail, Annotation)


def forget(uuid: uuids.UUID, when: datetime) -> None:
    """The thing is gone: so is what was pinned to it. Comments stay for history, removed."""
    for model in presence.which(*_PINNED, resource_uuid=uuid):
        _unpin(model, when, resource_uuid=uuid)


def forget_all(things: models.QuerySet, when: datetime) -> None:
    """The same for many, by their query; before they are deleted."""
    for model in _PINNED:
        _unpin(model, when, resource_uuid__in=things.values("uuid"))


def _unpin(model: type[models.Model], when: datetime, **of: object) -> None:
    rows = model._default_manager.filter(**of)
    if model is Annotation:
        rows.update(removed=when)
    else:
        rows.delete()
