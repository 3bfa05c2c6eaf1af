"""Rows for tests: plain functions with sensible defaults. Each context appends its own."""

import itertools
import uuid
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.caller import Caller
from accounts.models import Account, Domain, OauthProvider, Project, Role, User
from accounts.resources import Resource
from accounts.services import limits, project_members, projects
from accounts.services.project_members import Part
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
from core import vault
from core.commands import RoleType
from infra.models import (
    Cluster,
    ConfigurationChange,
    Host,
    HostEnrolment,
    OsCategory,
    OsType,
    Pod,
    Region,
    Zone,
)
from infra.models.enrolment import digest
from infra.services import address_book, capacity, regions
from network.models import (
    DedicatedVlanRange,
    GuestAddress,
    IpRange,
    Network,
    NetworkOffering,
    NetworkServiceProvider,
    PhysicalNetwork,
    PortableIpRange,
    ProviderElement,
    PublicIp,
    Router,
    StorageIpRange,
    TrafficType,
)
from network.services import providers, public_ips, ranges
from storage.models import (
    DiskOffering,
    ImageStore,
    Snapshot,
    StoragePool,
    Template,
    TemplateCopy,
    Volume,
)

PASSWORD = "correct horse"
_number = itertools.count(1)


def unique(word: str) -> str:
    return f"{word}-{next(_number)}"


# -- accounts --------------------------------------------------------------------------


def root_domain() -> Domain:
    return Domain.root()


def role(kind: str = "User") -> Role:
    """The built-in role of a type: Admin, ResourceAdmin, DomainAdmin, User."""
    names = {
        "Admin": Role.UNRESTRICTED,
        "ResourceAdmin": "Resource Admin",
        "DomainAdmin": "Domain Admin",
        "User": "User",
    }
    return Role.objects.get(name=names[RoleType(kind)])


def make_domain(name: str = "", parent: Domain | None = None) -> Domain:
    parent = parent or root_domain()
    name = name or unique("domain")
    made = Domain.objects.create(
        name=name, parent=parent, level=parent.level + 1, name_path=f"{parent.name_path}/{name}"
    )
    made.path = f"{parent.path}{made.pk}/"
    made.save(update_fields=["path"])
    return made


def make_account(name: str = "", domain: Domain | None = None, role_type: str = "User") -> Account:
    return Account.objects.create(
        name=name or unique("account"), domain=domain or root_domain(), role=role(role_type)
    )


def make_user(
    username: str = "",
    account: Account | None = None,
    *,
    role_type: str = "User",
    domain: Domain | None = None,
    password: str = PASSWORD,
) -> User:
    account = account or make_account(domain=domain, role_type=role_type)
    user = User(
        username=username or unique("user"),
        account=account,
        domain=account.domain,
        firstname="Ada",
        lastname="Lovelace",
        email="ada@example.org",
    )
    user.set_password(password)
    user.save()
    return user


def make_oauth_provider(**fields: str) -> OauthProvider:
    about = {
        "provider": unique("id"), "description": "Ours", "client_id": "portal",
        "sealed_secret": vault.seal("s"), "issuer": "https://id.example.org",
        "redirect_uri": "https://cloud.example/signin/oauth/back",
    }  # fmt: skip
    return OauthProvider.objects.create(**about | fields)


def admin() -> User:
    """The first administrator."""
    return User.objects.get(username="admin", domain__level=0)


def caller_of(who: User | Account) -> Caller:
    """A caller for a user, or for an account (by its first user, made when there is none)."""
    if isinstance(who, Account):
        who = who.users.first() or make_user(account=who)
    return Caller.of(User.objects.select_related("account__domain", "account__role").get(pk=who.pk))


def admin_caller() -> Caller:
    return caller_of(admin())


def make_caller(role_type: str = "User", domain: Domain | None = None) -> Caller:
    """A new user of a new account with the built-in role of this type."""
    return caller_of(make_user(role_type=role_type, domain=domain))


def make_project(
    owner: Account, *members: Account | User, name: str = "", state: str = "Active"
) -> Project:
    """A project that ``owner`` administers; members are regular ones."""
    with transaction.atomic():
        made = projects.create(admin_caller(), owner, name=name or unique("project"))
        for member in members:
            user = member if isinstance(member, User) else None
            account = member.account if isinstance(member, User) else member
            project_members.add(made, account, user, Part())
    if state != "Active":
        Project.objects.filter(pk=made.pk).update(state=state)
        made.refresh_from_db()
    return made


