"""Tenant scope, in the queryset: what a caller may not have is not in the rows it asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

if TYPE_CHECKING:
    from accounts.caller import Caller


def in_subtree(domain: Any, path: str = "") -> models.Q:
    """Rows whose domain (reached by the ORM ``path``) is ``domain`` or lies below it.

    A range rather than a prefix match, because every database answers it from the index:
    a subtree's paths are those from ``/12/`` up to, not including, ``/120`` (the digit 0
    sorts right after the slash).
    """
    if domain.path == "/":
        return models.Q()
    field = f"{path}__path" if path else "path"
    return models.Q(**{f"{field}__gte": domain.path, f"{field}__lt": domain.path[:-1] + "0"})


def owned_by_caller(caller: Caller, path: str) -> models.Q:
    """For anybody but root: rows whose account (reached by ``path``) is the caller's to rule.

    A domain administrator's projects lie in its own domain, as all of a member's do.
    """
    if caller.is_domain_admin:
        # Accounts first: they are few beside what they own, and an index knows theirs.
        accounts = type(caller.account).everything.filter(in_subtree(caller.domain, "domain"))
        return models.Q(**{f"{path}__in": accounts.values("pk")})
    if caller.memberships:
        return models.Q(**{f"{path}__in": [caller.account.pk, *caller.memberships]})
    return models.Q(**{path: caller.account.pk})


class ScopedQuerySet(models.QuerySet):
    """The three questions every model answers. A model overrides what is different for it:
    a public template is visible and usable to all, operable by its owner only."""

    def visible_to(self, caller: Caller) -> ScopedQuerySet:
        raise NotImplementedError(f"{self.model.__name__} does not say who may see it")

    def usable_by(self, caller: Caller) -> ScopedQuerySet:
        return self.visible_to(caller)

    def operable_by(self, caller: Caller) -> ScopedQuerySet:
        return self.visible_to(caller)


class OwnedQuerySet(ScopedQuerySet):
    """Rows that belong to an account, reached by the model's ``OWNER`` path."""

    def owned_within(self, caller: Caller) -> OwnedQuerySet:
        """What the caller's accounts own: all for root, a subtree for domain admins, else the
        own account's and that of the projects the caller is in."""
        if caller.is_root_admin:
            return self
        return self.filter(owned_by_caller(caller, self.model.OWNER))

    def visible_to(self, caller: Caller) -> OwnedQuerySet:
        return self.owned_within(caller)

    def owned_by(self, account: Any) -> OwnedQuerySet:
        return self.filter(**{self.model.OWNER: account})


class AdminQuerySet(ScopedQuerySet):
    """Rows of the house: seen and touched by root administrators only."""

    def visible_to(self, caller: Caller) -> AdminQuerySet:
        return self if caller.is_root_admin else self.none()


class SharedQuerySet(ScopedQuerySet):
    """Rows everybody may see and use, and only root administrators change."""

    def visible_to(self, caller: Caller) -> SharedQuerySet:
        return self

    def operable_by(self, caller: Caller) -> SharedQuerySet:
        return self if caller.is_root_admin else self.none()


class AnnotationQuerySet(OwnedQuerySet):
    """Owners read what is on their things, everybody what they wrote; what is for
    administrators only, root administrators read. Authors and administrators change."""

    def visible_to(self, caller: Caller) -> AnnotationQuerySet:
        if caller.is_root_admin:
            return self
        rows = self.filter(admins_only=False)
        mine = models.Q(user=caller.user) if caller.user is not None else models.Q(pk__in=[])
        return rows.filter(models.Q(pk__in=rows.owned_within(caller).values("pk")) | mine)

    def operable_by(self, caller: Caller) -> AnnotationQuerySet:
        rows = self.visible_to(caller)
        return rows if caller.is_domain_admin else rows.filter(user=caller.user)


class LiveManager(models.Manager):
    """The default manager of a model with ``removed``: rows that are still there."""

    _live: models.QuerySet | None = None

    def get_queryset(self) -> models.QuerySet:
        """Built once and copied: a deployment asks 25 times, each time for a tenth of a
        millisecond otherwise."""
        live = self._live
        if live is None or live.model is not self.model or live._db != self._db:
            live = self._live = super().get_queryset().filter(removed=None)
        return live.all()
