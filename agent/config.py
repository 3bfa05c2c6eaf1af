"""What an agent must be told before it can serve."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class AgentConfig:
    """Where an agent keeps its things and which hypervisor it drives.

    ``data`` holds what must outlive a restart (fences, config drives, console logs, the
    answer of the accelerator probe); ``run`` holds sockets and router files and may be
    emptied by a reboot. ``virt`` is auto, kvm or qemu; auto takes KVM only after a probe
    guest has booted under it.
    """

    data: Path
    run: Path | None = None
    libvirt_uri: str = "qemu:///system"
    virt: str = "auto"
    name: str = ""
    host_uuid: str = ""
    address: str = ""

    # Folder with vmlinuz, initrd.img and guest.json of the probe guest.
    images: Path | None = None
    # Name of a network namespace that plays the machine's own network (tests, several
    # hosts on one machine); empty is the network this process runs in.
    network_namespace: str = ""
    # TCP ports of this machine that guests may reach through their router's uplink.
    router_host_ports: tuple[int, ...] = ()
    # Certificates that downloads trust; empty takes the system's.
    ca_file: str = ""
    # Simulator only: seconds that each operation takes, and where it keeps its world
    # (None keeps it in memory).
    # How slow it is just now: 0 does all at once, 1 takes as long as a real host.
    simulated_pace: Callable[[], float] | None = None
    simulated_state: Path | None = None
    # The portal's uuids of it, its cluster, pod and zone: what mocks may be meant for.
    simulated_places: tuple[str, ...] = ()
    simulated_cpus: int = 32
    simulated_memory_mb: int = 131072

    @property
    def run_path(self) -> Path:
        """Short, because a socket's path may not exceed 107 bytes."""
        if self.run is not None:
            return self.run
        return Path("/run/cloudportal") if os.geteuid() == 0 else self.data / "run"

    @property
    def images_path(self) -> Path:
        return self.images if self.images is not None else self.data / "images"

    @property
    def host_name(self) -> str:
        return self.name or socket.gethostname()