# -- infrastructure --------------------------------------------------------------------


def make_region(number: int = 0, name: str = "") -> Region:
    number = number or Region.everything.count() + 100
    return Region.objects.create(
        number=number, name=name or unique("region"), endpoint="https://region.example/client/api"
    )


def make_zone(name: str = "", **fields) -> Zone:
    fields = {"network_type": "Advanced", "dns1": "8.8.8.8", "internal_dns1": "8.8.8.8", **fields}
    return Zone.objects.create(
        name=name or unique("zone"), local_storage_enabled=True, **fields
    )


def make_pod(zone: Zone | None = None, name: str = "", **fields) -> Pod:
    return Pod.objects.create(zone=zone or make_zone(), name=name or unique("pod"), **fields)


def make_cluster(
    pod: Pod | None = None, name: str = "", *, zone: Zone | None = None, **fields
) -> Cluster:
    pod = pod or make_pod(zone)
    fields = {"hypervisor": "Simulator", **fields}
    return Cluster.objects.create(
        zone=pod.zone, pod=pod, name=name or unique("cluster"), **fields
    )


def make_host(
    cluster: Cluster | None = None, name: str = "", *, zone: Zone | None = None, **fields
) -> Host:
    """A simulated host that is Up, with its capacity row. Calls to it need the ``world``
    fixture."""
    cluster = cluster or make_cluster(zone=zone)
    fields = {
        "status": "Up", "cpus": 16, "cpu_sockets": 1, "cpu_speed_mhz": 2000, "memory_mb": 65536,
        "accelerator": "simulated", "address": "127.0.0.1", **fields,
    }  # fmt: skip
    host = Host.objects.create(
        zone=cluster.zone,
        pod=cluster.pod,
        cluster=cluster,
        name=name or unique("host"),
        hypervisor=cluster.hypervisor,
        link="simulated",
        **fields,
    )
    capacity.set_totals(host)
    return host


def make_host_enrolment(
    cluster: Cluster | None = None, account: Account | None = None
) -> HostEnrolment:
    """Leave for a machine to join; its token is not kept."""
    return HostEnrolment.objects.create(
        cluster=cluster or make_cluster(hypervisor="KVM"),
        account=account or make_account(),
        token_hash=digest(unique("token")),
        expires=timezone.now() + timedelta(hours=1),
    )


def make_configuration_change(account: Account) -> ConfigurationChange:
    """As if an administrator had set something for the account."""
    return ConfigurationChange.objects.create(
        name="allow.user.view.destroyed.vm", scope="Account", holder=account.pk,
        holder_uuid=account.uuid, holder_name=account.name, after="true", account=admin().account,
        user=admin(),
    )  # fmt: skip


def make_os_type(name: str = "", category: str = "Other") -> OsType:
    found, _ = OsCategory.objects.get_or_create(name=category)
    return OsType.objects.create(display_name=name or unique("Other Linux"), category=found)


# -- storage ---------------------------------------------------------------------------

GIB = 2**30


def make_pool(
    zone: Zone | None = None,
    *,
    host: Host | None = None,
    cluster: Cluster | None = None,
    name: str = "",
    state: str = "Up",
    scope: str = "",
    **fields,
) -> StoragePool:
    """A pool of 1 TiB that is Up: local with ``host``, else of a cluster, else of a zone."""
    scope = scope or ("HOST" if host else "CLUSTER" if cluster else "ZONE")
    place = host or cluster
    zone = zone or (place.zone if place else make_zone())
    name = name or unique("pool")
    path = fields.pop("path", f"/srv/{name}")
    fields = {"capacity_bytes": 2**40, "hypervisor": "Simulator", **fields}
    return StoragePool.objects.create(
        name=name,
        zone=zone,
        pod=place.pod if place else None,
        cluster=host.cluster if host else cluster,
        host=host,
        scope=scope,
        type="Filesystem" if host else "SharedMountPoint",
        path=path,
        location=f"{scope}:{(place or zone).uuid}:{path}",
        state=state,
        **fields,
    )


