"""Disk offerings: what kinds and sizes of disks people may create."""

from __future__ import annotations

from django.db import models
from django.db.models import Exists, OuterRef, Q

from accounts.models import Domain, Entity
from accounts.querysets import LiveManager, ScopedQuerySet, in_subtree


def _links():
    """The offering's domains, for a subquery."""
    return DiskOffering.domains.through.objects.filter(diskoffering=OuterRef("pk"))


def _below(domain) -> Q:
    return in_subtree(domain, "domain") or Q(domain__isnull=False)


def _above(domain) -> Q:
    """The domain itself, or one that it lies in."""
    return Q(domain__level=0) | Q(domain__in=domain.ancestor_ids)


class DiskOfferingQuerySet(ScopedQuerySet):
    def visible_to(self, caller):
        """Root sees all; others the public ones and those for a domain above their own.

        Domain administrators also see those for domains below theirs.
        """
        if caller.is_root_admin:
            return self
        wanted = _above(caller.domain)
        if caller.is_domain_admin:
            wanted |= _below(caller.domain)
        return self.filter(Exists(_links().filter(wanted)) | ~Exists(_links()))

    def usable_by(self, caller):
        rows = self.filter(state="Active")
        return rows if caller.is_root_admin else rows.for_domain(caller.domain)

    def operable_by(self, caller):
        """Domain administrators change only what is for their own domains and no other."""
        if caller.is_root_admin:
            return self
        if not caller.is_domain_admin:
            return self.none()
        foreign = _links().exclude(_below(caller.domain))
        return self.filter(Exists(_links()), ~Exists(foreign))

    def for_domain(self, domain):
        """Those an account of this domain could use."""
        return self.filter(Exists(_links().filter(_above(domain))) | ~Exists(_links()))

    def for_zone(self, zone):
        links = DiskOffering.zones.through.objects.filter(diskoffering=OuterRef("pk"))
        return self.filter(Exists(links.filter(zone=zone)) | ~Exists(links))


class DiskOffering(Entity):
    """A kind of data disk. Without domains it is for everybody, without zones for all."""

    name = models.CharField(max_length=255)
    display_text = models.CharField(max_length=4096)
    size_bytes = models.BigIntegerField(default=0)  # 0 with is_custom
    is_custom = models.BooleanField(default=False)
    is_custom_iops = models.BooleanField(default=False)
    min_iops = models.BigIntegerField(null=True)
    max_iops = models.BigIntegerField(null=True)
    tags = models.JSONField(default=list)
    provisioning = models.CharField(max_length=8, default="thin")  # thin, sparse, fat
    cache_mode = models.CharField(max_length=24, default="none")
    storage_type = models.CharField(max_length=8, default="shared")  # shared, local
    read_bps = models.BigIntegerField(default=0)
    write_bps = models.BigIntegerField(default=0)
    read_iops = models.BigIntegerField(default=0)
    write_iops = models.BigIntegerField(default=0)
    size_is_strict = models.BooleanField(default=False)
    display = models.BooleanField(default=True)
    sort_key = models.IntegerField(default=0)
    state = models.CharField(max_length=8, default="Active")  # Active, Inactive
    details = models.JSONField(default=dict)
    domains = models.ManyToManyField(Domain, related_name="disk_offerings")
    zones = models.ManyToManyField("infra.Zone", related_name="disk_offerings")

    objects = LiveManager.from_queryset(DiskOfferingQuerySet)()
    everything = models.Manager.from_queryset(DiskOfferingQuerySet)()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(is_custom=True) | models.Q(size_bytes__gt=0),
                name="disk_offering_has_a_size",
            )
        ]
