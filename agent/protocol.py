"""What the portal may ask of a host: one table of operations, and the words they are made of.

The only module both sides import. It only grows: a new field has a default, and an unknown
field that arrives from a newer peer is ignored. Sizes are bytes, memory is MiB, times are
seconds unless a name says otherwise.
"""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

VERSION = 1

# -- errors that may cross -------------------------------------------------------------


class AgentError(Exception):
    """A host could not do what was asked. ``transient`` ones are worth another try."""

    transient = False

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class HostUnavailable(AgentError):
    """No agent answers for this host, or the call outlived its time."""

    transient = True


class HypervisorUnavailable(AgentError):
    """libvirt does not answer, or dropped the connection while working."""

    transient = True


class StaleFence(AgentError):
    """The caller's lease was taken over by a later worker; it must stop working."""


class NoSuchDomain(AgentError):
    pass


class GuestIgnoredShutdown(AgentError):
    pass


class NoSuchVolume(AgentError):
    pass


class NoSuchPool(AgentError):
    pass


class VolumeInUse(AgentError):
    pass


class NotEnoughSpace(AgentError):
    transient = True


class ImageRefused(AgentError):
    """The bytes are not an image we accept; the message says what they are."""


class DownloadRefused(AgentError):
    """The address, or what it answered, is against the rules for outbound requests."""


class DownloadFailed(AgentError):
    """The server at the other end did not deliver; may work another day."""

    transient = True


class NetworkFailed(AgentError):
    """A bridge, namespace, dnsmasq or nftables did not reach the wanted state."""


class OperationFailed(AgentError):
    """The hypervisor or a tool said no; the message carries its words."""


class Cancelled(AgentError):
    """The caller asked to stop while the operation ran."""


# -- machines --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PoolRef:
    """A primary pool as a host sees it."""

    uuid: str
    kind: str = "Filesystem"  # CloudStack's StoragePoolType: Filesystem, SharedMountPoint, …
    path: str = ""


@dataclass(frozen=True, slots=True)
class DiskRef:
    """A volume's file. ``name`` is ours (a uuid), never a name a person gave."""

    pool: PoolRef
    name: str
    format: str = "qcow2"


@dataclass(frozen=True, slots=True)
class Disk:
    """A disk as a domain has it. ``device_id`` 0 is the root disk, 3 the CD drive."""

    source: DiskRef
    device_id: int
    bus: str = "virtio"
    serial: str = ""
    cache: str = "none"
    read_bps: int = 0
    write_bps: int = 0
    read_iops: int = 0
    write_iops: int = 0


@dataclass(frozen=True, slots=True)
class Cdrom:
    """What lies in the CD drive; ``source`` None means an empty drive."""

    source: DiskRef | None = None


@dataclass(frozen=True, slots=True)
class SecurityRule:
    """What may pass: ``protocol`` tcp, udp, icmp, all, or an IP protocol's number; ports for
    tcp and udp; an ICMP type or code of -1 means any. ``cidrs`` are the other end."""

    protocol: str
    start_port: int = 0
    end_port: int = 65535
    icmp_type: int = -1
    icmp_code: int = -1
    cidrs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NicRules:
    """The security groups of a card, added up. Nothing comes in but what ``ingress`` allows
    and answers; ``egress_limited``: likewise nothing goes out but what ``egress`` allows.
    ``routers`` are the network's own addresses for names and metadata."""

    ingress: tuple[SecurityRule, ...] = ()
    egress: tuple[SecurityRule, ...] = ()
    egress_limited: bool = False
    routers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Nic:
    mac: str
    bridge: str
    device_id: int
    model: str = "virtio"
    mtu: int = 0
    rate_mbps: int = 0
    ip4: str = ""
    ip6: str = ""
    link_up: bool = True
    # Held to its own MAC and IPv4 address: its network is shared with other accounts.
    guarded: bool = False
    # None: no security groups, everything passes.
    rules: NicRules | None = None