def make_store(zone: Zone | None = None, name: str = "", **fields) -> ImageStore:
    """A secondary store that is Ready; a zone is made unless ``zone=None, everywhere=True``."""
    if not fields.pop("everywhere", False):
        zone = zone or make_zone()
    name = name or unique("store")
    path = fields.pop("path", f"/export/{name}")
    fields = {"state": "Ready", "capacity_bytes": 2**40, "url": f"file://{path}", **fields}
    return ImageStore.objects.create(name=name, zone=zone, path=path, **fields)


def make_template(
    account: Account | None = None,
    *,
    store: ImageStore | None = None,
    zone: Zone | None = None,
    name: str = "",
    ready: bool = True,
    **fields,
) -> Template:
    """A template of 2 GiB; with ``store`` it has a copy there (Ready unless told)."""
    kind = fields.pop("kind", "TEMPLATE")
    name = name or unique(kind.lower())
    fields = {
        "size_bytes": 2 * GIB,
        "physical_bytes": GIB // 4,
        "hypervisor": "" if kind == "ISO" else "Simulator",
        "format": "ISO" if kind == "ISO" else "QCOW2",
        "url": f"http://images.example.org/{name}",
        **fields,
    }
    template = Template.objects.create(
        account=account or make_account(),
        name=name,
        display_text=name,
        kind=kind,
        zone=zone or (store.zone if store else None),
        **fields,
    )
    if store is not None:
        TemplateCopy.objects.create(
            template=template,
            store=store,
            state="Ready" if ready else "Allocated",
            percent=100 if ready else 0,
            physical_bytes=template.physical_bytes,
        )
    return template


def make_iso(account: Account | None = None, **fields) -> Template:
    return make_template(account, kind="ISO", **fields)


def make_disk_offering(name: str = "", *, size_gb: int = 5, domains=(), zones=(), **fields):
    """A public disk offering; ``size_gb=0`` makes one of any size."""
    offering = DiskOffering.objects.create(
        name=name or unique("disk"),
        display_text=fields.pop("display_text", "A disk"),
        size_bytes=size_gb * GIB,
        is_custom=not size_gb,
        **fields,
    )
    offering.domains.set(domains)
    offering.zones.set(zones)
    return offering


def make_volume(
    account: Account | None = None,
    *,
    pool: StoragePool | None = None,
    zone: Zone | None = None,
    name: str = "",
    state: str = "",
    size_gb: int = 5,
    **fields,
) -> Volume:
    """A volume: Ready when it has a pool (its bytes reserved there), Allocated without."""
    size_bytes = fields.pop("size_bytes", size_gb * GIB)
    if pool is not None:
        StoragePool.objects.filter(pk=pool.pk).update(
            allocated_bytes=F("allocated_bytes") + size_bytes
        )
    return Volume.objects.create(
        account=account or make_account(),
        name=name or unique("volume"),
        zone=zone or (pool.zone if pool else make_zone()),
        pool=pool,
        path=str(uuid.uuid4()) if pool else "",
        reserved_bytes=size_bytes if pool else 0,
        state=state or ("Ready" if pool else "Allocated"),
        size_bytes=size_bytes,
        **fields,
    )


def make_snapshot(volume: Volume | None = None, *, store: ImageStore | None = None, **fields):
    """A finished snapshot in a store."""
    volume = volume or make_volume()
    fields = {"state": "BackedUp", "size_bytes": volume.size_bytes, **fields}
    return Snapshot.objects.create(
        account=fields.pop("account", volume.account),
        name=fields.pop("name", unique("snapshot")),
        volume=volume,
        volume_type=volume.type,
        zone=volume.zone,
        store=store or make_store(volume.zone),
        **fields,
    )


# -- networks --------------------------------------------------------------------------


def make_network_offering(name: str = "", guest_type: str = "Isolated", **fields):
    """Enabled, with what a router here provides (nothing for L2)."""
    services = {s: ["VirtualRouter"] for s in ("Dhcp", "Dns", "UserData")}
    if guest_type == "Isolated":
        services["SourceNat"] = ["VirtualRouter"]
    fields = {"services": {} if guest_type == "L2" else services, "state": "Enabled", **fields}
    return NetworkOffering.objects.create(
        name=name or unique("network-offering"), guest_type=guest_type, **fields
    )


def make_physical_network(zone: Zone | None = None, name: str = "", **fields):
    return PhysicalNetwork.objects.create(
        zone=zone or make_zone(), name=name or unique("physnet"), **fields
    )


