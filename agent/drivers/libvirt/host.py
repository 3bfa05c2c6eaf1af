"""What a host is and what it is busy with."""

from __future__ import annotations

import os
import socket
import threading
import time
from pathlib import Path
from typing import Any

from agent import protocol as p
from agent.config import AgentConfig
from agent.drivers.libvirt.accelerator import Choice
from agent.drivers.libvirt.connection import libvirt
from agent.drivers.libvirt.context import Context
from agent.drivers.libvirt.domains import Domains


class Host:
    def __init__(self, context: Context, domains: Domains) -> None:
        self._context = context
        self._domains = domains
        self._cpu = CpuMeter()

    def facts(self) -> p.HostFacts:
        choice = self._context.accelerator.choice()
        with self._context.connection.use("look at the host") as conn:
            return _facts(conn, self._context.config, choice)

    def stats(self) -> p.HostStats:
        wanted = (
            libvirt.VIR_DOMAIN_STATS_CPU_TOTAL
            | libvirt.VIR_DOMAIN_STATS_BALLOON
            | libvirt.VIR_DOMAIN_STATS_VCPU
            | libvirt.VIR_DOMAIN_STATS_INTERFACE
            | libvirt.VIR_DOMAIN_STATS_BLOCK
        )
        with self._context.connection.use("measure the host") as conn:
            found = conn.getAllDomainStats(wanted, libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE)
            domains = {
                domain.UUIDString(): domain_stats(values)
                for domain, values in found
                if self._domains.is_ours(domain)
            }
        read_kb, write_kb = _network_kb()
        return p.HostStats(
            cpu_used_percent=self._cpu.used_percent(),
            memory_used_mb=_memory_used_mb(),
            load_1m=os.getloadavg()[0],
            network_read_kb=read_kb,
            network_write_kb=write_kb,
            domains=domains,
        )


def _facts(conn: Any, config: AgentConfig, choice: Choice) -> p.HostFacts:
    model, _memory, cpus, mhz, _nodes, sockets, _cores, _threads = conn.getInfo()
    return p.HostFacts(
        name=config.host_name,
        uuid=config.host_uuid or _host_uuid(conn),
        cpus=cpus,
        cpu_sockets=max(1, sockets),
        cpu_speed_mhz=mhz,
        memory_mb=_memory_mb(),
        hypervisor="KVM",
        accelerator="kvm" if choice.accelerated else "tcg",
        hypervisor_version=dotted(conn.getVersion()),
        libvirt_version=dotted(conn.getLibVersion()),
        os_name=_os_name(),
        kernel=os.uname().release,
        arch=str(model) or os.uname().machine,
        address=config.address or own_address(),
        agent_version=str(p.VERSION),
        cpu_model=_cpu_model(),
    )


class CpuMeter:
    """Percent of all processors in use since it was last asked; 0 the first time."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._last = _cpu_ticks()
        self._value = 0.0
        self._at = time.monotonic()

    def used_percent(self) -> float:
        with self._guard:
            if time.monotonic() - self._at < 0.5:
                return self._value
            busy, total = _cpu_ticks()
            busy_before, total_before = self._last
            passed = total - total_before
            if passed > 0:
                self._value = round(100.0 * (busy - busy_before) / passed, 1)
                self._last = (busy, total)
                self._at = time.monotonic()
            return self._value


def domain_stats(values: dict[str, Any]) -> p.DomainStats:
    """From libvirt's flat names (virConnectGetAllDomainStats)."""

    def total(prefix: str, *what: str) -> int:
        count = int(values.get(f"{prefix}.count", 0))
        return sum(
            int(values.get(f"{prefix}.{i}.{name}", 0)) for i in range(count) for name in what
        )

    current = int(values.get("balloon.current", 0))
    unused = int(values.get("balloon.usable", values.get("balloon.unused", 0)))
    return p.DomainStats(
        cpu_time_ns=int(values.get("cpu.time", 0)),
        vcpus=int(values.get("vcpu.current", 0)),
        memory_kb=max(0, current - unused),
        memory_target_kb=current,
        disk_read_bytes=total("block", "rd.bytes"),
        disk_write_bytes=total("block", "wr.bytes"),
        disk_read_ops=total("block", "rd.reqs"),
        disk_write_ops=total("block", "wr.reqs"),
        network_read_bytes=total("net", "rx.bytes"),
        network_write_bytes=total("net", "tx.bytes"),
        disks=_disk_stats(values),
    )


def _disk_stats(values: dict[str, Any]) -> dict[str, p.DiskStats]:
    """``vda`` is device 0. Where a CD drive has the letter of a disk on virtio, the disk is
    meant."""
    found: dict[str, tuple[str, p.DiskStats]] = {}
    for i in range(int(values.get("block.count", 0))):
        name = str(values.get(f"block.{i}.name", ""))
        device = str(ord(name[-1]) - ord("a")) if name[-1:].isalpha() else ""
        if not device or (device in found and found[device][0].startswith("vd")):
            continue
        read, wrote = f"block.{i}.rd", f"block.{i}.wr"
        stats = p.DiskStats(
            read_bytes=int(values.get(f"{read}.bytes", 0)),
            write_bytes=int(values.get(f"{wrote}.bytes", 0)),
            read_ops=int(values.get(f"{read}.reqs", 0)),
            write_ops=int(values.get(f"{wrote}.reqs", 0)),
        )
        found[device] = (name, stats)
    return {device: stats for device, (_, stats) in found.items()}


def dotted(version: int) -> str:
    """libvirt counts 7.2.22 as 7002022."""
    return f"{version // 1_000_000}.{version // 1000 % 1000}.{version % 1000}"


def own_address() -> str:
    """The address this machine would use towards the outside; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("198.51.100.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def _host_uuid(conn: Any) -> str:
    start, end = "<uuid>", "</uuid>"
    capabilities = conn.getCapabilities()
    return str(capabilities[capabilities.index(start) + len(start) : capabilities.index(end)])


def _meminfo() -> dict[str, int]:
    lines = Path("/proc/meminfo").read_text().splitlines()
    return {key: int(rest.split()[0]) for key, rest in (line.split(":", 1) for line in lines)}


def _memory_mb() -> int:
    return _meminfo()["MemTotal"] // 1024


def _memory_used_mb() -> int:
    info = _meminfo()
    return (info["MemTotal"] - info["MemAvailable"]) // 1024


def _cpu_ticks() -> tuple[int, int]:
    fields = [int(x) for x in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    idle = fields[3] + fields[4]
    return sum(fields) - idle, sum(fields)


def _network_kb() -> tuple[int, int]:
    """Bytes over devices that lead outside: taps, veths and bridges would count twice."""
    read = write = 0
    for line in Path("/proc/net/dev").read_text().splitlines()[2:]:
        name, rest = line.split(":", 1)
        if not Path("/sys/class/net", name.strip(), "device").exists():
            continue
        fields = rest.split()
        read, write = read + int(fields[0]), write + int(fields[8])
    return read // 1024, write // 1024


def _os_name() -> str:
    try:
        lines = Path("/etc/os-release").read_text().splitlines()
    except OSError:
        return "Linux"
    values = dict(line.split("=", 1) for line in lines if "=" in line)
    return values.get("PRETTY_NAME", "Linux").strip('"')


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return ""
