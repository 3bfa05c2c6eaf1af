"""What is asked of a place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from accounts.models import Account
from compute.models import AffinityGroup, VirtualMachine
from infra.models import Cluster, Host, Pod, Zone
from storage.models import StoragePool, Template, Volume


@dataclass(frozen=True)
class DiskWish:
    """A disk that needs room, or (``pool`` set) one that has its place already.

    ``volume`` is the row that will get the pool; None in a dry run before there is one.
    """

    size_bytes: int
    tags: tuple[str, ...] = ()
    local: bool = False
    label: str = "disk"
    template: Template | None = None
    volume: Volume | None = None
    pool: StoragePool | None = None


@dataclass(frozen=True)
class Wanted:
    """``host``, ``cluster`` and ``pod`` are an administrator's choice; ``last_host`` is tried
    first; ``machine`` is the one to be placed, so that it does not avoid itself; ``owner`` may
    use what is dedicated to its branch. ``full_pods`` have no guest address left."""

    zone: Zone
    hypervisor: str
    vcpus: int
    cpu_mhz: int
    memory_mb: int
    disks: tuple[DiskWish, ...] = ()
    arch: str = ""
    host_tags: tuple[str, ...] = ()
    groups: Sequence[AffinityGroup] = ()
    owner: Account | None = None
    machine: VirtualMachine | None = None
    host: Host | None = None
    cluster: Cluster | None = None
    pod: Pod | None = None
    last_host: Host | None = None
    avoid: frozenset[int] = frozenset()
    full_pods: frozenset[int] = frozenset()

    @property
    def placed_disks(self) -> list[DiskWish]:
        return [d for d in self.disks if d.pool is not None]

    @property
    def new_disks(self) -> list[DiskWish]:
        return [d for d in self.disks if d.pool is None]
