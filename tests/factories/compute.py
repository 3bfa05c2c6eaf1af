"""Offerings, groups, machines, and a whole cloud to start them in."""

import uuid
from dataclasses import dataclass

from django.db import transaction

from accounts.models import Account, User
from accounts.resources import Resource
from accounts.services import limits
from agent import protocol
from agent.drivers.world import SimDomain, SimFile, SimPool
from compute import spec
from compute.models import (
    AffinityGroup,
    InstanceGroup,
    Nic,
    SecurityGroup,
    SecurityGroupRule,
    ServiceOffering,
    SshKeyPair,
    SystemVm,
    VirtualMachine,
    VolumeAttachment,
)
from consoleproxy import tickets
from infra.models import (
    Cluster,
    Host,
    Zone,
)
from infra.services import capacity
from network.models import (
    GuestAddress,
    Network,
)
from storage.models import (
    ImageStore,
    StoragePool,
    Template,
)
from tests.factories.accounts import caller_of, make_account, make_user
from tests.factories.basics import unique
from tests.factories.infra import make_cluster, make_host, make_zone
from tests.factories.network import make_network
from tests.factories.storage import make_pool, make_store, make_template, make_volume


def make_service_offering(name: str = "", *, domains=(), zones=(), **fields) -> ServiceOffering:
    """One CPU of 500 MHz and 512 MiB, for everybody; ``is_customized=True`` leaves them open."""
    sizes = {"cpu_number": 1, "cpu_speed_mhz": 500, "memory_mb": 512}
    fields = {**({} if fields.get("is_customized") else sizes), **fields}
    offering = ServiceOffering.objects.create(
        name=name or unique("offering"), display_text="Small", **fields
    )
    offering.domains.set(domains)
    offering.zones.set(zones)
    return offering


def make_system_vm(zone: Zone | None = None, type: str = "consoleproxy", **fields) -> SystemVm:
    """Stopped, with a disk that has no file yet; on no host."""
    zone = zone or make_zone()
    offering = make_service_offering(is_system=True, system_vm_type=type, default_use=True)
    return SystemVm.objects.create(
        type=type, zone=zone, service_offering=offering, volume=make_volume(zone=zone), **fields
    )


def make_security_group(account: Account | None = None, name: str = ""):
    return SecurityGroup.objects.create(
        account=account or make_account(), name=name or unique("security-group")
    )


def make_security_group_rule(group: SecurityGroup | None = None, **fields):
    """SSH from everywhere."""
    fields = {
        "direction": "ingress", "protocol": "tcp", "start_port": 22, "end_port": 22,
        "cidr": "0.0.0.0/0", **fields,
    }  # fmt: skip
    return SecurityGroupRule.objects.create(group=group or make_security_group(), **fields)


def make_affinity_group(
    account: Account | None = None, kind: str = "host anti-affinity", name: str = ""
) -> AffinityGroup:
    return AffinityGroup.objects.create(
        account=account or make_account(), name=name or unique("affinity"), type=kind
    )


def make_instance_group(account: Account | None = None, name: str = "") -> InstanceGroup:
    return InstanceGroup.objects.create(
        account=account or make_account(), name=name or unique("group")
    )


def make_key_pair(account: Account | None = None, name: str = "") -> SshKeyPair:
    name = name or unique("key")
    return SshKeyPair.objects.create(
        account=account or make_account(),
        name=name,
        public_key=f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{name}",
        fingerprint=uuid.uuid5(uuid.NAMESPACE_OID, name).hex,
    )


@dataclass
class Cloud:
    """A zone in which a machine can be deployed."""

    zone: Zone
    cluster: Cluster
    hosts: list[Host]
    pools: list[StoragePool]
    store: ImageStore
    template: Template
    offering: ServiceOffering

    @property
    def host(self) -> Host:
        return self.hosts[0]

    @property
    def pool(self) -> StoragePool:
        return self.pools[0]

    def network(self, account: Account, **fields) -> Network:
        return make_network(account, zone=self.zone, **fields)


def make_cloud(hosts: int = 1, *, shared: bool = True, world=None, **template_fields) -> Cloud:
    """Hosts in one cluster with a shared pool (or a local one each), a store with a ready
    public template, and an offering. With ``world`` the template's image is really there."""
    zone = make_zone()
    cluster = make_cluster(zone=zone)
    rows = [make_host(cluster) for _ in range(hosts)]
    pools = [make_pool(cluster=cluster)] if shared else [make_pool(host=h) for h in rows]
    store = make_store(zone)
    template = make_template(store=store, is_public=True, **template_fields)
    if world is not None:
        put_image(world, template)
    return Cloud(zone, cluster, rows, pools, store, template, make_service_offering())


