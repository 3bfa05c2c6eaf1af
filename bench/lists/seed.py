"""A cloud of any size in the database, written in bulk: no host is asked and no job runs.

Sizes hang together as in a real cloud: for every 100,000 machines 25,000 hosts, accounts and
networks and 50,000 volumes, each machine with a NIC and an address, every second one with a
root disk. What is removed stays in the tables, as it does in a cloud that lives: one row in
twenty is.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Model

from accounts.models import Account, Domain, Role, User
from compute.models import Nic, ServiceOffering, VirtualMachine, VolumeAttachment
from infra.models import Cluster, Host, HostCapacity, OsCategory, OsType, Pod, Zone
from network.models import GuestAddress, Network, NetworkOffering
from storage.models import DiskOffering, ImageStore, StoragePool, Template, Volume

GIB = 2**30
BATCH = 2000
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
REMOVED_EACH = 20


class Cloud:
    """The few things that all rows share, and the many, each kind made at its first use."""

    def __init__(self, machines: int) -> None:
        self.machines = machines
        self.some = max(machines // 4, 10)  # hosts, accounts, users, networks
        self.volumes = max(machines // 2, 10)
        self.random = random.Random(machines)  # the same cloud each time

    def seed(self) -> None:
        with transaction.atomic():
            self._places()
            self._offerings()
        for step in (self._domains, self._accounts, self._hosts, self._networks,
                     self._volumes, self._machines):  # fmt: skip
            with transaction.atomic():
                step()
        if connection.vendor == "mysql":
            with connection.cursor() as cursor:
                tables = connection.introspection.table_names(cursor)
                cursor.execute("ANALYZE TABLE " + ", ".join(f"`{t}`" for t in tables))
                cursor.fetchall()

    def _places(self) -> None:
        self.zones = [
            Zone.objects.create(name=f"zone-{i}", network_type="Advanced", dns1="9.9.9.9",
                                internal_dns1="9.9.9.9", local_storage_enabled=True)
            for i in range(4)
        ]  # fmt: skip
        self.clusters = [
            Cluster.objects.create(
                zone=zone,
                pod=Pod.objects.create(zone=zone, name=f"pod-{i}"),
                name=f"cluster-{i}",
                hypervisor="Simulator",
            )
            for zone in self.zones
            for i in range(8)
        ]
        self.pools = [
            StoragePool.objects.create(
                name=f"pool-{c.pk}", zone=c.zone, pod=c.pod, cluster=c, scope="CLUSTER",
                type="SharedMountPoint", path=f"/srv/{c.pk}", location=f"CLUSTER:{c.uuid}",
                state="Up", hypervisor="Simulator", capacity_bytes=2**50,
            )
            for c in self.clusters
        ]  # fmt: skip
        self.store = ImageStore.objects.create(
            name="store", zone=None, path="/export", url="file:///export", state="Ready"
        )

    def _offerings(self) -> None:
        admin = Account.objects.get(name="admin", domain__level=0)
        self.disk = DiskOffering.objects.create(name="disk", size_bytes=5 * GIB)
        self.sizes = [
            ServiceOffering.objects.create(
                name=f"size-{n}", cpu_number=n, cpu_speed_mhz=1000, memory_mb=n * 1024
            )
            for n in (1, 2, 4, 8)
        ]
        category, _ = OsCategory.objects.get_or_create(name="Debian")
        self.os = OsType.objects.create(display_name="Debian GNU/Linux 12", category=category)
        self.templates = [
            Template.objects.create(
                account=admin, name=f"template-{i}", display_text=f"Template {i}", kind="TEMPLATE",
                format="QCOW2", hypervisor="Simulator", os_type=self.os, size_bytes=2 * GIB,
                physical_bytes=GIB, is_public=True, url="http://images.example.org/t",
            )
            for i in range(20)
        ]  # fmt: skip
        services = {s: ["VirtualRouter"] for s in ("Dhcp", "Dns", "UserData")}
        self.network_offering = NetworkOffering.objects.create(
            name="net", guest_type="Isolated", services=services, state="Enabled"
        )

    def _domains(self) -> None:
        root, role = Domain.root(), Role.objects.get(name="User")
        for i in range(max(self.some // 25, 4)):
            domain = Domain.objects.create(
                name=f"domain-{i}", parent=root, level=1, name_path=f"ROOT/domain-{i}"
            )
            domain.path = f"/{domain.pk}/"
            domain.save(update_fields=["path"])
        self.domains = list(Domain.objects.filter(level=1))
        self.role = role

    def _accounts(self) -> None:
        write(
            Account(
                name=f"account-{i:06d}", domain=self.pick(self.domains, i), role=self.role,
                **self.life(i),
            )
            for i in range(self.some)
        )  # fmt: skip
        self.accounts = list(Account.objects.filter(name__startswith="account-"))
        write(
            User(
                username=f"user-{i:06d}", account=account, domain_id=account.domain_id,
                firstname="Ada", lastname=f"Lovelace {i}", email=f"user-{i}@example.org",
                password="!", **self.life(i),
            )
            for i, account in enumerate(self.accounts)
        )  # fmt: skip

    def _hosts(self) -> None:
        write(
            Host(
                zone_id=cluster.zone_id, pod_id=cluster.pod_id, cluster=cluster,
                name=f"host-{i:06d}", hypervisor="Simulator", link="simulated",
                address=f"10.{i >> 16}.{i >> 8 & 255}.{i & 255}",
                status="Up" if i % 50 else "Down", cpus=64, cpu_sockets=2, cpu_speed_mhz=2400,
                memory_mb=524288, accelerator="simulated", tags=["ssd"] if i % 3 else [],
                last_seen=BEGAN, **self.life(i),
            )
            for i in range(self.some)
            for cluster in (self.pick(self.clusters, i),)
        )  # fmt: skip
        self.hosts = list(Host.objects.only("pk", "zone_id"))
        write(
            HostCapacity(
                host=h, cpu_total_mhz=153600, cpu_limit_mhz=307200, cpu_used_mhz=40000,
                memory_total_mb=524288, memory_limit_mb=524288, memory_used_mb=131072,
                cores_total=64, cores_used=16,
            )
            for h in self.hosts
        )  # fmt: skip

    def _networks(self) -> None:
        write(
            Network(
                account=account, name=f"network-{i:06d}", zone=self.pick(self.zones, i),
                offering=self.network_offering, guest_type="Isolated", acl_type="Account",
                cidr="10.1.0.0/16", gateway="10.1.0.1", netmask="255.255.0.0",
                network_domain="cs.internal", state="Implemented", **self.life(i),
            )
            for i in range(self.some)
            for account in (self.pick(self.accounts, i),)
        )  # fmt: skip
        self.networks = list(Network.objects.all())

    def _volumes(self) -> None:
        write(
            Volume(
                account=self.pick(self.accounts, i), name=f"volume-{i:06d}", type="ROOT",
                state="Ready", zone_id=pool.zone_id, size_bytes=5 * GIB, pool=pool,
                pool_name=pool.name, path=f"{i:032x}", disk_offering=self.disk,
                template=self.pick(self.templates, i), reserved_bytes=5 * GIB, **self.life(i),
            )
            for i in range(self.volumes)
            for pool in (self.pick(self.pools, i),)
        )  # fmt: skip

    def _machines(self) -> None:
        write(self._machine(i) for i in range(self.machines))
        keys = list(VirtualMachine.everything.order_by("pk").values_list("pk", flat=True))
        write(self._address(i) for i in range(self.machines))
        addresses = list(GuestAddress.objects.order_by("pk").values_list("pk", flat=True))
        write(self._nic(i, keys[i], addresses[i]) for i in range(self.machines))
        live = [key for i, key in enumerate(keys) if not self.life(i)["removed"]]
        volumes = list(Volume.objects.order_by("pk").values_list("pk", flat=True))
        write(
            VolumeAttachment(volume_id=volume, machine_id=machine, device_id=0)
            for volume, machine in zip(volumes, live[::2], strict=False)
        )

    def _network_of(self, i: int) -> tuple[int, int]:
        """Key of the network of machine number ``i``, and which machine it is there."""
        place, network = divmod(i, len(self.networks))
        return self.networks[network].pk, place

    def _address(self, i: int) -> GuestAddress:
        network, place = self._network_of(i)
        number = place + 10
        return GuestAddress(
            network_id=network, hostname=f"vm-{i:07d}", mac="02:" + i.to_bytes(5).hex(":"),
            ip4=f"10.1.{number >> 8}.{number & 255}", ip4_number=0x0A010000 + number,
        )  # fmt: skip

    def _nic(self, i: int, machine: int, address: int) -> Nic:
        return Nic(
            machine_id=machine, network_id=self._network_of(i)[0], address_id=address, device_id=0,
            is_default=True, hostname=f"vm-{i:07d}", **self.life(i),
        )  # fmt: skip

    def _machine(self, i: int) -> VirtualMachine:
        host = self.hosts[i % len(self.hosts)]
        account, size = self.pick(self.accounts, i), self.sizes[i % 4]
        state = "Running" if i % 10 else "Stopped"
        life = self.life(i)
        return VirtualMachine(
            account=account, name=f"vm-{i:07d}", display_name=f"Machine {i}",
            hostname=f"vm-{i:07d}", instance_name=f"i-{account.pk}-{i}-VM",
            state="Expunging" if life["removed"] else state, power_state="PowerOn",
            zone_id=host.zone_id, host=host if state == "Running" else None,
            hypervisor="Simulator", service_offering=size, vcpus=size.cpu_number,
            cpu_speed_mhz=1000, memory_mb=size.memory_mb, template=self.pick(self.templates, i),
            os_type=self.os, details={"rootDiskController": "virtio"}, counted=True, **life,
        )  # fmt: skip

    def pick(self, rows: list[Any], i: int) -> Any:
        """Spread, but not in step with the keys."""
        return rows[(i * 7919) % len(rows)]

    def life(self, i: int) -> dict[str, Any]:
        created = BEGAN + timedelta(seconds=i)
        gone = i % REMOVED_EACH == REMOVED_EACH - 1
        removed = created + timedelta(days=30) if gone else None
        return {"created": created, "removed": removed, "alive": None if gone else True}


def write(rows: Iterator[Model] | list[Model]) -> None:
    batch: list[Model] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            type(row)._base_manager.bulk_create(batch, BATCH)
            batch = []
    if batch:
        type(batch[0])._base_manager.bulk_create(batch, BATCH)