@dataclass(frozen=True, slots=True)
class ConfigDrive:
    """Files handed to the guest on a read-only disk labelled ``config-2``.

    ``files`` maps a path on the disk (``openstack/latest/meta_data.json``) to its text.
    """

    files: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DomainSpec:
    """Everything a host needs to run a machine; the same spec gives the same domain."""

    uuid: str
    name: str  # instancename, e.g. i-2-7-VM
    vcpus: int
    memory_mb: int
    cpu_shares: int = 0
    max_vcpus: int = 0
    disks: tuple[Disk, ...] = ()
    cdrom: Cdrom | None = None
    nics: tuple[Nic, ...] = ()
    config_drive: ConfigDrive | None = None
    keyboard: str = "en-us"  # QEMU keymap name
    boot_from_cdrom: bool = False
    uefi: bool = False
    secure_boot: bool = False
    tpm: bool = False
    os_type: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class StartDomain:
    spec: DomainSpec


@dataclass(frozen=True, slots=True)
class DomainState:
    """``power``: PowerOn, PowerOff, PowerUnknown or PowerMissing (CloudStack's words)."""

    uuid: str
    power: str
    name: str = ""
    reason: str = ""
    vnc_port: int = 0


@dataclass(frozen=True, slots=True)
class StopDomain:
    uuid: str
    forced: bool = False
    timeout_s: int = 60


@dataclass(frozen=True, slots=True)
class RebootDomain:
    uuid: str
    forced: bool = False
    timeout_s: int = 60


@dataclass(frozen=True, slots=True)
class RemoveDomain:
    """Bring a domain to *not there*: power cut, definition and config drive gone."""

    uuid: str


@dataclass(frozen=True, slots=True)
class DomainRef:
    uuid: str


@dataclass(frozen=True, slots=True)
class AttachDisk:
    uuid: str
    disk: Disk


@dataclass(frozen=True, slots=True)
class DetachDisk:
    uuid: str
    disk: Disk
    timeout_s: int = 30


@dataclass(frozen=True, slots=True)
class AttachNic:
    uuid: str
    nic: Nic


@dataclass(frozen=True, slots=True)
class DetachNic:
    uuid: str
    mac: str
    timeout_s: int = 30


