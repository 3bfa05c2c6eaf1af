"""A cloud of any size in the database, written in bulk: no host is asked and no job runs.

Everything hangs together: machines lie where their network and its account are, hosts have
given away what their machines take, pools what their volumes take, and what accounts and
domains count is what there is. Pictures of the machines on the simulated hosts come with it
(``picture``), so that a portal which looks finds them running.
"""

from __future__ import annotations

import random
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Model

from accounts.models import (
    Account,
    Domain,
    Project,
    ProjectMember,
    ResourceCount,
    ResourceLimit,
    Role,
    User,
)
from accounts.resources import Resource
from agent import protocol as p
from agent.drivers.world import SimDomain, SimFile, SimPool
from compute.models import Nic, ServiceOffering, VirtualMachine, VolumeAttachment
from infra.models import Cluster, Host, HostCapacity, OsType, Pod, Zone
from network.models import GuestAddress, Network, NetworkOffering
from storage.models import (
    DiskOffering,
    ImageStore,
    PoolTemplate,
    StoragePool,
    Template,
    TemplateCopy,
    Volume,
)

GIB = 2**30
BATCH = 2000
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
CPUS, MHZ, MEMORY_MB = 32, 2400, 131072
VOLUME_BYTES, TEMPLATE_BYTES = 5 * GIB, 2 * GIB
#: vCPUs, MHz of each, MiB.
SIZES = ((1, 500, 512), (1, 1000, 1024), (2, 500, 1024), (2, 1000, 2048))
MOST_ON_A_HOST = 50


@dataclass(frozen=True)
class Wanted:
    """How many of each. Of ``removed_each`` rows one is removed, as in a cloud that lives; 0
    removes none."""

    hosts: int = 100
    machines: int = 1000
    accounts: int = 100
    domains: int = 10
    networks: int = 100
    projects: int = 0
    zones: int = 4
    removed_each: int = 0

    def refusal(self) -> str:
        """Why there can be no such cloud, or ""."""
        if min(self.hosts, self.accounts, self.domains, self.networks, self.zones) < 1:
            return "There must be at least one zone, host, domain, account and network."
        if self.hosts < self.zones or self.networks < self.zones:
            return f"{self.zones} zones need at least as many hosts and networks."
        if self.machines > self.hosts * MOST_ON_A_HOST:
            return f"A host takes {MOST_ON_A_HOST} machines; take more hosts, or fewer machines."
        if self.machines > self.networks * 60_000:
            return "A network takes 60,000 machines; take more networks."
        return ""


