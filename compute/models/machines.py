"""Virtual machines, and what was measured of them."""

from __future__ import annotations

import uuid as uuids

from django.db import models
from django.utils import timezone

from accounts.models import Account, OfProject, Owned, User
from accounts.querysets import LiveManager, OwnedQuerySet
from compute.models.groups import AffinityGroup, InstanceGroup
from compute.models.keys import SshKeyPair, UserData
from compute.models.offerings import ServiceOffering
from compute.models.securitygroups import SecurityGroup
from compute.querysets import MachineQuerySet
from compute.states import TRANSITIONS, Power, VmState
from core.states import Stateful
from infra.models import Host, OsType, Zone
from storage.models import Template


class VirtualMachine(Stateful, Owned):
    """A tenant's machine. ``state`` is what we want and do, ``power_state`` what its host last
    reported; both are read by pages and lists, which never call a host.

    ``host`` is set exactly while the machine counts against that host's capacity.
    ``hostname`` is what the guest calls itself: a valid label made from ``name``.
    """

    KIND = "Virtual machine"
    TRANSITIONS = TRANSITIONS

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="machines")
    of_project = OfProject()
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    name = models.CharField(max_length=255)
    display_name = models.CharField(max_length=255, blank=True)
    hostname = models.CharField(max_length=63)
    # i-<account>-<machine>-VM, as hosts know it; null for the moment before the row has a key.
    instance_name = models.CharField(max_length=80, null=True, unique=True)
    state = models.CharField(max_length=16, default=VmState.STOPPED)
    state_at = models.DateTimeField(default=timezone.now)
    power_state = models.CharField(max_length=24, default=Power.UNKNOWN)
    power_at = models.DateTimeField(null=True)

    zone = models.ForeignKey(Zone, on_delete=models.PROTECT, related_name="machines")
    host = models.ForeignKey(
        Host, null=True, on_delete=models.PROTECT, related_name="machines"
    )
    last_host = models.ForeignKey(Host, null=True, on_delete=models.SET_NULL, related_name="+")
    hypervisor = models.CharField(max_length=32)
    service_offering = models.ForeignKey(
        ServiceOffering, on_delete=models.PROTECT, related_name="machines"
    )
    vcpus = models.PositiveIntegerField()
    cpu_speed_mhz = models.PositiveIntegerField()
    memory_mb = models.PositiveIntegerField()
    template = models.ForeignKey(
        Template, null=True, on_delete=models.PROTECT, related_name="machines"
    )
    iso = models.ForeignKey(
        Template, null=True, on_delete=models.PROTECT, related_name="cd_machines"
    )
    os_type = models.ForeignKey(OsType, null=True, on_delete=models.PROTECT, related_name="+")

    group = models.ForeignKey(
        InstanceGroup, null=True, on_delete=models.SET_NULL, related_name="machines"
    )
    affinity_groups = models.ManyToManyField(AffinityGroup, related_name="machines")
    security_groups = models.ManyToManyField(SecurityGroup, related_name="machines")
    key_pairs = models.ManyToManyField(SshKeyPair, related_name="machines")
    ssh_public_keys = models.TextField(blank=True)  # one a line, as the guest gets them
    user_data = models.TextField(blank=True)  # base64
    user_data_source = models.ForeignKey(
        UserData, null=True, on_delete=models.SET_NULL, related_name="machines"
    )
    user_data_details = models.JSONField(default=dict)
    keyboard = models.CharField(max_length=16, default="us")
    boot_type = models.CharField(max_length=8, default="BIOS")  # BIOS, UEFI
    boot_mode = models.CharField(max_length=8, default="Legacy")  # Legacy, Secure
    details = models.JSONField(default=dict)
    ha_enabled = models.BooleanField(default=False)
    dynamic_scaling = models.BooleanField(default=False)
    delete_protection = models.BooleanField(default=False)
    display = models.BooleanField(default=True)
    # A new password waits here, sealed, until a start has handed it to the guest.
    sealed_password = models.TextField(blank=True)
    # The same, encrypted for the holder of the SSH key (getVMPassword).
    encrypted_password = models.TextField(blank=True)
    # Whether it counts against its owner's limits, so that giving back twice gives back once.
    counted = models.BooleanField(default=False, editable=False)
    # Host tags it counts under, as limits.tag_words writes them.
    counted_tags = models.CharField(max_length=1024, blank=True, default="", editable=False)
    destroyed_at = models.DateTimeField(null=True)  # expunge.delay counts from here
    updated = models.DateTimeField(default=timezone.now)

    objects = LiveManager.from_queryset(MachineQuerySet)()
    everything = models.Manager.from_queryset(MachineQuerySet)()

    class Meta:
        indexes = [
            models.Index(fields=["account", "removed"], name="vm_by_account"),
            models.Index(fields=["removed", "state", "of_project"], name="vm_by_state"),
            models.Index(fields=["removed", "name"], name="vm_by_name"),
            models.Index(fields=["removed", "zone", "of_project"], name="vm_by_zone"),
            models.Index(fields=["removed", "created"], name="vm_by_age"),
            models.Index(fields=["removed", "of_project"], name="vm_of_project"),
        ]

    def apply(self, event: str, **also: object) -> None:
        """As Stateful's; every move is timed, so that older power reports can be told apart."""
        super().apply(event, **{"state_at": timezone.now(), **also})

    @property
    def label(self) -> str:
        return self.display_name or self.name

    @property
    def cpu_mhz(self) -> int:
        """What the machine takes of a host's CPU capacity."""
        return self.vcpus * self.cpu_speed_mhz

    @property
    def is_running(self) -> bool:
        return self.state == VmState.RUNNING


class Sample(models.Model):
    """What was measured of a guest at one moment; counters are since its start."""

    at = models.DateTimeField(default=timezone.now)
    cpu_time_ns = models.PositiveBigIntegerField(default=0)
    cpu_percent = models.FloatField(default=0)
    memory_kb = models.PositiveBigIntegerField(default=0)
    memory_target_kb = models.PositiveBigIntegerField(default=0)
    disk_read_bytes = models.PositiveBigIntegerField(default=0)
    disk_write_bytes = models.PositiveBigIntegerField(default=0)
    disk_read_ops = models.PositiveBigIntegerField(default=0)
    disk_write_ops = models.PositiveBigIntegerField(default=0)
    network_read_bytes = models.PositiveBigIntegerField(default=0)
    network_write_bytes = models.PositiveBigIntegerField(default=0)

    class Meta:
        abstract = True


class VmSample(Sample):
    """One measurement of a running machine; rates are since the sample before it."""

    OWNER = "machine__account"
    uuid = models.UUIDField(default=uuids.uuid4, unique=True, editable=False)
    machine = models.ForeignKey(VirtualMachine, on_delete=models.CASCADE, related_name="samples")

    objects = models.Manager.from_queryset(OwnedQuerySet)()

    class Meta:
        indexes = [models.Index(fields=["machine", "at"], name="sample_by_machine")]
