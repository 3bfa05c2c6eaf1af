"""Who may see which part of the infrastructure."""

from __future__ import annotations

from django.db.models import Q

from accounts.querysets import ScopedQuerySet, SharedQuerySet


class ZoneQuerySet(SharedQuerySet):
    """Everybody sees the public zones that are open; a zone of a domain is that branch's."""

    def visible_to(self, caller):
        if caller.is_root_admin:
            return self
        above = Q(domain__in=caller.domain.ancestor_ids) | Q(domain__level=0)
        mine = Q(domain=None) | above
        if caller.is_domain_admin:
            mine |= Q(domain__path__startswith=caller.domain.path)
        return self.filter(mine, allocation_state="Enabled")


class OsTypeQuerySet(SharedQuerySet):
    def visible_to(self, caller):
        return self if caller.is_root_admin else self.filter(for_display=True)


class AlertQuerySet(ScopedQuerySet):
    """Alerts are the operator's."""

    def visible_to(self, caller):
        return self if caller.is_root_admin else self.none()
