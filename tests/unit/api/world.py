"""One object of each model for an account, and a valid value for every parameter.

A model that a command refers to and that is not listed here fails the tests that are made
from the registry: nothing slips through because nobody thought of it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django.db import models

from accounts.models import (
    Account,
    Annotation,
    LdapLink,
    LdapServer,
    ResourceTag,
    Role,
    SamlAuthorization,
)
from accounts.services import sessions
from compute.models import UserData
from compute.services import dedication
from core.commands import COMMANDS, Command, Param
from infra.models import Alert
from jobs import events, troubles
from jobs.models import AsyncJob
from network.models import InternalLbElement
from tests import factories


class World:
    """What one account has: a row of each model that commands refer to, made when needed.

    What can be private is private: a zone is its domain's, a template its account's.
    """

    def __init__(self, account: Account) -> None:
        self.account = account
        self._rows: dict[str, models.Model] = {}

    def __getitem__(self, label: str) -> models.Model:
        """The row of a model by its label, as in ``world["infra.Zone"]``."""
        if label not in self._rows:
            assert label in MAKE, (
                f"{label} is a parameter of a command but has no factory: append one to "
                "tests/factories and name it in tests/unit/api/world.py"
            )
            self._rows[label] = MAKE[label](self)
        return self._rows[label]

    def __contains__(self, label: str) -> bool:
        return label in self._rows

    def rows(self) -> list[models.Model]:
        return list(self._rows.values())

    def fill(self) -> None:
        """Make all that can be made, before tests that only read it."""
        for model in referenced_models():
            if model._meta.label in MAKE:
                self.row(model)

    def row(self, model: type[models.Model]) -> models.Model:
        row = self[model._meta.label]
        assert isinstance(row, model)
        return row


def _owned(name: str, **fixed: Any) -> Callable[[World], models.Model]:
    return lambda w: getattr(factories, name)(account=w.account, **fixed)


def _in_zone(name: str, **fixed: Any) -> Callable[[World], models.Model]:
    return lambda w: getattr(factories, name)(w.account, zone=w["infra.Zone"], **fixed)


def _for_domain(name: str) -> Callable[[World], models.Model]:
    return lambda w: getattr(factories, name)(domains=[w.account.domain])


#: Model label → how to make one that belongs to a world's account.
MAKE: dict[str, Callable[[World], models.Model]] = {
    "accounts.Account": lambda w: w.account,
    "accounts.Domain": lambda w: w.account.domain,
    "accounts.User": lambda w: w.account.users.first(),
    "accounts.LdapServer": lambda w: LdapServer.objects.create(
        hostname="ldap.example", port=389, domain=w.account.domain
    ),
    "accounts.SamlAuthorization": lambda w: SamlAuthorization.objects.create(
        user=w.account.users.first(), entity_id="https://idp.example.org"
    ),
    "accounts.OauthProvider": lambda w: factories.make_oauth_provider(),
    "accounts.LdapLink": lambda w: LdapLink.objects.create(
        domain=w.account.domain, kind="OU", name="ou=people,dc=example", role=w.account.role
    ),
    "accounts.Session": lambda w: sessions.start(w.account.users.first()).session,
    "accounts.Role": lambda w: Role.objects.create(
        name=factories.unique("role"), type="User", is_public=False
    ),
    "accounts.RoleRule": lambda w: w["accounts.Role"].rules.create(
        rule="listZones", allow=True, sort_order=0
    ),
    "accounts.Project": lambda w: factories.make_project(w.account),
    "accounts.ProjectMember": lambda w: w["accounts.Project"].members.first(),
    "accounts.ProjectInvitation": lambda w: w["accounts.Project"].invitations.create(
        invited=w.account, email="ada@example.org"
    ),
    "accounts.ProjectRole": lambda w: w["accounts.Project"].roles.create(
        name=factories.unique("role")
    ),
    "accounts.ProjectRoleRule": lambda w: w["accounts.ProjectRole"].rules.create(
        rule="listZones", allow=True, sort_order=0
    ),
    "infra.Zone": lambda w: factories.make_zone(domain=w.account.domain),
    "infra.Pod": lambda w: factories.make_pod(w["infra.Zone"]),
    "infra.Cluster": lambda w: factories.make_cluster(w["infra.Pod"]),
    "infra.Host": lambda w: factories.make_host(w["infra.Cluster"]),
    "infra.HostEnrolment": lambda w: factories.make_host_enrolment(w["infra.Cluster"]),
    "infra.Region": lambda w: factories.make_region(),
    "infra.OsType": lambda w: factories.make_os_type(),
    "infra.OsCategory": lambda w: w["infra.OsType"].category,
    "infra.ConfigurationChange": lambda w: factories.make_configuration_change(w.account),
    "infra.Alert": lambda w: Alert.objects.create(type=7, name="alert", description="Host down"),
    "storage.StoragePool": lambda w: factories.make_pool(cluster=w["infra.Cluster"]),
    "storage.ImageStore": lambda w: factories.make_store(w["infra.Zone"]),
    "storage.DiskOffering": _for_domain("make_disk_offering"),
    "storage.Template": _in_zone("make_template"),
    "storage.Volume": _in_zone("make_volume"),
    "storage.Snapshot": lambda w: factories.make_snapshot(
        w["storage.Volume"], store=w["storage.ImageStore"]
    ),
    "network.NetworkOffering": lambda w: factories.make_network_offering(),
    "network.PhysicalNetwork": lambda w: factories.make_physical_network(w["infra.Zone"]),
    "network.TrafficType": lambda w: factories.make_traffic_type(w["network.PhysicalNetwork"]),
    "network.NetworkServiceProvider": lambda w: factories.make_provider(
        w["network.PhysicalNetwork"]
    ),
    "network.ProviderElement": lambda w: w["network.NetworkServiceProvider"].elements.first(),
    "network.InternalLbElement": lambda w: InternalLbElement.objects.get(
        provider=factories.make_provider(w["network.PhysicalNetwork"], "InternalLbVm")
    ),
    "network.DedicatedVlanRange": lambda w: factories.make_dedicated_vlans(
        w["network.PhysicalNetwork"], w.account
    ),
    "network.PublicIp": lambda w: factories.make_public_ip(w.account, zone=w["infra.Zone"]),
    "network.StorageIpRange": lambda w: factories.make_storage_range(w["infra.Pod"]),
    "network.PortableIpRange": lambda w: factories.make_portable_range(),
    "network.Network": _in_zone("make_network"),
    "network.IpRange": lambda w: factories.make_ip_range(w["network.Network"]),
    "network.Router": lambda w: factories.make_router(w["network.Network"]),
    "compute.ServiceOffering": _for_domain("make_service_offering"),
    "compute.SystemVm": lambda w: factories.make_system_vm(w["infra.Zone"]),
    "compute.AffinityGroup": _owned("make_affinity_group"),
    "compute.DedicatedResource": lambda w: dedication.dedicate(
        w["infra.Host"], w.account.domain, w.account
    ),
    "compute.SecurityGroup": _owned("make_security_group"),
    "compute.SecurityGroupRule": lambda w: factories.make_security_group_rule(
        w["compute.SecurityGroup"]
    ),
    "compute.InstanceGroup": _owned("make_instance_group"),
    "compute.SshKeyPair": _owned("make_key_pair"),
    "compute.UserData": lambda w: UserData.objects.create(
        account=w.account, name=factories.unique("user-data"), content="aGk="
    ),
    "compute.VirtualMachine": lambda w: factories.make_vm(
        "Running", account=w.account, cloud=_cloud(w), network=w["network.Network"]
    ),
    "compute.Nic": lambda w: w["compute.VirtualMachine"].nics.first(),
    "accounts.Annotation": lambda w: Annotation.objects.create(
        account=w.account, user=w.account.users.first(), username="someone", text="a comment",
        resource_type="UserVm", resource_uuid=w["compute.VirtualMachine"].uuid,
    ),
    "accounts.ResourceTag": lambda w: ResourceTag.objects.create(
        account=w.account, resource_type="UserVm", key=factories.unique("key"), value="v",
        resource_uuid=w["compute.VirtualMachine"].uuid,
    ),
    "jobs.Event": lambda w: events.record("VM.START", "started", account=w.account),
    "jobs.AsyncJob": lambda w: AsyncJob.objects.create(
        account=w.account, command="startVirtualMachine", plan="none", subject={}, status=2,
        phase="ended", correlation_id=str(uuid.uuid4()), instance_type="VirtualMachine",
    ),
    "jobs.Trouble": lambda w: troubles.open_trouble(
        "test", w["compute.VirtualMachine"], "Something is wrong.", evidence={}
    ),
    "consoleproxy.ConsoleSession": lambda w: factories.make_console_session(
        w["compute.VirtualMachine"], w.account.users.first()
    ),
}  # fmt: skip


def _cloud(world: World) -> factories.Cloud:
    """Where the world's machine lives: in the world's own places."""
    return factories.Cloud(
        zone=world["infra.Zone"],
        cluster=world["infra.Cluster"],
        hosts=[world["infra.Host"]],
        pools=[world["storage.StoragePool"]],
        store=world["storage.ImageStore"],
        template=world["storage.Template"],
        offering=world["compute.ServiceOffering"],
    )


def referenced_models() -> list[type[models.Model]]:
    found = {p.model for c in COMMANDS.values() for p in c.params if p.model is not None}
    return sorted(found, key=lambda m: m._meta.label)


#: Parameters whose values the commands themselves check.
CHECKED_BY_COMMANDS = {"templatefilter": "executable"}


def valid(param: Param, world: World) -> Any:
    """A wire value that the parser accepts for this parameter."""
    if param.name in CHECKED_BY_COMMANDS:
        return CHECKED_BY_COMMANDS[param.name]
    if param.model is not None:
        return str(world.row(param.model).uuid)
    if param.choices:
        return param.choices[0]
    if param.kind in ("integer", "long", "float"):
        return str(int(param.minimum if param.minimum is not None else 1))
    kind = param.of if param.kind == "list" else param.kind
    return {
        "string": "valid",
        "boolean": "true",
        "date": "2030-01-01",
        "uuid": str(uuid.uuid4()),
        "map": [{"key": "k", "value": "v"}],
        "integer": "1",
        "long": "1",
        "float": "1",
    }[kind]


def required_values(command: Command, world: World, but: str = "") -> dict[str, Any]:
    """Every required parameter of the command, and those that only go together."""
    return {
        p.name: valid(p, world) for p in command.params if p.required and p.name != but
    }