def put_image(world, template: Template) -> None:
    """The files of a template's copies, in the simulated stores."""
    for copy in template.copies.select_related("store"):
        info = protocol.ImageInfo(template.size_bytes, template.physical_bytes, "QCOW2", "")
        world.ledger.put("images", copy.store.path, copy.name, info)


def make_vm(
    state: str = "Stopped",
    *,
    account: Account | None = None,
    cloud: Cloud | None = None,
    host: Host | None = None,
    network: Network | None = None,
    name: str = "",
    world=None,
    **fields,
) -> VirtualMachine:
    """A machine with a root disk, a NIC and its quota; on a host and counted there while
    Starting, Running or Stopping. With ``world`` its files, and its domain, are really there."""
    account = account or make_account()
    cloud = cloud or make_cloud(world=world)
    name = name or unique("vm")
    on_host = state in ("Starting", "Running", "Stopping", "Migrating")
    host = (host or cloud.host) if on_host else None
    offering = fields.pop("service_offering", cloud.offering)
    vm = VirtualMachine.objects.create(
        account=account,
        name=name,
        hostname=name,
        instance_name=f"i-{account.pk}-{name}",
        state=state,
        zone=cloud.zone,
        host=host,
        hypervisor=cloud.cluster.hypervisor,
        service_offering=offering,
        vcpus=offering.cpu_number or 1,
        cpu_speed_mhz=offering.cpu_speed_mhz or 500,
        memory_mb=offering.memory_mb or 512,
        template=fields.pop("template", cloud.template),
        power_state="PowerOn" if state == "Running" else "PowerOff",
        counted=state not in ("Destroyed", "Error", "Expunging"),
        **fields,
    )
    if vm.counted:
        with transaction.atomic():
            limits.reserve(account, {Resource.INSTANCE: 1, Resource.CPU: vm.vcpus,
                                     Resource.MEMORY: vm.memory_mb})  # fmt: skip
    if host is not None:
        with transaction.atomic():
            capacity.reserve(
                host, cpu_mhz=vm.cpu_mhz, memory_mb=vm.memory_mb, cores=vm.vcpus
            )
    volume = make_volume(
        account, pool=cloud.pool, type="ROOT", name=f"ROOT-{vm.pk}", template=vm.template
    )
    VolumeAttachment.objects.create(volume=volume, machine=vm, device_id=0)
    make_nic(vm, network or cloud.network(account), is_default=True)
    if world is not None:
        put_machine(world, vm)
    return vm


def make_nic(vm: VirtualMachine, network: Network, **fields) -> Nic:
    address = GuestAddress.objects.create(
        network=network, mac="02:02:" + ":".join(f"{b:02x}" for b in uuid.uuid4().bytes[:4]),
        hostname=vm.hostname, ip4=f"10.1.1.{vm.pk % 200 + 20}",
        ip4_number=0x0A010100 + vm.pk % 200 + 20,
    )  # fmt: skip
    return Nic.objects.create(
        machine=vm, network=network, address=address, hostname=vm.hostname,
        device_id=vm.nics.count(), **fields,
    )  # fmt: skip


def put_machine(world, vm: VirtualMachine) -> None:
    """The machine's files in the simulated pools, and its domain when it has a host."""
    attachments = spec.attachments_of(vm)
    for attachment in attachments:
        volume = attachment.volume
        world.ledger.put("pools", str(volume.pool.uuid), "", SimPool(2**40))
        world.ledger.put(
            "files", str(volume.pool.uuid), volume.path, SimFile(volume.size_bytes)
        )
    if vm.host is not None:
        wanted = spec.domain(vm, attachments, spec.nics_of(vm))
        world.put_domain(str(vm.host.uuid), SimDomain(wanted, "PowerOn", "started", 1.0))




def make_console_session(vm: VirtualMachine | None = None, user: User | None = None):
    """A ticket that nobody has used, made by a signed call."""
    vm = vm or make_vm("Running")
    user = user or vm.account.users.first() or make_user(account=vm.account)
    return tickets.issue(caller_of(user), vm, "vnc")[0]
