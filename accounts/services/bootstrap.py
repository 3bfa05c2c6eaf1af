"""What must exist before anybody can sign in: the ROOT domain, the built-in roles, the
portal's own account and the first administrator. Safe to run at every start."""

from __future__ import annotations

from django.db import transaction

from accounts.models import Account, Domain, Role, RoleRule, User
from core import vault
from core.commands import COMMANDS, RoleType

_BUILT_IN = (
    (Role.UNRESTRICTED, RoleType.ADMIN, "Owners of the cloud: everything, always"),
    ("Resource Admin", RoleType.RESOURCE_ADMIN, "Runs the accounts and resources of a domain"),
    ("Domain Admin", RoleType.DOMAIN_ADMIN, "Runs a domain and those below it"),
    ("User", RoleType.USER, "Uses what its own account has"),
)
_READ_ONLY_ADMIN = ("Read-Only Admin - Default", RoleType.ADMIN, "Sees everything, changes nothing")
_READ_ONLY_USER = ("Read-Only User - Default", RoleType.USER, "Sees what its account has")
_SUPPORT_ADMIN = ("Support Admin - Default", RoleType.ADMIN, "Sees everything, helps with some")
_SUPPORT_USER = ("Support User - Default", RoleType.USER, "Runs what its account has")

# CloudStack 4.22's default rules of these roles.
_READ = (("list*", True), ("getUploadParamsFor*", False), ("get*", True),
         ("queryAsyncJobResult", True))  # fmt: skip
_HELP_USER = (
    "startVirtualMachine", "stopVirtualMachine", "rebootVirtualMachine",
    "startKubernetesCluster", "stopKubernetesCluster", "createVolume", "attachVolume",
    "detachVolume", "uploadVolume", "attachIso", "detachIso", "registerTemplate",
    "registerIso", "getUploadParamsFor*",
)  # fmt: skip
_HELP_ADMIN = (
    "prepareHostForMaintenance", "cancelHostMaintenance", "enableStorageMaintenance",
    "cancelStorageMaintenance", "createServiceOffering", "createDiskOffering",
    "createNetworkOffering", "createVPCOffering", *_HELP_USER,
)  # fmt: skip


@transaction.atomic
def bootstrap(admin_password: str = "") -> str:
    """Make what is missing. Returns the first administrator's password when this call made
    that user (``admin_password``, or a generated one), else the empty text."""
    root = Domain.objects.filter(level=0).first() or _root()
    roles = {spec[0]: _role(*spec) for spec in _BUILT_IN}
    _write_rules(_role(*_READ_ONLY_ADMIN), [*_READ, ("*", False)])
    _write_rules(_role(*_READ_ONLY_USER), [*_reads_of_users(), ("*", False)])
    _write_rules(_role(*_SUPPORT_ADMIN), [*_allowed(_HELP_ADMIN), *_READ, ("*", False)])
    _write_rules(
        _role(*_SUPPORT_USER), [*_allowed(_HELP_USER), *_reads_of_users(), ("*", False)]
    )
    owners = roles[Role.UNRESTRICTED]
    _user(_account("system", root, owners), "system", "", firstname="system", lastname="cloud")
    password = admin_password or vault.password()
    made = _user(
        _account("admin", root, owners), "admin", password, firstname="admin", lastname="cloud"
    )
    return password if made else ""


def _root() -> Domain:
    return Domain.objects.create(name="ROOT", path="/", name_path="ROOT", level=0)


def _role(name: str, kind: RoleType, description: str) -> Role:
    role, _ = Role.objects.get_or_create(
        name=name,
        is_default=True,
        defaults={"type": kind, "description": description},
    )
    return role


def _allowed(names: tuple[str, ...]) -> list[tuple[str, bool]]:
    return [(name, True) for name in names]


def _reads_of_users() -> list[tuple[str, bool]]:
    """The reading commands that role User has, by name: a wildcard would allow the others."""
    names = {
        name
        for name, command in COMMANDS.items()
        if name.startswith(("list", "get"))
        and not name.startswith("getUploadParamsFor")
        and RoleType.USER in command.roles
    }
    return [(name, True) for name in sorted({*names, "queryAsyncJobResult"})]


def _write_rules(role: Role, rules: list[tuple[str, bool]]) -> None:
    """Replace the rules when they differ (a new release brings new commands)."""
    if list(role.rules.values_list("rule", "allow")) == rules:
        return
    role.rules.all().delete()
    RoleRule.objects.bulk_create(
        RoleRule(role=role, rule=rule, allow=allow, sort_order=i)
        for i, (rule, allow) in enumerate(rules)
    )
    role.rules_stamp = Role.new_stamp()
    role.save(update_fields=["rules_stamp"])


def _account(name: str, domain: Domain, role: Role) -> Account:
    account, _ = Account.objects.get_or_create(
        name=name, domain=domain, defaults={"role": role, "is_default": True}
    )
    return account


def _user(account: Account, username: str, password: str, **names: str) -> bool:
    """A user without a password cannot sign in. Returns whether it was made now."""
    if User.objects.filter(username=username, domain=account.domain).exists():
        return False
    user = User(
        username=username, account=account, domain=account.domain, is_default=True, **names
    )
    user.set_password(password or None)
    user.save()
    return True
