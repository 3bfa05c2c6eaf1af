"""Rows for tests: plain functions with sensible defaults. Each context appends its own."""

import itertools

from accounts.caller import Caller
from accounts.models import Account, Domain, Role, User
from core.commands import RoleType
from infra.models import Cluster, Host, OsCategory, OsType, Pod, Zone
from infra.services import capacity

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


# -- infrastructure --------------------------------------------------------------------


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


def make_os_type(name: str = "", category: str = "Other") -> OsType:
    found, _ = OsCategory.objects.get_or_create(name=category)
    return OsType.objects.create(display_name=name or unique("Other Linux"), category=found)
