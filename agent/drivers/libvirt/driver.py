"""The libvirt driver: what agent.drivers.base.Driver asks, from the parts beside it."""

from __future__ import annotations

from agent import protocol as p
from agent.config import AgentConfig
from agent.drivers.base import Listener
from agent.drivers.libvirt.blockcopy import BlockCopy
from agent.drivers.libvirt.console import Console
from agent.drivers.libvirt.context import Context
from agent.drivers.libvirt.devices import Devices
from agent.drivers.libvirt.domains import Domains
from agent.drivers.libvirt.events import Events
from agent.drivers.libvirt.host import Host
from agent.drivers.libvirt.preflight import Checks
from agent.network.filtering import Filtering
from agent.network.shaping import Shaping
from agent.tasks import Task


class LibvirtDriver:
    """See agent.drivers.fake.FakeDriver for what each method promises."""

    def __init__(self, config: AgentConfig) -> None:
        self._context = Context(config)
        self._events = Events(self._context.connection)
        shaping, filtering = Shaping(), Filtering()
        self._domains = Domains(self._context, self._events, shaping, filtering)
        self._devices = Devices(self._context, shaping, filtering)
        self._copies = BlockCopy(self._context)
        self._console = Console(self._context)
        self._host = Host(self._context, self._domains)
        self._checks = Checks(self._context)

    def facts(self) -> p.HostFacts:
        return self._host.facts()

    def preflight(self, wanted: p.Preflight) -> p.PreflightReport:
        return self._checks.run(wanted)

    def stats(self) -> p.HostStats:
        return self._host.stats()

    def power(self) -> p.PowerReport:
        return self._domains.power()

    def listen(self, listener: Listener) -> None:
        self._events.listen(listener)

    def start(self, spec: p.DomainSpec, task: Task) -> p.DomainState:
        return self._domains.start(spec, task)

    def stop(self, wanted: p.StopDomain, task: Task) -> p.DomainState:
        return self._domains.stop(wanted, task)

    def reboot(self, wanted: p.RebootDomain, task: Task) -> p.DomainState:
        return self._domains.reboot(wanted, task)

    def remove(self, uuid: str) -> None:
        self._domains.remove(uuid)

    def state(self, uuid: str) -> p.DomainState:
        return self._domains.state(uuid)

    def attach_disk(self, wanted: p.AttachDisk) -> None:
        self._devices.attach_disk(wanted)

    def detach_disk(self, wanted: p.DetachDisk, task: Task) -> None:
        self._devices.detach_disk(wanted, task)

    def attach_nic(self, wanted: p.AttachNic) -> None:
        self._devices.attach_nic(wanted)

    def detach_nic(self, wanted: p.DetachNic, task: Task) -> None:
        self._devices.detach_nic(wanted, task)

    def filter(self, wanted: p.FilterDomain) -> None:
        self._devices.filter(wanted)

    def change_cdrom(self, wanted: p.ChangeCdrom) -> None:
        self._devices.change_cdrom(wanted)

    def console(self, uuid: str) -> p.ConsoleAddress:
        return self._console.address(uuid)

    def screenshot(self, uuid: str) -> p.Screenshot:
        return self._console.screenshot(uuid)

    def resize_disk(self, uuid: str, disk: p.DiskRef, size_bytes: int) -> None:
        self._devices.resize_disk(uuid, disk, size_bytes)

    def copy_disk(self, uuid: str, disk: p.DiskRef, target: str, quiesce: bool, task: Task) -> None:
        self._copies.copy_disk(uuid, disk, target, quiesce, task)

    def close(self) -> None:
        self._events.close()
        self._context.connection.close()