def make_wires(zone: Zone | None = None, name: str = "", *, vlan: str = "", **fields):
    """A physical network that is ready: Guest and Public traffic, all providers enabled."""
    wires = make_physical_network(zone, name, vlan=vlan, isolation_methods=["VLAN"], **fields)
    providers.make_built_in(wires)
    NetworkServiceProvider.objects.filter(physical_network=wires).update(state="Enabled")
    ProviderElement.objects.filter(provider__physical_network=wires).update(enabled=True)
    for kind in ("Guest", "Public"):
        make_traffic_type(wires, kind)
    return wires


def make_provider(wires: PhysicalNetwork | None = None, name: str = "VirtualRouter"):
    return providers.add(wires or make_physical_network(), name)


def make_public_range(zone: Zone | None = None, **fields) -> IpRange:
    """192.0.2.10–20, for everybody, in a zone that is wired for it."""
    zone = zone or make_zone()
    if not zone.physical_networks.filter(traffic_types__type="Public").exists():
        make_wires(zone)
    wanted = address_book.checked("192.0.2.1", "255.255.255.0", "192.0.2.10", "192.0.2.20")
    return ranges.add_public(zone, wanted, **fields)


def make_dedicated_vlans(
    wires: PhysicalNetwork | None = None, account: Account | None = None
) -> DedicatedVlanRange:
    wires = wires or make_physical_network(isolation_methods=["VLAN"], vlan="100-199")
    return DedicatedVlanRange.objects.create(
        physical_network=wires, account=account or make_account(), first=110, last=119
    )


def make_storage_range(pod: Pod | None = None) -> StorageIpRange:
    return StorageIpRange.objects.create(
        pod=pod or make_pod(), gateway="172.18.0.1", netmask="255.255.255.0",
        start_ip="172.18.0.10", end_ip="172.18.0.20",
    )  # fmt: skip


def make_portable_range() -> PortableIpRange:
    number = next(_number) % 200
    return PortableIpRange.objects.create(
        region=regions.ensure_local(), gateway=f"203.0.{number}.1",
        netmask="255.255.255.0", start_ip=f"203.0.{number}.10", end_ip=f"203.0.{number}.20",
    )  # fmt: skip


def make_public_ip(account: Account | None = None, *, zone: Zone | None = None) -> PublicIp:
    """One that is kept for an account."""
    row = make_public_range(zone)
    return public_ips.reserve(row.public_ips.order_by("number")[0], account or make_account())


def make_network(
    account: Account | None = None,
    *,
    zone: Zone | None = None,
    name: str = "",
    guest_type: str = "Isolated",
    offering: NetworkOffering | None = None,
    **fields,
) -> Network:
    """Isolated 10.1.1.0/24 of an account; a Shared one is for the owner's whole domain."""
    account = account or make_account()
    if guest_type == "Shared":
        fields = {"acl_type": "Domain", "shared_with": account.domain, "state": "Setup", **fields}
    if guest_type != "L2":
        fields = {
            "cidr": "10.1.1.0/24", "gateway": "10.1.1.1", "netmask": "255.255.255.0", **fields
        }  # fmt: skip
    with transaction.atomic():
        limits.reserve(account, {Resource.NETWORK: 1})
    return Network.objects.create(
        account=account,
        name=name or unique("network"),
        zone=zone or make_zone(),
        offering=offering or make_network_offering(guest_type=guest_type),
        guest_type=guest_type,
        network_domain="example.internal",
        **fields,
    )


def make_ip_range(network: Network | None = None, start: str = "10.1.1.10", end: str = "10.1.1.20"):
    return IpRange.objects.create(
        network=network or make_network(), start_ip=start, end_ip=end
    )


def make_router(network: Network | None = None, host: Host | None = None) -> Router:
    network = network or make_network()
    return Router.objects.create(network=network, host=host, state="Running" if host else "Stopped")


def make_traffic_type(network: PhysicalNetwork | None = None, kind: str = "Guest") -> TrafficType:
    return TrafficType.objects.create(
        physical_network=network or make_physical_network(), type=kind
    )


# -- compute ---------------------------------------------------------------------------


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


# -- consoles --------------------------------------------------------------------------


def make_console_session(vm: VirtualMachine | None = None, user: User | None = None):
    """A ticket that nobody has used, made by a signed call."""
    vm = vm or make_vm("Running")
    user = user or vm.account.users.first() or make_user(account=vm.account)
    return tickets.issue(caller_of(user), vm, "vnc")[0]
