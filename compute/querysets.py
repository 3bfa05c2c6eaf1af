"""Who may see and use compute's rows, where it is not simply their owner."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, Q

from accounts.models import Domain
from accounts.querysets import OwnedQuerySet, ScopedQuerySet, in_subtree
from compute.states import VmState


class ServiceOfferingQuerySet(ScopedQuerySet):
    """Public ones are everybody's; others belong to domains and all that lies below them."""

    def visible_to(self, caller: Any) -> ServiceOfferingQuerySet:
        if caller.is_root_admin:
            return self
        links = self.model.domains.through.objects.filter(serviceoffering=OuterRef("pk"))
        mine = Q(domain__level=0) | Q(domain__in=caller.domain.ancestor_ids)
        if caller.is_domain_admin:
            mine |= in_subtree(caller.domain, "domain")
        public = ~Exists(links)
        return self.filter(public | Exists(links.filter(mine)), is_system=False)

    def usable_by(self, caller: Any) -> ServiceOfferingQuerySet:
        return self.visible_to(caller).filter(is_system=False)

    def operable_by(self, caller: Any) -> ServiceOfferingQuerySet:
        """A domain admin changes what was made for its own branch alone."""
        if caller.is_root_admin:
            return self
        if not caller.is_domain_admin:
            return self.none()
        links = self.model.domains.through.objects.filter(serviceoffering=OuterRef("pk"))
        own = Domain.objects.filter(in_subtree(caller.domain)).values("pk")
        return self.filter(Exists(links), ~Exists(links.exclude(domain__in=own)), is_system=False)

    def for_owner(self, account: Any) -> ServiceOfferingQuerySet:
        """What machines of ``account`` may be made of, whoever asks."""
        links = self.model.domains.through.objects.filter(serviceoffering=OuterRef("pk"))
        mine = Q(domain__level=0) | Q(domain__in=account.domain.ancestor_ids)
        return self.filter(~Exists(links) | Exists(links.filter(mine)), is_system=False)


class MachineQuerySet(OwnedQuerySet):
    def in_use(self) -> MachineQuerySet:
        return self.exclude(state__in=(VmState.EXPUNGING, VmState.ERROR))


class AffinityGroupQuerySet(OwnedQuerySet):
    """Groups belong to accounts, and machines of an account join that account's groups only;
    save those of a dedication to a domain, which are there for all in its branch."""

    def visible_to(self, caller: Any) -> AffinityGroupQuerySet:
        rows = super().visible_to(caller)
        if caller.is_root_admin:
            return rows
        # One OR on columns of the row itself; the branch is known beforehand.
        return rows | self.filter(domain__in=caller.domain.ancestor_ids)

    def operable_by(self, caller: Any) -> AffinityGroupQuerySet:
        return self.owned_within(caller)
