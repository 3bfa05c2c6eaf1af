"""Domains, accounts, users, projects, and who calls."""

from django.db import transaction

from accounts.caller import Caller
from accounts.models import Account, Domain, OauthProvider, Project, Role, User
from accounts.services import project_members, projects
from accounts.services.project_members import Part
from core import vault
from core.commands import RoleType
from tests.factories.basics import PASSWORD, unique


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
