"""What a cloud has beside its machines: about as many of each thing as there are accounts."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from accounts.models import (
    Account,
    Annotation,
    Project,
    ProjectInvitation,
    ResourceDetail,
    ResourceTag,
    Role,
    RoleRule,
    Session,
    User,
)
from cloudportal.simulation import BEGAN, write
from compute.models import (
    AffinityGroup,
    DedicatedResource,
    InstanceGroup,
    SecurityGroup,
    SshKeyPair,
    UserData,
    VirtualMachine,
)
from compute.models.groups import DEDICATED
from consoleproxy.models import ConsoleSession
from infra.models import Alert, Cluster, Host, Pod, Zone
from jobs.models import AsyncJob, Event, JobStatus, Phase
from network.models import DedicatedVlanRange, IpRange, Network, PhysicalNetwork, PublicIp, Router
from storage.models import ImageStore, Snapshot, StoragePool, Template, Volume

_IN_A_RANGE = 10  # public addresses


class Things:
    """``number`` of the small things; a tenth as many of what hosts and addresses come in."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.places = max(number // 10, 10)
        self.zones = list(Zone.objects.order_by("pk"))
        people = Account.objects.filter(is_project=False, domain__level=1)
        self.accounts = list(people.order_by("pk")[:number])
        users = User.objects.filter(account__in=[a.pk for a in self.accounts[:500]])
        self.users = list(users.order_by("pk"))

    def seed(self) -> None:
        for step in (self._owned, self._history, self._pinned, self._roles, self._places,
                     self._networks, self._images, self._projects, self._sessions):  # fmt: skip
            with transaction.atomic():
                step()

    def each(self, number: int = 0) -> Any:
        return ((i, self.accounts[i % len(self.accounts)]) for i in range(number or self.number))

    def _owned(self) -> None:
        for model in (InstanceGroup, SecurityGroup, UserData):
            write(model(account=owner, name=f"thing-{i}") for i, owner in self.each())
        write(
            SshKeyPair(account=owner, name=f"key-{i}", public_key="ssh-rsa A", fingerprint=f"{i:x}")
            for i, owner in self.each()
        )
        write(
            AffinityGroup(account=owner, name=f"group-{i}", type="host anti-affinity")
            for i, owner in self.each()
        )

    def _history(self) -> None:
        write(
            Event(
                account=owner, domain_id=owner.domain_id, type="VM.START", created=_at(i),
                description="Machine started", resource_type="VirtualMachine",
                resource_uuid=uuid.uuid4(), resource_name=f"vm-{i}",
            )
            for i, owner in self.each(self.number * 4)
        )  # fmt: skip
        write(
            AsyncJob(
                account=owner, command="startVirtualMachine", plan="", subject={}, created=_at(i),
                status=JobStatus.DONE, phase=Phase.ENDED, started=_at(i), completed=_at(i),
                correlation_id=str(uuid.uuid4()),
            )
            for i, owner in self.each()
        )  # fmt: skip
        write(
            Alert(type=i % 30, name=f"alert-{i}", description="Look", sent=_at(i),
                  zone=self.zones[i % len(self.zones)])
            for i in range(self.number)
        )  # fmt: skip

    def _pinned(self) -> None:
        machines = VirtualMachine.objects.order_by("pk")[: self.number]
        there = list(machines.values_list("account_id", "uuid", "name"))
        owners = Account.everything.in_bulk({owner for owner, *_ in there})
        write(
            ResourceTag(account=owners[owner], resource_type="UserVm", resource_uuid=vm, key="team",
                        value=f"team-{i % 100}")
            for i, (owner, vm, _) in enumerate(there)
        )  # fmt: skip
        write(
            Annotation(account_id=owner, username="admin", resource_type="UserVm", resource_uuid=vm,
                       resource_name=name, text="Mind this one")
            for owner, vm, name in there
        )  # fmt: skip
        write(
            ResourceDetail(resource_type="Volume", resource_uuid=vm, name="rack", value=str(i))
            for i, (_, vm, _) in enumerate(there)
        )

    def _roles(self) -> None:
        write(
            Role(name=f"role-{i}", type="User", description="") for i in range(self.places)
        )
        own = Role.objects.filter(name__startswith="role-").order_by("pk")
        write(
            RoleRule(role_id=role, rule=rule, allow=True, sort_order=at)
            for role in own.values_list("pk", flat=True)
            for at, rule in enumerate(("list*", "get*", "start*", "stop*", "deploy*"))
        )

    def _places(self) -> None:
        write(Pod(zone=self._zone(i), name=f"rack-{i}") for i in range(self.places))
        pods = list(Pod.objects.filter(name__startswith="rack-").order_by("pk"))
        write(
            Cluster(zone_id=pod.zone_id, pod=pod, name=f"c-{i}", hypervisor="Simulator")
            for i, pod in enumerate(pods)
        )
        clusters = list(Cluster.objects.filter(name__startswith="c-").order_by("pk"))
        write(
            StoragePool(
                name=f"disk-{i}", zone_id=cluster.zone_id, pod_id=cluster.pod_id, cluster=cluster,
                scope="CLUSTER", type="NetworkFilesystem", path=f"/p/{i}", state="Up",
                location=f"nfs:10.0.0.2:/p/{i}", hypervisor="Simulator", capacity_bytes=2**40,
            )
            for i, cluster in enumerate(clusters)
        )  # fmt: skip
        write(
            ImageStore(
                name=f"images-{i}", zone=self._zone(i), protocol="nfs", state="Ready",
                path=f"10.0.0.3:/i/{i}", url=f"nfs://10.0.0.3/i/{i}", capacity_bytes=2**40,
            )
            for i in range(self.places // 10)
        )  # fmt: skip
        write(
            AffinityGroup(account=owner, name=f"kept-{i}", type=DEDICATED)
            for i, owner in self.each(self.places)
        )
        groups = AffinityGroup.objects.filter(type=DEDICATED, name__startswith="kept-")
        hosts = Host.objects.order_by("pk")[: self.places]
        write(
            DedicatedResource(
                zone_id=host.zone_id, host=host, place_uuid=host.uuid, group=group,
                account_id=group.account_id, domain_id=self.accounts[0].domain_id,
            )
            for host, group in zip(hosts, groups.order_by("pk"), strict=False)
        )  # fmt: skip

    def _networks(self) -> None:
        write(
            PhysicalNetwork(zone=self._zone(i), name=f"wire-{i}", state="Enabled",
                            isolation_methods=["VLAN"])
            for i in range(self.places)
        )  # fmt: skip
        wires = list(PhysicalNetwork.objects.filter(name__startswith="wire-").order_by("pk"))
        write(
            DedicatedVlanRange(physical_network=wire, account=owner, first=i * 10, last=i * 10 + 9)
            for wire, (i, owner) in zip(wires, self.each(self.places), strict=True)
        )
        first = 0x0B000000
        write(
            IpRange(
                zone_id=wire.zone_id, physical_network=wire, gateway="11.0.0.1",
                netmask="255.0.0.0", start_ip="11.0.0.2", end_ip="11.0.0.11", vlan=f"{i}",
                first=first + i * _IN_A_RANGE, last=first + i * _IN_A_RANGE + 9,
            )
            for i, wire in enumerate(wires)
        )  # fmt: skip
        ranges = IpRange.objects.filter(physical_network__in=wires).order_by("pk")
        keys = list(ranges.values_list("pk", flat=True))
        write(
            PublicIp(
                ip_range_id=keys[i // _IN_A_RANGE], number=first + i, state="Allocated",
                address=f"11.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}", allocated=BEGAN,
                account=owner,
            )
            for i, owner in self.each(len(keys) * _IN_A_RANGE)
        )  # fmt: skip
        networks = Network.objects.filter(router=None).select_related("account").order_by("pk")
        write(Router(network=network, state="Running") for network in networks[: self.number])

    def _images(self) -> None:
        one = Template.objects.order_by("pk").first()
        write(
            Template(
                account=owner, name=f"image-{i}", display_text="An image", format="QCOW2",
                hypervisor="Simulator", os_type_id=one.os_type_id, size_bytes=1, url="http://sim/t",
            )
            for i, owner in self.each()
        )  # fmt: skip
        disks = list(Volume.objects.order_by("pk")[: self.number])
        write(
            Snapshot(account_id=disk.account_id, name=f"snapshot-{i}", volume=disk,
                     zone_id=disk.zone_id, state="BackedUp", created=_at(i))
            for i, disk in enumerate(disks)
        )  # fmt: skip

    def _projects(self) -> None:
        projects = Project.objects.order_by("pk")[: self.number]
        write(
            ProjectInvitation(project=project, invited=owner)
            for project, (_, owner) in zip(projects, self.each(), strict=False)
        )

    def _sessions(self) -> None:
        write(
            Session(user=self.users[i % len(self.users)], token_hash=uuid.uuid4().hex, epoch=0,
                    key_hash="-", last_seen=_at(i))
            for i in range(self.number)
        )  # fmt: skip
        machine = VirtualMachine.objects.order_by("pk")[0]
        write(
            ConsoleSession(account=owner, had_session=False, machine=machine, created=_at(i),
                           ticket_hash=uuid.uuid4().hex, expires=_at(i))
            for i, owner in self.each()
        )  # fmt: skip

    def _zone(self, i: int) -> Zone:
        return self.zones[i % len(self.zones)]


def _at(i: int) -> datetime:
    return BEGAN + timedelta(seconds=i)