@dataclass(frozen=True, slots=True)
class FilterDomain:
    """The security group rules of a machine's cards, from now on."""

    uuid: str
    nics: tuple[Nic, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangeCdrom:
    uuid: str
    cdrom: Cdrom


@dataclass(frozen=True, slots=True)
class ConsoleAddress:
    """Where the host keeps a machine's screen and serial line, on its own loopback."""

    vnc_host: str = ""
    vnc_port: int = 0
    vnc_password: str = ""
    serial_path: str = ""


@dataclass(frozen=True, slots=True)
class Screenshot:
    png: bytes


# -- hosts -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Nothing:
    pass


@dataclass(frozen=True, slots=True)
class HostFacts:
    """What a machine is; ``accelerator`` is kvm or tcg (see DESIGN 5), or simulated."""

    name: str
    uuid: str
    cpus: int
    cpu_sockets: int
    cpu_speed_mhz: int
    memory_mb: int
    hypervisor: str  # KVM, Simulator, LXC
    accelerator: str
    hypervisor_version: str = ""
    libvirt_version: str = ""
    os_name: str = ""
    kernel: str = ""
    arch: str = "x86_64"
    address: str = ""
    agent_version: str = ""
    cpu_model: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of a preflight: a name, whether it holds, what was seen and how to mend it."""

    name: str
    passed: bool
    seen: str
    cure: str = ""
    required: bool = True


@dataclass(frozen=True, slots=True)
class Preflight:
    """Ask a host whether it could serve; it changes nothing."""

    portal_time: float = 0.0  # Unix time at the portal, to compare clocks
    pool_path: str = ""


@dataclass(frozen=True, slots=True)
class PreflightReport:
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class HostStats:
    """A sample: what is in use now. Counters are since boot."""

    cpu_used_percent: float = 0.0
    memory_used_mb: int = 0
    load_1m: float = 0.0
    network_read_kb: int = 0
    network_write_kb: int = 0
    domains: dict[str, DomainStats] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DomainStats:
    cpu_time_ns: int = 0
    vcpus: int = 0
    memory_kb: int = 0
    memory_target_kb: int = 0
    disk_read_bytes: int = 0
    disk_write_bytes: int = 0
    disk_read_ops: int = 0
    disk_write_ops: int = 0
    network_read_bytes: int = 0
    network_write_bytes: int = 0
    disks: dict[str, DiskStats] = field(default_factory=dict)  # by device number, as text


@dataclass(frozen=True, slots=True)
class DiskStats:
    """Counters since the domain's start."""

    read_bytes: int = 0
    write_bytes: int = 0
    read_ops: int = 0
    write_ops: int = 0


@dataclass(frozen=True, slots=True)
class PowerReport:
    """Every domain of ours the host has, by uuid (defined or running)."""

    states: tuple[DomainState, ...]


@dataclass(frozen=True, slots=True)
class DomainEvent:
    """A domain of ours changed by itself or by us. ``power`` as in DomainState.

    ``reason``: started, shutdown, destroyed, crashed, failed, suspended, resumed, removed, or
    resync (the hypervisor's connection came back: ask for ``host.power``; ``uuid`` is empty).
    """

    uuid: str
    power: str
    reason: str = ""
    name: str = ""
    at: float = 0.0  # Unix time at the host


# -- storage ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PreparePool:
    pool: PoolRef


@dataclass(frozen=True, slots=True)
class PoolStats:
    capacity_bytes: int
    used_bytes: int


@dataclass(frozen=True, slots=True)
class RemovePool:
    """Forget a pool on this host; refuses (VolumeInUse) while our files lie in it."""

    pool: PoolRef


@dataclass(frozen=True, slots=True)
class StoreRef:
    """A secondary store: a directory the host can reach."""

    uuid: str
    path: str


@dataclass(frozen=True, slots=True)
class StorePath:
    """A file in a secondary store; ``name`` is relative and ours."""

    store: StoreRef
    name: str


@dataclass(frozen=True, slots=True)
class CreateVolume:
    """Bring a volume file to being: empty, or an overlay of / a copy of ``base``."""

    volume: DiskRef
    size_bytes: int
    base: DiskRef | None = None  # a template already on this pool
    full_copy: bool = False
    provisioning: str = "thin"  # thin, sparse, fat


@dataclass(frozen=True, slots=True)
class VolumeInfo:
    name: str
    virtual_bytes: int
    physical_bytes: int
    format: str = "qcow2"
    backing: str = ""


@dataclass(frozen=True, slots=True)
class VolumeRef:
    volume: DiskRef


@dataclass(frozen=True, slots=True)
class ResizeVolume:
    """Grow (or with ``shrink_ok`` shrink) to ``size_bytes``; live when ``domain`` runs."""

    volume: DiskRef
    size_bytes: int
    shrink_ok: bool = False
    domain_uuid: str = ""
    device_id: int = 0


@dataclass(frozen=True, slots=True)
class InstallTemplate:
    """Copy an image from a secondary store to a pool, as a base that overlays build on."""

    source: StorePath
    target: DiskRef


@dataclass(frozen=True, slots=True)
class CopyToPool:
    """Copy an image (a snapshot, an ISO) from a store to a pool as a volume of its own."""

    source: StorePath
    target: DiskRef
    size_bytes: int = 0  # grow to this when larger than the image


@dataclass(frozen=True, slots=True)
class CopyToStore:
    """Copy a volume that no running domain writes to a store, flattened."""

    source: DiskRef
    target: StorePath
    format: str = "qcow2"


@dataclass(frozen=True, slots=True)
class SnapshotVolume:
    """A point-in-time copy of a volume in a store, flattened; live when ``domain`` runs."""

    volume: DiskRef
    target: StorePath
    domain_uuid: str = ""
    device_id: int = 0
    quiesce: bool = False


@dataclass(frozen=True, slots=True)
class RevertVolume:
    """Put a snapshot's bytes back into a volume whose machine is off."""

    source: StorePath
    volume: DiskRef
    size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class PrepareStore:
    store: StoreRef


@dataclass(frozen=True, slots=True)
class EgressRules:
    """Where a download may go (DESIGN R7). Site lists hold CIDRs; size and time are caps."""

    allow_internal: tuple[str, ...] = ()
    allow_file: bool = False
    ports: tuple[int, ...] = (80, 443, 8080, 8443)
    max_bytes: int = 50 * 2**30
    timeout_s: int = 3600
    max_redirects: int = 5


@dataclass(frozen=True, slots=True)
class DownloadImage:
    """Fetch, verify, inspect (DESIGN R8) and place an image in a store, all or nothing."""

    url: str
    target: StorePath
    format: str  # QCOW2, RAW, ISO, VHD, VMDK, OVA as CloudStack names them
    checksum: str = ""  # "{SHA-256}hex", "{MD5}hex" or bare hex (by its length)
    rules: EgressRules = field(default_factory=EgressRules)
    max_virtual_bytes: int = 0


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """A finished image. ``checksum`` is ``{SHA-512}hex`` unless another was asked for."""

    virtual_bytes: int
    physical_bytes: int
    format: str
    checksum: str


@dataclass(frozen=True, slots=True)
class DeleteImage:
    target: StorePath


@dataclass(frozen=True, slots=True)
class CopyImage:
    """A finished image once more, in another store or under another name."""

    source: StorePath
    target: StorePath


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file as a pool or store has it; ``modified`` is Unix time at the host."""

    name: str
    physical_bytes: int
    modified: float = 0.0


@dataclass(frozen=True, slots=True)
class FileList:
    """What really lies in a pool or store, half-made files left out."""

    files: tuple[FoundFile, ...]


# -- network ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BridgeSpec:
    """A layer-2 segment on this host; the agent makes the bridge if there is none."""

    name: str  # at most 15 characters
    uplink: str = ""  # a device of the host to join, e.g. eth0.100; none for a private one
    mtu: int = 0
    vni: int = 0  # a VXLAN with this number on ``uplink`` instead


@dataclass(frozen=True, slots=True)
class DhcpHost:
    mac: str
    ip4: str = ""
    ip6: str = ""
    hostname: str = ""
    options: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GuestMetadata:
    """What a guest at ``ip4`` may read from the metadata address. Passwords are once-only."""

    ip4: str
    entries: dict[str, str] = field(default_factory=dict)  # "local-hostname" -> text
    user_data: str = ""  # base64
    password: str = ""


@dataclass(frozen=True, slots=True)
class Subnet4:
    """The router's address in a subnet of guests."""

    gateway: str
    prefix: int


@dataclass(frozen=True, slots=True)
class RouterNetwork:
    """One guest network a router serves. ``more4`` are further subnets on the same segment."""

    bridge: BridgeSpec
    gateway4: str = ""
    prefix4: int = 24
    gateway6: str = ""
    prefix6: int = 64
    domain: str = ""
    dns: tuple[str, ...] = ()
    mtu: int = 0
    dhcp: bool = True
    serve_dns: bool = True
    hosts: tuple[DhcpHost, ...] = ()
    metadata: tuple[GuestMetadata, ...] = ()
    more4: tuple[Subnet4, ...] = ()


@dataclass(frozen=True, slots=True)
class PublicUplink:
    """A router's own address (``a.b.c.d/len``) on a bridge to the public network."""

    bridge: BridgeSpec
    address4: str
    gateway4: str


@dataclass(frozen=True, slots=True)
class RouterSpec:
    """The whole wanted state of one router in a namespace of the host.

    ``uplink4`` is the router's own address (``a.b.c.d/len``) on the host link whose other
    end, ``host4``, the host masquerades to its default route; ``public``, if there is one,
    takes its place, and guests go out with its address. Nothing else is kept: what is not in
    the spec is removed when it is applied.
    """

    uuid: str
    name: str  # namespace name, e.g. r-12-VM
    version: int  # grows with each change; an older one is refused
    networks: tuple[RouterNetwork, ...] = ()
    uplink4: str = ""
    host4: str = ""
    nat: bool = True
    public: PublicUplink | None = None


@dataclass(frozen=True, slots=True)
class RouterState:
    """What the host found after applying: ``problems`` is empty when wanted = real.

    ``passwords_taken``: addresses of guests that have fetched and confirmed the password in
    the spec; it may be forgotten.
    """

    uuid: str
    version: int
    running: bool
    problems: tuple[str, ...] = ()
    passwords_taken: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RouterRef:
    uuid: str
    name: str


# -- the table -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing a host can be asked. ``errors`` are those a caller should expect."""

    name: str
    argument: type
    result: type
    timeout_s: int
    errors: tuple[type[AgentError], ...] = ()


_HV = (HypervisorUnavailable, OperationFailed)
_VOL = (NoSuchPool, NoSuchVolume, NotEnoughSpace, OperationFailed)

OPERATIONS: dict[str, Operation] = {
    op.name: op
    for op in (
        Operation("host.facts", Nothing, HostFacts, 30, _HV),
        Operation("host.preflight", Preflight, PreflightReport, 120),
        Operation("host.stats", Nothing, HostStats, 30, _HV),
        Operation("host.power", Nothing, PowerReport, 30, _HV),
        Operation("domain.start", StartDomain, DomainState, 120, (*_HV, NoSuchVolume)),
        Operation("domain.stop", StopDomain, DomainState, 600, (*_HV, GuestIgnoredShutdown)),
        Operation(
            "domain.reboot",
            RebootDomain,
            DomainState,
            600,
            (*_HV, NoSuchDomain, GuestIgnoredShutdown),
        ),
        Operation("domain.remove", RemoveDomain, Nothing, 60, _HV),
        Operation("domain.state", DomainRef, DomainState, 30, _HV),
        Operation("domain.attach_disk", AttachDisk, Nothing, 60, (*_HV, NoSuchDomain)),
        Operation("domain.detach_disk", DetachDisk, Nothing, 90, (*_HV, NoSuchDomain)),
        Operation("domain.attach_nic", AttachNic, Nothing, 60, (*_HV, NoSuchDomain)),
        Operation("domain.detach_nic", DetachNic, Nothing, 90, (*_HV, NoSuchDomain)),
        Operation("domain.filter", FilterDomain, Nothing, 60, (*_HV, NoSuchDomain)),
        Operation("domain.change_cdrom", ChangeCdrom, Nothing, 60, (*_HV, NoSuchDomain)),
        Operation("domain.console", DomainRef, ConsoleAddress, 30, (*_HV, NoSuchDomain)),
        Operation("domain.screenshot", DomainRef, Screenshot, 30, (*_HV, NoSuchDomain)),
        Operation("pool.prepare", PreparePool, PoolStats, 60, _VOL),
        Operation("pool.stats", PreparePool, PoolStats, 30, _VOL),
        Operation("pool.remove", RemovePool, Nothing, 60, (VolumeInUse, OperationFailed)),
        Operation("pool.list", PreparePool, FileList, 60, (NoSuchPool, OperationFailed)),
        Operation("volume.create", CreateVolume, VolumeInfo, 3600, _VOL),
        Operation("volume.delete", VolumeRef, Nothing, 120, (VolumeInUse, OperationFailed)),
        Operation("volume.info", VolumeRef, VolumeInfo, 30, _VOL),
        Operation("volume.resize", ResizeVolume, VolumeInfo, 120, _VOL),
        Operation("volume.snapshot", SnapshotVolume, ImageInfo, 7200, _VOL),
        Operation("volume.revert", RevertVolume, VolumeInfo, 7200, _VOL),
        Operation("volume.install_template", InstallTemplate, VolumeInfo, 7200, _VOL),
        Operation("volume.copy_to_pool", CopyToPool, VolumeInfo, 7200, _VOL),
        Operation("volume.copy_to_store", CopyToStore, ImageInfo, 7200, _VOL),
        Operation("store.prepare", PrepareStore, PoolStats, 60, (OperationFailed,)),
        Operation("store.stats", PrepareStore, PoolStats, 30, (OperationFailed,)),
        Operation("store.list", PrepareStore, FileList, 60, (OperationFailed,)),
        Operation("image.copy", CopyImage, ImageInfo, 7200, _VOL),
        Operation(
            "image.download",
            DownloadImage,
            ImageInfo,
            7200,
            (ImageRefused, DownloadRefused, DownloadFailed, NotEnoughSpace),
        ),
        Operation("image.delete", DeleteImage, Nothing, 120, (OperationFailed,)),
        Operation("router.apply", RouterSpec, RouterState, 60, (NetworkFailed,)),
        Operation("router.state", RouterRef, RouterState, 30, (NetworkFailed,)),
        Operation("router.remove", RouterRef, Nothing, 60, (NetworkFailed,)),
        Operation("bridge.apply", BridgeSpec, Nothing, 30, (NetworkFailed,)),
        Operation("bridge.remove", BridgeSpec, Nothing, 30, (NetworkFailed,)),
    )
}


class Progress(Protocol):
    """Called by an operation as it goes; raises Cancelled when the caller gave up."""

    def __call__(self, percent: float, note: str = "") -> None: ...


@dataclass(frozen=True, slots=True)
class Call:
    """One request. ``fences`` maps a resource to its lease number: the agent refuses a
    number lower than the highest it has seen for that resource (StaleFence)."""

    operation: str
    argument: Any
    fences: Mapping[str, int] = field(default_factory=dict)
    correlation_id: str = ""


ERRORS: dict[str, type[AgentError]] = {
    cls.__name__: cls
    for cls in (
        AgentError, HostUnavailable, HypervisorUnavailable, StaleFence, NoSuchDomain,
        GuestIgnoredShutdown, NoSuchVolume, NoSuchPool, VolumeInUse, NotEnoughSpace,
        ImageRefused, DownloadRefused, DownloadFailed, NetworkFailed, OperationFailed, Cancelled,
    )
}  # fmt: skip


# -- the same words as JSON ------------------------------------------------------------

T = TypeVar("T")


def to_wire(value: Any) -> Any:
    """A dataclass as plain JSON values (bytes as latin-1 text)."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_wire(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, dict):
        return {k: to_wire(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_wire(v) for v in value]
    return value


def from_wire(kind: type[T], data: Any) -> T:
    """The dataclass again; unknown fields are ignored, missing ones take their default."""
    hints = _field_types(typing.cast(Any, kind))
    make: Callable[..., T] = kind
    return make(**{k: _read(hints[k], v) for k, v in data.items() if k in hints})


@functools.cache
def _field_types(kind: type) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    return {f.name: hints[f.name] for f in dataclasses.fields(typing.cast(Any, kind))}


def _read(hint: Any, value: Any) -> Any:
    if value is None:
        return None
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return _read(next(a for a in args if a is not type(None)), value)
    if origin is tuple:
        return tuple(_read(args[0], v) for v in value)
    if origin is dict:
        return {k: _read(args[1], v) for k, v in value.items()}
    if dataclasses.is_dataclass(hint):
        return from_wire(typing.cast(type, hint), value)
    return value.encode("latin-1") if hint is bytes else value
