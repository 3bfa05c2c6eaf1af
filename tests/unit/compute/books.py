"""The books must balance: rows, counts, promises and what simulated hosts really have."""

from django.db.models import Sum
from django.utils import timezone

from accounts.models import Account, ResourceCount
from accounts.services import limits
from compute.models import Nic, VirtualMachine, VolumeAttachment
from compute.services import power, strays
from compute.states import TRANSITIONAL
from infra import agents
from infra.models import Host, HostCapacity
from jobs.models import AsyncJob, JobStatus, Lease, Trouble
from jobs.worker import run_everything
from network.models import GuestAddress
from storage.models import PoolTemplate, Snapshot, StoragePool, Volume

_BUSY = ("Creating", "Attaching", "Resizing", "Snapshotting", "RevertSnapshotting", "Restoring",
         "Expunging")  # fmt: skip


def hear_hosts(world):
    """Each host's report, as the monitor would hand it on, and the clean-up that follows."""
    for host in Host.objects.filter(status="Up"):
        report = agents.call(host, "host.power")
        now = timezone.now()
        power.heard(host, report.states, now)
        strays.compare(host, report.states, now)
    run_everything()


def assert_balanced(world):
    _jobs()
    _machines()
    _capacity()
    _addresses()
    _quota()
    _pools()
    _domains(world)
    _files(world)


def _jobs():
    pending = AsyncJob.objects.filter(status=JobStatus.PENDING)
    assert [f"{j.plan}: {j.note}" for j in pending] == []
    assert not Lease.objects.exclude(job=None).exists()
    assert list(Trouble.objects.filter(closed=None).values_list("sentence", flat=True)) == []


def _machines():
    for vm in VirtualMachine.objects.all():
        assert vm.state not in TRANSITIONAL, f"{vm} is {vm.state}"
        assert (vm.host is not None) == (vm.state == "Running"), f"{vm} {vm.state} {vm.host}"
    for volume in Volume.objects.all():
        assert volume.state not in _BUSY, f"{volume} is {volume.state}"
    for snapshot in Snapshot.objects.all():
        assert snapshot.state in ("BackedUp", "Error"), f"{snapshot} is {snapshot.state}"
    gone = VolumeAttachment.objects.exclude(volume__removed=None)
    assert not gone.exists()
    assert not VolumeAttachment.objects.exclude(machine__removed=None).exists()


def _capacity():
    for row in HostCapacity.objects.all():
        machines = VirtualMachine.objects.filter(host=row.host_id)
        mhz = sum(vm.cpu_mhz for vm in machines)
        used = (row.cpu_used_mhz, row.memory_used_mb, row.cores_used)
        assert used == (mhz, sum(v.memory_mb for v in machines), sum(v.vcpus for v in machines))


def _addresses():
    used = set(Nic.objects.values_list("address", flat=True))
    assert used == set(GuestAddress.objects.values_list("pk", flat=True))
    assert not Nic.objects.exclude(machine__removed=None).exists()
    assert not Nic.objects.filter(machine__state="Error").exists()


def _quota():
    for account in Account.objects.all():
        for resource, count in limits.COUNTERS.items():
            row = ResourceCount.objects.filter(account=account, resource=resource).first()
            real = count([account.pk]).get(account.pk, 0)
            assert (row.used if row else 0) == real, f"{account}: {resource.name}"


def _pools():
    for pool in StoragePool.objects.all():
        volumes = Volume.everything.filter(pool=pool).aggregate(n=Sum("reserved_bytes"))["n"] or 0
        bases = PoolTemplate.objects.filter(pool=pool).aggregate(n=Sum("reserved_bytes"))["n"] or 0
        assert pool.allocated_bytes == volumes + bases


def _domains(world):
    there = {
        (host, uuid): domain.power
        for host in world.ledger.groups("domains")
        for uuid, domain in world.ledger.group("domains", host).items()
    }
    running = VirtualMachine.objects.filter(state="Running").select_related("host")
    assert there == {(str(vm.host.uuid), str(vm.uuid)): "PowerOn" for vm in running}
    for vm in running:
        spec = world.domain(str(vm.host.uuid), str(vm.uuid)).spec
        disks = VolumeAttachment.objects.filter(machine=vm, volume__state="Ready")
        assert {d.source.name for d in spec.disks} == set(
            disks.values_list("volume__path", flat=True)
        )
        nics = Nic.objects.filter(machine=vm)
        assert {n.mac for n in spec.nics} == set(nics.values_list("address__mac", flat=True))
        assert bool(spec.cdrom and spec.cdrom.source) == (vm.iso_id is not None)


def _files(world):
    there = {
        (pool, name)
        for pool in world.ledger.groups("files")
        for name in world.ledger.group("files", pool)
    }
    rows = Volume.everything.exclude(pool=None).exclude(state="Allocated")
    wanted = {(str(v.pool.uuid), v.path) for v in rows.select_related("pool")}
    bases = PoolTemplate.objects.filter(state="Ready").select_related("pool")
    wanted |= {(str(b.pool.uuid), b.name) for b in bases}
    # The file of a template that could not be brought to a pool goes with its row, later.
    failed = PoolTemplate.objects.filter(state="Failed").select_related("pool")
    assert there - {(str(b.pool.uuid), b.name) for b in failed} == wanted
