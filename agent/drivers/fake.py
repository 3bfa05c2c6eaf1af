"""The *Simulator* hypervisor. Its docstrings say what every driver must do."""

from __future__ import annotations

import dataclasses
import math
import time
import zlib

from agent import protocol as p
from agent.drivers import screen
from agent.drivers.base import Listener
from agent.drivers.world import SimDomain, World
from agent.tasks import Task

VERSION = "1.0"


class FakeDriver:
    """One simulated host in a World. Holds nothing itself: thousands are cheap."""

    def __init__(
        self,
        world: World,
        uuid: str,
        name: str,
        *,
        cpus: int = 32,
        memory_mb: int = 131072,
        address: str = "127.0.0.1",
    ) -> None:
        self._world = world
        self._uuid = uuid
        self._name = name
        self._cpus = cpus
        self._memory_mb = memory_mb
        self._address = address

    def facts(self) -> p.HostFacts:
        """What this host is. Raises HypervisorUnavailable when the hypervisor does not answer."""
        self._world.check_up(self._uuid)
        return p.HostFacts(
            name=self._name,
            uuid=self._uuid,
            cpus=self._cpus,
            cpu_sockets=min(4, self._cpus),
            cpu_speed_mhz=2400,
            memory_mb=self._memory_mb,
            hypervisor="Simulator",
            accelerator="simulated",
            hypervisor_version=VERSION,
            os_name="Simulator",
            address=self._address,
            agent_version=str(p.VERSION),
            cpu_model="Simulated",
        )

    def preflight(self, wanted: p.Preflight) -> p.PreflightReport:
        """Every named check with what was seen and, where it fails, how to mend it.

        Never raises for what it finds: a dead hypervisor is a failed check.
        """
        try:
            self._world.check_up(self._uuid)
        except p.HypervisorUnavailable as error:
            cure = "Bring the simulated hypervisor up again."
            return p.PreflightReport((p.Check("hypervisor", False, error.message, cure),))
        seen = f"simulator {VERSION}, {self._cpus} CPUs, {self._memory_mb} MiB"
        return p.PreflightReport((p.Check("hypervisor", True, seen),))

    def stats(self) -> p.HostStats:
        """A sample of what the host and each running domain use; off domains are left out."""
        self._world.check_up(self._uuid)
        running = [d for d in self._domains().values() if d.power == "PowerOn"]
        busy = sum(_busy_now(d) for d in running)
        used = {d.spec.uuid: _usage(d) for d in running}
        memory_kb = sum(u.memory_kb for u in used.values())
        return p.HostStats(
            cpu_used_percent=min(100.0, 0.5 + 100.0 * busy / self._cpus),
            memory_used_mb=min(self._memory_mb, 1024 + memory_kb // 1024),
            load_1m=round(0.05 + busy, 2),
            network_read_kb=sum(u.network_read_bytes for u in used.values()) // 1024,
            network_write_kb=sum(u.network_write_bytes for u in used.values()) // 1024,
            domains=used,
        )

    def power(self) -> p.PowerReport:
        """The state of every domain of ours that this host has, running or only defined."""
        self._world.check_up(self._uuid)
        return p.PowerReport(tuple(_state(d) for d in self._domains().values()))

    def listen(self, listener: Listener) -> None:
        """Call ``listener`` with a DomainEvent for every change, however it came about.

        Called from another thread; ``resync`` says that events may have been missed.
        """
        self._world.listen(self._uuid, listener)

    def start(self, spec: p.DomainSpec, task: Task) -> p.DomainState:
        """Bring a domain to running as ``spec`` has it.

        Already running: left as it is. Off: the definition is replaced by ``spec``. When it
        cannot start, nothing of it stays behind. Raises NoSuchVolume for a missing disk,
        OperationFailed when the hypervisor refuses (a disk another running domain has, say).
        """
        self._world.check_up(self._uuid)
        with self._world.guard:
            domain = self._world.domain(self._uuid, spec.uuid)
            if domain is None or domain.power != "PowerOn":
                self._check_disks(spec)
                kept = dataclasses.replace(spec, config_drive=None)
                domain = SimDomain(kept, "PowerOn", "started", time.time())
                self._world.put_domain(self._uuid, domain)
            return _state(domain)

    def stop(self, wanted: p.StopDomain, task: Task) -> p.DomainState:
        """Bring a domain to shut off, and return when it is; one not there is PowerMissing.

        Asks the guest first. If it is still up after ``timeout_s``: cuts the power when
        ``forced``, else raises GuestIgnoredShutdown. ``timeout_s`` 0 with ``forced`` cuts at
        once.
        """
        self._world.check_up(self._uuid)
        domain = self._world.domain(self._uuid, wanted.uuid)
        if domain is None:
            return p.DomainState(wanted.uuid, "PowerMissing")
        if domain.power == "PowerOn":
            polite = wanted.uuid not in self._world.deaf_guests
            if not polite and not wanted.forced:
                raise p.GuestIgnoredShutdown(
                    f"{domain.spec.name} did not shut down within {wanted.timeout_s} s."
                )
            reason = "shutdown" if polite and wanted.timeout_s else "destroyed"
            domain = dataclasses.replace(domain, power="PowerOff", reason=reason)
            self._world.put_domain(self._uuid, domain)
        return _state(domain)

    def reboot(self, wanted: p.RebootDomain, task: Task) -> p.DomainState:
        """Restart a running guest: asks it, and with ``forced`` resets it after ``timeout_s``.

        Raises NoSuchDomain, OperationFailed when it is off.
        """
        domain = self._running(wanted.uuid)
        domain = dataclasses.replace(domain, since=time.time(), reason="started")
        self._world.put_domain(self._uuid, domain)
        return _state(domain)

    def remove(self, uuid: str) -> None:
        """Bring a domain to *not there*: power, definition, config drive, console log gone."""
        self._world.check_up(self._uuid)
        self._world.drop_domain(self._uuid, uuid)

    def state(self, uuid: str) -> p.DomainState:
        """A domain's power now; PowerMissing when the host does not have it."""
        self._world.check_up(self._uuid)
        domain = self._world.domain(self._uuid, uuid)
        return p.DomainState(uuid, "PowerMissing") if domain is None else _state(domain)

    def attach_disk(self, wanted: p.AttachDisk) -> None:
        """Have a running domain see a disk. Off: nothing to do, the next start brings it.

        Raises NoSuchDomain, NoSuchVolume, OperationFailed when another disk has its place.
        """
        domain = self._present(wanted.uuid)
        if domain.power != "PowerOn" or wanted.disk in domain.spec.disks:
            return
        if any(d.device_id == wanted.disk.device_id for d in domain.spec.disks):
            raise p.OperationFailed(
                f"{domain.spec.name} already has a disk at device {wanted.disk.device_id}."
            )
        with self._world.guard:
            self._check_disks(dataclasses.replace(domain.spec, disks=(wanted.disk,), cdrom=None))
            self._respec(domain, disks=(*domain.spec.disks, wanted.disk))

    def detach_disk(self, wanted: p.DetachDisk, task: Task) -> None:
        """Have no running domain of this uuid see the disk; absent or off is fine.

        Raises OperationFailed when the guest does not let go within ``timeout_s``.
        """
        domain = self._maybe(wanted.uuid)
        if domain is None:
            return
        source = wanted.disk.source
        if any(d.source == source for d in domain.spec.disks):
            if domain.power == "PowerOn" and wanted.uuid in self._world.deaf_guests:
                raise p.OperationFailed(
                    f"The guest in {domain.spec.name} did not release disk {source.name} "
                    f"within {wanted.timeout_s} s."
                )
            left = tuple(d for d in domain.spec.disks if d.source != source)
            self._respec(domain, disks=left)

    def attach_nic(self, wanted: p.AttachNic) -> None:
        """Have a running domain see a NIC; known by its MAC. Raises NoSuchDomain."""
        domain = self._present(wanted.uuid)
        if domain.power == "PowerOn" and wanted.nic.mac not in _macs(domain.spec):
            self._respec(domain, nics=(*domain.spec.nics, wanted.nic))

    def detach_nic(self, wanted: p.DetachNic, task: Task) -> None:
        """Have no running domain of this uuid see the NIC; absent or off is fine."""
        domain = self._maybe(wanted.uuid)
        if domain is not None and wanted.mac in _macs(domain.spec):
            left = tuple(n for n in domain.spec.nics if n.mac != wanted.mac)
            self._respec(domain, nics=left)

    def filter(self, wanted: p.FilterDomain) -> None:
        """Have the cards of a running domain, known by their MACs, pass what their ``rules``
        allow from now on. Off: nothing to do. Raises NoSuchDomain, OperationFailed."""
        domain = self._present(wanted.uuid)
        if domain.power == "PowerOn":
            ruled = {n.mac: n.rules for n in wanted.nics if n.rules is not None}
            nics = tuple(
                dataclasses.replace(n, rules=ruled.get(n.mac, n.rules)) for n in domain.spec.nics
            )
            self._respec(domain, nics=nics)

    def change_cdrom(self, wanted: p.ChangeCdrom) -> None:
        """Lay an image in the CD drive of a running domain, or empty it. Raises NoSuchDomain."""
        domain = self._present(wanted.uuid)
        if domain.power == "PowerOn":
            spec = dataclasses.replace(domain.spec, disks=(), cdrom=wanted.cdrom)
            self._check_disks(spec)
            self._respec(domain, cdrom=wanted.cdrom)

    def console(self, uuid: str) -> p.ConsoleAddress:
        """Where screen and serial line are; port 0 when the hypervisor shows none.

        Raises NoSuchDomain, OperationFailed when it is off.
        """
        domain = self._running(uuid)
        keyboard = self._world.keyboard(uuid)
        port = screen.show(domain.spec.name, lambda: self._screen(uuid), keyboard)
        return p.ConsoleAddress("127.0.0.1", port)

    def screenshot(self, uuid: str) -> p.Screenshot:
        """The screen as PNG. Raises NoSuchDomain, OperationFailed when it is off."""
        self._running(uuid)
        return p.Screenshot(screen.png(self._screen(uuid) or ()))

    def resize_disk(self, uuid: str, disk: p.DiskRef, size_bytes: int) -> None:
        """Grow a disk of a running domain, guest and file. Raises NoSuchDomain, NoSuchVolume."""
        domain = self._running(uuid)
        self._disk_of(domain, disk)
        file = self._world.ledger.get("files", disk.pool.uuid, disk.name)
        if file is None:
            raise p.NoSuchVolume(f"Volume {disk.name} is not on pool {disk.pool.uuid}.")
        grown = dataclasses.replace(file, virtual_bytes=size_bytes)
        self._world.ledger.put("files", disk.pool.uuid, disk.name, grown)

    def copy_disk(self, uuid: str, disk: p.DiskRef, target: str, quiesce: bool, task: Task) -> None:
        """Write a running domain's disk, as it is at this moment, to an empty qcow2 file.

        The domain's own chain of files is never changed, so a death in the middle leaves only
        the target to throw away. ``quiesce`` freezes the guest's file systems for the moment
        of the start, when its agent can. Raises NoSuchDomain, OperationFailed, Cancelled.
        """
        domain = self._running(uuid)
        self._disk_of(domain, disk)
        task(100.0)

    def close(self) -> None:
        """Let go of the hypervisor; guests go on."""

    # ----------------------------------------------------------------------------------

    def _screen(self, uuid: str) -> list[str] | None:
        """What the guest shows: who it is, where, how it is, the time, and what was typed."""
        domain = self._world.domain(self._uuid, uuid)
        if domain is None or domain.power != "PowerOn":
            return None
        spec, now = domain.spec, time.time()
        keyboard = self._world.keyboard(uuid)
        return [
            spec.title or spec.name,
            "",
            f"Simulated guest {spec.name}",
            f"Host   {self._name}",
            f"State  running for {_duration(now - domain.since)}",
            f"Size   {spec.vcpus} vCPU, {spec.memory_mb} MiB",
            *(f"Card   {nic.mac} {nic.ip4}" for nic in spec.nics[:4]),
            f"Clock  {time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(now))} UTC",
            "",
            *(f"       {line}" for line in keyboard.said),
            f"login: {keyboard.line}_",
        ]

    def _domains(self) -> dict[str, SimDomain]:
        return self._world.ledger.group("domains", self._uuid)

    def _maybe(self, uuid: str) -> SimDomain | None:
        self._world.check_up(self._uuid)
        return self._world.domain(self._uuid, uuid)

    def _present(self, uuid: str) -> SimDomain:
        domain = self._maybe(uuid)
        if domain is None:
            raise p.NoSuchDomain(f"Host {self._name} has no domain {uuid}.")
        return domain

    def _running(self, uuid: str) -> SimDomain:
        domain = self._present(uuid)
        if domain.power != "PowerOn":
            raise p.OperationFailed(f"{domain.spec.name} is off.")
        return domain

    def _disk_of(self, domain: SimDomain, disk: p.DiskRef) -> None:
        if all(d.source.name != disk.name for d in domain.spec.disks):
            raise p.NoSuchVolume(f"{domain.spec.name} has no disk {disk.name}.")

    def _respec(self, domain: SimDomain, **changes: object) -> None:
        spec = dataclasses.replace(domain.spec, **changes)  # type: ignore[arg-type]
        self._world.put_domain(self._uuid, dataclasses.replace(domain, spec=spec))

    def _check_disks(self, spec: p.DomainSpec) -> None:
        sources = [disk.source for disk in spec.disks]
        for source in sources:
            if self._world.ledger.get("files", source.pool.uuid, source.name) is None:
                raise p.NoSuchVolume(f"Volume {source.name} is not on pool {source.pool.uuid}.")
            others = self._world.users(source) - {(self._uuid, spec.uuid)}
            if others:
                raise p.OperationFailed(
                    f"{spec.name} cannot have disk {source.name}: a running domain has it."
                )
        if spec.cdrom is not None and spec.cdrom.source is not None:
            self._check_cdrom(spec.cdrom.source)

    def _check_cdrom(self, source: p.DiskRef) -> None:
        ledger = self._world.ledger
        if (
            ledger.get("files", source.pool.uuid, source.name) is None
            and ledger.get("images", source.pool.path, source.name) is None
        ):
            raise p.NoSuchVolume(f"Image {source.name} is not on {source.pool.uuid}.")


def _state(domain: SimDomain) -> p.DomainState:
    return p.DomainState(domain.spec.uuid, domain.power, domain.spec.name, domain.reason)


def _macs(spec: p.DomainSpec) -> set[str]:
    return {nic.mac for nic in spec.nics}


def _usage(domain: SimDomain) -> p.DomainStats:
    """Counters that only grow, each guest at a pace of its own that swings over minutes."""
    up_s = max(0.0, time.time() - domain.since)
    spec = domain.spec
    seed = zlib.crc32(spec.uuid.encode())
    busy = 0.02 + (seed % 97) / 250  # of each vCPU, on average
    swing_s = 120.0 + seed % 600
    pace = 2 * math.pi / swing_s
    # The integral of busy × (1 + sin): it never shrinks.
    worked_s = busy * (up_s + (1 - math.cos(pace * up_s)) / pace)
    wired = bool(spec.nics)
    return p.DomainStats(
        cpu_time_ns=int(worked_s * spec.vcpus * 1e9),
        vcpus=spec.vcpus,
        memory_kb=int(spec.memory_mb * 1024 * (0.3 + seed % 50 / 100)),
        memory_target_kb=spec.memory_mb * 1024,
        disk_read_bytes=int(worked_s * 80_000),
        disk_write_bytes=int(worked_s * 160_000),
        disk_read_ops=int(worked_s * 20),
        disk_write_ops=int(worked_s * 40),
        network_read_bytes=int(worked_s * 20_000) * wired,
        network_write_bytes=int(worked_s * 10_000) * wired,
        disks=_disk_usage(spec, worked_s),
    )


def _disk_usage(spec: p.DomainSpec, worked_s: float) -> dict[str, p.DiskStats]:
    """What the guest reads and writes, spread evenly over its disks."""
    each = worked_s / max(1, len(spec.disks))
    stats = p.DiskStats(
        read_bytes=int(each * 80_000),
        write_bytes=int(each * 160_000),
        read_ops=int(each * 20),
        write_ops=int(each * 40),
    )
    return {str(disk.device_id): stats for disk in spec.disks}


def _busy_now(domain: SimDomain) -> float:
    """vCPUs that the guest keeps busy at this moment: what its counter grows by."""
    seed = zlib.crc32(domain.spec.uuid.encode())
    up_s = time.time() - domain.since
    wave = 1 + math.sin(2 * math.pi * up_s / (120.0 + seed % 600))
    return domain.spec.vcpus * (0.02 + (seed % 97) / 250) * wave


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