class Simulation:
    """``seed`` once; then the lists hold the rows. Names begin with ``prefix``, so that a second
    cloud fits beside the first."""

    def __init__(self, wanted: Wanted) -> None:
        if wanted.refusal():
            raise ValueError(wanted.refusal())
        self.wanted = wanted
        self.random = random.Random(wanted.machines)  # the same cloud each time
        number = Zone.everything.filter(name__startswith="sim").count() // max(wanted.zones, 1)
        self.prefix = f"sim{number + 1}-"
        self.counts: Counter[tuple[int, Resource]] = Counter()

    def seed(self) -> None:
        with transaction.atomic():
            self._places()
            self._offerings()
        for step in (self._domains, self._accounts, self._projects, self._hosts, self._networks,
                     self._disks, self._machines, self._plug, self._counts):  # fmt: skip
            with transaction.atomic():
                step()
        analyze()

    # -- places ------------------------------------------------------------------------

    def _places(self) -> None:
        each = max(1, min(64, self.wanted.hosts // (self.wanted.zones * 40)))
        self.zones = [
            Zone.objects.create(
                name=f"{self.prefix}zone-{i}", network_type="Advanced", dns1="9.9.9.9",
                internal_dns1="9.9.9.9", local_storage_enabled=True,
            )
            for i in range(self.wanted.zones)
        ]  # fmt: skip
        self.clusters = [
            Cluster.objects.create(
                zone=zone,
                pod=Pod.objects.create(zone=zone, name=f"pod-{i}"),
                name=f"cluster-{i}",
                hypervisor="Simulator",
            )
            for zone in self.zones
            for i in range(each)
        ]
        self.pools = {
            c.pk: StoragePool.objects.create(
                name=f"{self.prefix}pool-{c.pk}", zone=c.zone, pod=c.pod, cluster=c,
                scope="CLUSTER", type="NetworkFilesystem", path=f"/primary/{c.pk}",
                location=f"nfs:10.0.0.1:/primary/{c.pk}", state="Up", hypervisor="Simulator",
                capacity_bytes=2**50,
            )
            for c in self.clusters
        }  # fmt: skip
        self.stores = [
            ImageStore.objects.create(
                name=f"{self.prefix}store-{i}", zone=zone, protocol="nfs", state="Ready",
                path=f"10.0.0.1:/secondary/{zone.pk}", url=f"nfs://10.0.0.1/secondary/{zone.pk}",
                capacity_bytes=2**50,
            )
            for i, zone in enumerate(self.zones)
        ]  # fmt: skip

    def _offerings(self) -> None:
        owner = Account.objects.get(name="system", domain__level=0)
        self.disk = DiskOffering.objects.create(
            name=f"{self.prefix}disk", size_bytes=VOLUME_BYTES
        )
        self.sizes = [
            ServiceOffering.objects.create(
                name=f"{self.prefix}size-{n}", cpu_number=cpus, cpu_speed_mhz=mhz, memory_mb=mb
            )
            for n, (cpus, mhz, mb) in enumerate(SIZES)
        ]
        self.os = OsType.objects.order_by("pk").first()
        self.templates = [
            Template.objects.create(
                account=owner, name=f"{self.prefix}template-{i}", display_text=f"Template {i}",
                format="QCOW2", hypervisor="Simulator", os_type=self.os,
                size_bytes=TEMPLATE_BYTES, physical_bytes=GIB, is_public=True,
                url="http://sim/templates/t",
            )
            for i in range(20)
        ]  # fmt: skip
        self.copies = made(
            TemplateCopy(template=t, store=s, state="Ready", percent=100, physical_bytes=GIB)
            for t in self.templates
            for s in self.stores
        )
        self.bases = {
            (b.pool_id, b.template_id): b
            for b in made(
                PoolTemplate(template=t, pool=pool, state="Ready", reserved_bytes=GIB)
                for t in self.templates
                for pool in self.pools.values()
            )
        }
        services = {s: ["VirtualRouter"] for s in ("Dhcp", "Dns", "UserData")}
        self.network_offering = NetworkOffering.objects.create(
            name=f"{self.prefix}net", guest_type="Isolated", services=services, state="Enabled"
        )

    # -- tenants -----------------------------------------------------------------------

    def _domains(self) -> None:
        self.root = Domain.root()
        self.domains = made(
            Domain(
                name=f"{self.prefix}domain-{i}", parent=self.root, level=1, path=f"?{uuid.uuid4()}",
                name_path=f"ROOT/{self.prefix}domain-{i}",
            )
            for i in range(self.wanted.domains)
        )  # fmt: skip
        for domain in self.domains:
            domain.path = f"/{domain.pk}/"
        Domain.objects.bulk_update(self.domains, ["path"], BATCH)

    def _accounts(self) -> None:
        role = Role.objects.get(name="User")
        self.accounts = made(
            Account(
                name=f"{self.prefix}account-{i:06d}", domain=self.pick(self.domains, i), role=role,
                **self.life(i),
            )
            for i in range(self.wanted.accounts)
        )  # fmt: skip
        write(
            User(
                username=f"{self.prefix}user-{i:06d}", account=account,
                domain_id=account.domain_id, firstname="Ada", lastname=f"Lovelace {i}",
                email=f"user-{i}@example.org", password="!", **self.life(i),
            )
            for i, account in enumerate(self.accounts)
        )  # fmt: skip
        self.owners = [a for a in self.accounts if a.removed is None]
        # As large as it is, it may grow; what accounts have beyond their limits, they keep.
        write(
            ResourceLimit(domain=domain, resource=resource, maximum=-1)
            for domain in self.domains
            for resource in Resource
        )

    def _projects(self) -> None:
        role = Role.objects.get(name="User")
        wanted = [(i, self.pick(self.owners, i)) for i in range(self.wanted.projects)]
        accounts = made(
            Account(
                name=f"PrjAcct-{self.prefix}project-{i}", domain_id=owner.domain_id, role=role,
                is_project=True,
            )
            for i, owner in wanted
        )  # fmt: skip
        projects = made(
            Project(
                name=f"{self.prefix}project-{i}", display_text=f"Project {i}",
                domain_id=account.domain_id, account=account,
            )
            for i, account in enumerate(accounts)
        )
        write(
            ProjectMember(project=project, account=owner, is_admin=True)
            for project, (_, owner) in zip(projects, wanted, strict=True)
        )
        for _, owner in wanted:
            self._count(owner, {Resource.PROJECT: 1})

    # -- hosts -------------------------------------------------------------------------

    def _hosts(self) -> None:
        self.hosts = made(
            Host(
                zone_id=cluster.zone_id, pod_id=cluster.pod_id, cluster=cluster,
                name=f"{self.prefix}host-{i:06d}", hypervisor="Simulator", link="simulated",
                machine=str(uuid.uuid4()), address=f"172.16.{i >> 8 & 255}.{i & 255}",
                status="Up", cpus=CPUS, cpu_sockets=4, cpu_speed_mhz=MHZ, memory_mb=MEMORY_MB,
                accelerator="simulated", tags=["ssd"] if i % 3 else [], last_seen=BEGAN,
                **self.life(i, machine=None),
            )
            for i in range(self.wanted.hosts)
            for cluster in (self.clusters[i % len(self.clusters)],)
        )  # fmt: skip
        alive = [h for h in self.hosts if h.removed is None]
        self.in_zone: dict[int, list[Host]] = {
            zone.pk: [h for h in alive if h.zone_id == zone.pk] for zone in self.zones
        }

    def _networks(self) -> None:
        self.networks = made(
            Network(
                account=account, name=f"{self.prefix}network-{i:06d}",
                offering=self.network_offering, zone=self.zones[i % len(self.zones)],
                guest_type="Isolated", acl_type="Account",
                cidr="10.1.0.0/16", gateway="10.1.0.1", netmask="255.255.0.0",
                network_domain="cs.internal", state="Implemented", **self.life(i),
            )
            for i in range(self.wanted.networks)
            for account in (self.pick(self.owners, i),)
        )  # fmt: skip
        self.served = [n for n in self.networks if n.removed is None]
        for network in self.served:
            self._count(network.account, {Resource.NETWORK: 1})

    # -- machines ----------------------------------------------------------------------

    def _placed(self) -> Iterator[tuple[int, Network, Host]]:
        """Each machine's number, its network, and the next host of that network's zone."""
        turn: Counter[int] = Counter()
        for i in range(self.wanted.machines):
            network = self.served[i % len(self.served)]
            near = self.in_zone[network.zone_id]
            host = near[turn[network.zone_id] % len(near)]
            turn[network.zone_id] += 1
            yield i, network, host

    def _disks(self) -> None:
        self.volumes = made(self._volume(*placed) for placed in self._placed())
        promised: Counter[int] = Counter()
        for volume in self.volumes:
            if volume.removed is None:
                promised[volume.pool_id] += volume.reserved_bytes
        for pool in self.pools.values():
            pool.allocated_bytes = promised[pool.pk] + GIB * len(self.templates)
        StoragePool.objects.bulk_update(self.pools.values(), ["allocated_bytes"], BATCH)

    def _volume(self, i: int, network: Network, host: Host) -> Volume:
        pool, life = self.pools[host.cluster_id], self.life(i)
        template = self.pick(self.templates, i)
        there = {"pool": pool, "base": self.bases[pool.pk, template.pk], "state": "Ready",
                 "path": str(uuid.uuid4()), "reserved_bytes": VOLUME_BYTES, "counted": True,
                 "counted_bytes": VOLUME_BYTES, "physical_bytes": 200_000}  # fmt: skip
        if life["removed"]:
            there = {"state": "Expunged"}
        else:
            counted = {Resource.VOLUME: 1, Resource.PRIMARY_STORAGE: VOLUME_BYTES}
            self._count(network.account, counted)
        return Volume(
            account=network.account, name=f"ROOT-{i:07d}", type="ROOT", zone_id=host.zone_id,
            size_bytes=VOLUME_BYTES, pool_name=pool.name, disk_offering=self.disk,
            template=template, **there, **life,
        )  # fmt: skip

    def _machines(self) -> None:
        self.machines = made(self._machine(*placed) for placed in self._placed())
        used: dict[int, list[int]] = {h.pk: [0, 0, 0] for h in self.hosts}
        for vm in self.machines:
            if vm.host_id and vm.removed is None:
                row = used[vm.host_id]
                row[0] += vm.vcpus * vm.cpu_speed_mhz
                row[1] += vm.memory_mb
                row[2] += vm.vcpus
        write(
            HostCapacity(
                host=host, cpu_total_mhz=CPUS * MHZ, cpu_limit_mhz=CPUS * MHZ, cpu_used_mhz=mhz,
                memory_total_mb=MEMORY_MB, memory_limit_mb=MEMORY_MB, memory_used_mb=mb,
                cores_total=CPUS, cores_used=cores,
            )
            for host in self.hosts
            if host.removed is None
            for mhz, mb, cores in (used[host.pk],)
        )  # fmt: skip

    def _machine(self, i: int, network: Network, host: Host) -> VirtualMachine:
        size, life = self.sizes[i % len(self.sizes)], self.life(i)
        running = i % 10 != 0
        state = "Running" if running else "Stopped"
        if not life["removed"]:
            taken = {Resource.CPU: size.cpu_number, Resource.MEMORY: size.memory_mb}
            self._count(network.account, {Resource.INSTANCE: 1, **taken})
        return VirtualMachine(
            account=network.account, name=f"{self.prefix}vm-{i:07d}", display_name=f"Machine {i}",
            hostname=f"vm-{i:07d}", instance_name=f"i-{network.account_id}-{self.prefix}{i}-VM",
            state="Expunging" if life["removed"] else state,
            power_state="PowerOn" if running else "PowerOff", zone_id=host.zone_id,
            host=host if running and not life["removed"] else None, last_host=host,
            hypervisor="Simulator", service_offering=size, vcpus=size.cpu_number,
            cpu_speed_mhz=size.cpu_speed_mhz, memory_mb=size.memory_mb,
            template=self.pick(self.templates, i), os_type=self.os, counted=not life["removed"],
            details={"rootDiskController": "virtio"}, **life,
        )  # fmt: skip

    def _plug(self) -> None:
        """Addresses, NICs and attachments of the machines that are there."""
        alive = [
            (i, vm, volume)
            for i, (vm, volume) in enumerate(zip(self.machines, self.volumes, strict=True))
            if vm.removed is None
        ]
        self.addresses = made(self._address(i) for i, _, _ in alive)
        write(
            Nic(
                machine=vm, network_id=address.network_id, address=address, device_id=0,
                is_default=True, hostname=address.hostname, created=vm.created,
            )
            for (_, vm, _), address in zip(alive, self.addresses, strict=True)
        )  # fmt: skip
        write(VolumeAttachment(volume=volume, machine=vm, device_id=0) for _, vm, volume in alive)

    def _address(self, i: int) -> GuestAddress:
        place, network = divmod(i, len(self.served))
        number = place + 10
        key = self.machines[i].pk
        return GuestAddress(
            network=self.served[network], hostname=f"vm-{i:07d}",
            mac=f"06:{key.to_bytes(5).hex(':')}",
            ip4=f"10.1.{number >> 8}.{number & 255}", ip4_number=0x0A010000 + number,
        )  # fmt: skip

    def _count(self, account: Account, amounts: dict[Resource, int]) -> None:
        for resource, amount in amounts.items():
            self.counts[account.pk, resource] += amount

    def _counts(self) -> None:
        """Of accounts and of their domains; nothing is counted for ROOT."""
        domain_of = {a.pk: a.domain_id for a in self.accounts}
        domains: Counter[tuple[int, Resource]] = Counter()
        for (account, resource), used in self.counts.items():
            domains[domain_of[account], resource] += used
        write(
            ResourceCount(account_id=account, resource=resource, used=used)
            for (account, resource), used in self.counts.items()
        )
        write(
            ResourceCount(domain_id=domain, resource=resource, used=used)
            for (domain, resource), used in domains.items()
        )

    # -- what the simulated hosts have -------------------------------------------------

    def picture(self) -> Iterator[tuple[str, str, str, Any]]:
        """Rows for the simulator's ledger: pools, images, files, and every running machine."""
        for pool in self.pools.values():
            yield "pools", str(pool.uuid), "", SimPool(pool.capacity_bytes)
        for store in self.stores:
            yield "stores", store.path, "", SimPool(store.capacity_bytes)
        for copy in self.copies:
            info = p.ImageInfo(TEMPLATE_BYTES, GIB, "QCOW2", "")
            yield "images", copy.store.path, copy.name, info
        for base in self.bases.values():
            yield "files", str(base.pool.uuid), base.name, SimFile(TEMPLATE_BYTES, GIB)
        machine_of = {h.pk: h.machine for h in self.hosts}
        pools = {pool.pk: p.PoolRef(str(pool.uuid), pool.type, pool.path)
                 for pool in self.pools.values()}  # fmt: skip
        cards = iter(self.addresses)
        for vm, volume in zip(self.machines, self.volumes, strict=True):
            if vm.removed is not None:
                continue
            address, pool = next(cards), pools[volume.pool_id]
            base = volume.base.name
            yield "files", pool.uuid, volume.path, SimFile(VOLUME_BYTES, backing=base)
            if vm.host_id:
                domain = SimDomain(_spec(vm, volume, address, pool), "PowerOn", "started", _EPOCH)
                yield "domains", machine_of[vm.host_id], str(vm.uuid), domain

    def pick(self, rows: list[Any], i: int) -> Any:
        """Spread, but not in step with the keys."""
        return rows[(i * 7919) % len(rows)]

    def life(self, i: int, **when_gone: Any) -> dict[str, Any]:
        created = BEGAN + timedelta(seconds=i)
        each = self.wanted.removed_each
        if each and i % each == each - 1:
            return {"created": created, "removed": created + timedelta(days=30), "alive": None}
        return {"created": created, "removed": None, "alive": True}


_EPOCH = BEGAN.timestamp()


def _spec(
    vm: VirtualMachine, volume: Volume, address: GuestAddress, pool: p.PoolRef
) -> p.DomainSpec:
    return p.DomainSpec(
        uuid=str(vm.uuid),
        name=vm.instance_name or "",
        title=vm.name,
        vcpus=vm.vcpus,
        memory_mb=vm.memory_mb,
        disks=(p.Disk(p.DiskRef(pool, volume.path), 0),),
        nics=(p.Nic(address.mac, f"cpbr{address.network_id}", 0, ip4=address.ip4 or ""),),
    )


def write(rows: Iterable[Model]) -> None:
    for _ in _batches(rows):
        pass


def made(rows: Iterable[Model]) -> list[Any]:
    """The rows, with their keys."""
    return [row for batch in _batches(rows) for row in batch]


def _batches(rows: Iterable[Model]) -> Iterator[list[Model]]:
    batch: list[Model] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield _stored(batch)
            batch = []
    if batch:
        yield _stored(batch)


def _stored(batch: list[Model]) -> list[Model]:
    return type(batch[0])._base_manager.bulk_create(batch, BATCH)


def analyze() -> None:
    """MariaDB plans by what it last knew of its tables. It commits whatever was begun, so this
    is left out inside a transaction."""
    if connection.vendor == "mysql" and not connection.in_atomic_block:
        with connection.cursor() as cursor:
            tables = connection.introspection.table_names(cursor)
            cursor.execute("ANALYZE TABLE " + ", ".join(f"`{t}`" for t in tables))
            cursor.fetchall()
