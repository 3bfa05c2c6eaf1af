"""Security groups: which traffic reaches the machines of one, and which leaves them."""

from __future__ import annotations

from django.db import models

from accounts.models import Account, Entity, Owned
from accounts.querysets import LiveManager, OwnedQuerySet

#: Every account's group for machines that name none.
DEFAULT = "default"

INGRESS, EGRESS = "ingress", "egress"


class SecurityGroup(Owned):
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="security_groups")
    name = models.CharField(max_length=255)
    description = models.CharField(max_length=4096, blank=True)

    objects = LiveManager.from_queryset(OwnedQuerySet)()
    everything = models.Manager.from_queryset(OwnedQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "name", "alive"], name="security_group_name_in_account"
            )
        ]


class SecurityGroupRule(Entity):
    """Lets traffic pass between the group's machines and ``cidr``, or the machines of
    ``peer``. ``protocol``: tcp, udp, icmp, all, or a number; ports are tcp's and udp's, type
    and code icmp's (-1: any)."""

    OWNER = "group__account"

    group = models.ForeignKey(SecurityGroup, on_delete=models.CASCADE, related_name="rules")
    direction = models.CharField(max_length=8)
    protocol = models.CharField(max_length=8)
    start_port = models.PositiveIntegerField(null=True)
    end_port = models.PositiveIntegerField(null=True)
    icmp_type = models.SmallIntegerField(null=True)
    icmp_code = models.SmallIntegerField(null=True)
    cidr = models.CharField(max_length=43, blank=True)
    peer = models.ForeignKey(
        SecurityGroup, null=True, on_delete=models.PROTECT, related_name="naming_rules"
    )

    objects = LiveManager.from_queryset(OwnedQuerySet)()
    everything = models.Manager.from_queryset(OwnedQuerySet)()

    class Meta:
        verbose_name = "security group rule"
        indexes = [models.Index(fields=["group", "direction"], name="rules_of_group")]

    def __str__(self) -> str:
        ports = f" {self.start_port}–{self.end_port}" if self.start_port is not None else ""
        return f"{self.protocol}{ports} {self.cidr or self.peer}"


class MachineRules(models.Model):
    """Whether a machine's host has the rules as they are: ``wanted`` grows with each change
    that concerns the machine, ``applied`` is the one its host has."""

    machine = models.OneToOneField(
        "compute.VirtualMachine", on_delete=models.CASCADE, related_name="rules_state"
    )
    wanted = models.PositiveBigIntegerField(default=1)
    applied = models.PositiveBigIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["applied", "wanted"], name="rules_not_applied")]
