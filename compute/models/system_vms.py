"""The cloud's own machines: what zones of simulated hosts have for consoles and images."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from accounts.models import Entity
from accounts.querysets import AdminQuerySet, LiveManager
from compute.models.machines import Sample
from compute.models.offerings import ServiceOffering
from compute.states import Power, VmEvent, VmState
from core.states import Stateful
from infra.models import Host, Pod, PodAddress, Zone
from storage.models import Volume

CONSOLE_PROXY, SECONDARY_STORAGE = "consoleproxy", "secondarystoragevm"
TYPES = (CONSOLE_PROXY, SECONDARY_STORAGE)

_S, _E = VmState, VmEvent


class SystemVm(Stateful, Entity):
    """``s-1-VM`` or ``v-2-VM``. While it has a host it counts there; its disk and its
    management address are its own until it is gone. ``rests`` says that a person stopped it, so
    that nobody else starts it again."""

    KIND = "System VM"
    TRANSITIONS = {
        (_S.STOPPED, _E.START): _S.STARTING,
        (_S.STARTING, _E.STARTED): _S.RUNNING,
        (_S.STARTING, _E.FAILED): _S.STOPPED,
        (_S.RUNNING, _E.STOP): _S.STOPPING,
        (_S.STOPPING, _E.STOPPED): _S.STOPPED,
        (_S.STOPPING, _E.FAILED): _S.RUNNING,
        (_S.RUNNING, _E.REBOOTED): _S.RUNNING,
        (_S.RUNNING, "MIGRATE"): _S.MIGRATING,
        (_S.MIGRATING, "MIGRATED"): _S.RUNNING,
        (_S.MIGRATING, _E.FAILED): _S.STOPPED,
        (_S.STOPPED, _E.DESTROY): _S.DESTROYED,
        (_S.RUNNING, _E.DESTROY): _S.DESTROYED,
        (_S.RUNNING, _E.SEEN_OFF): _S.STOPPED,
        (_S.STARTING, _E.SEEN_OFF): _S.STOPPED,
        (_S.STOPPING, _E.SEEN_OFF): _S.STOPPED,
        (_S.MIGRATING, _E.SEEN_OFF): _S.STOPPED,
    }

    type = models.CharField(max_length=32)  # consoleproxy, secondarystoragevm
    zone = models.ForeignKey(Zone, on_delete=models.PROTECT, related_name="system_vms")
    pod = models.ForeignKey(Pod, null=True, on_delete=models.PROTECT, related_name="system_vms")
    host = models.ForeignKey(Host, null=True, on_delete=models.PROTECT, related_name="system_vms")
    volume = models.OneToOneField(
        Volume, null=True, on_delete=models.PROTECT, related_name="system_vm"
    )
    service_offering = models.ForeignKey(
        ServiceOffering, on_delete=models.PROTECT, related_name="system_vms"
    )
    vcpus = models.PositiveIntegerField(default=1)
    cpu_speed_mhz = models.PositiveIntegerField(default=500)
    memory_mb = models.PositiveIntegerField(default=512)
    private_address = models.OneToOneField(
        PodAddress, null=True, on_delete=models.PROTECT, related_name="system_vm"
    )
    state = models.CharField(max_length=16, default=VmState.STOPPED)
    state_at = models.DateTimeField(default=timezone.now)
    power_state = models.CharField(max_length=24, default=Power.UNKNOWN)
    rests = models.BooleanField(default=False)

    objects = LiveManager.from_queryset(AdminQuerySet)()
    everything = models.Manager.from_queryset(AdminQuerySet)()

    class Meta:
        verbose_name = "system VM"
        constraints = [
            models.UniqueConstraint(fields=["zone", "type", "alive"], name="one_system_vm_of_each"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return name_of(self.type, self.pk)

    @property
    def cpu_mhz(self) -> int:
        return self.vcpus * self.cpu_speed_mhz

    def apply(self, event: str, **also: object) -> None:
        super().apply(event, **{"state_at": timezone.now(), **also})


class SystemVmSample(Sample):
    machine = models.ForeignKey(SystemVm, on_delete=models.CASCADE, related_name="samples")

    objects = models.Manager.from_queryset(AdminQuerySet)()

    class Meta:
        verbose_name = "measurement of a system VM"
        indexes = [models.Index(fields=["machine", "at"], name="system_sample_by_machine")]


def name_of(type_: str, key: int) -> str:
    return f"{'v' if type_ == CONSOLE_PROXY else 's'}-{key}-VM"
