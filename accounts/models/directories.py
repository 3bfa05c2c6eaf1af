"""LDAP servers, and which of their groups come in to which domain or account."""

from __future__ import annotations

import uuid as uuids

from django.db import models
from django.utils import timezone

from accounts.models.tenants import Account, Domain, Role
from accounts.querysets import ScopedQuerySet, in_subtree


class DirectoryQuerySet(ScopedQuerySet):
    def visible_to(self, caller):
        """Administrators see those of the domains they rule; to others there are none."""
        if caller.is_root_admin:
            return self
        if caller.is_domain_admin:
            return self.filter(in_subtree(caller.domain, "domain"), domain__isnull=False)
        return self.none()


class LdapServer(models.Model):
    """Where passwords of a domain are kept; without a domain, of those that have none of
    their own. ``tls``: none, starttls, ldaps; verified with ``ca_certificate`` (PEM), or the
    machine's authorities when that is empty."""

    uuid = models.UUIDField(default=uuids.uuid4, unique=True, editable=False)
    hostname = models.CharField(max_length=255)
    port = models.PositiveIntegerField()
    domain = models.ForeignKey(
        Domain, null=True, on_delete=models.CASCADE, related_name="ldap_servers"
    )
    tls = models.CharField(max_length=8, default="none")
    ca_certificate = models.TextField(blank=True)
    created = models.DateTimeField(default=timezone.now)

    objects = DirectoryQuerySet.as_manager()

    class Meta:
        verbose_name = "LDAP server"

    def __str__(self) -> str:
        return f"{self.hostname}:{self.port}"


class LdapLink(models.Model):
    """Members of a group, or of an organisational unit, come in to a domain (each to an account
    of its own, with ``role``) or, where ``account`` is given, to that account."""

    uuid = models.UUIDField(default=uuids.uuid4, unique=True, editable=False)
    domain = models.ForeignKey(Domain, on_delete=models.CASCADE, related_name="ldap_links")
    account = models.ForeignKey(
        Account, null=True, on_delete=models.CASCADE, related_name="ldap_links"
    )
    kind = models.CharField(max_length=8)  # GROUP, OU
    name = models.CharField(max_length=1000)  # its distinguished name
    role = models.ForeignKey(Role, on_delete=models.PROTECT, related_name="+")
    created = models.DateTimeField(default=timezone.now)

    objects = DirectoryQuerySet.as_manager()

    class Meta:
        verbose_name = "LDAP link"

    def __str__(self) -> str:
        return self.name
