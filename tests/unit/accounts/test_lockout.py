"""Nothing that is done to roles, accounts and users leaves a cloud without an administrator."""

import pytest

from accounts.models import Account, Role, RoleRule, User
from api.dispatch import execute
from core.errors import CloudError
from tests.factories import admin, admin_caller, caller_of, make_user, role, unique

pytestmark = pytest.mark.django_db


def other_owner():
    """A second account with the built-in role."""
    return caller_of(make_user(role_type="Admin"))


@pytest.mark.parametrize("who", [admin_caller, other_owner])
@pytest.mark.parametrize(
    "command, given",
    [
        ("createRolePermission", {"roleid": "owners", "rule": "*", "permission": "deny"}),
        ("updateRole", {"id": "owners", "type": "User"}),
        ("disableRole", {"id": "owners"}),
        ("deleteRole", {"id": "owners"}),
        ("importRole", {
            "name": Role.UNRESTRICTED, "type": "Admin", "forced": "true",
            "rules": [{"rule": "*", "permission": "deny"}],
        }),
        ("updateAccount", {"id": "account", "roleid": "users"}),
        ("disableAccount", {"id": "account", "lock": "false"}),
        ("disableAccount", {"id": "account", "lock": "true"}),
        ("lockAccount", {"account": "admin", "domainid": "root"}),
        ("deleteAccount", {"id": "account"}),
        ("disableUser", {"id": "user"}),
        ("lockUser", {"id": "user"}),
        ("deleteUser", {"id": "user"}),
        ("moveUser", {"id": "user", "accountid": "another"}),
        ("deleteDomain", {"id": "root", "cleanup": "true"}),
    ],
)  # fmt: skip
def test_the_first_administrator_stays_one(who, command, given):
    user = admin()
    rows = {
        "owners": role("Admin"), "users": role("User"), "account": user.account, "user": user,
        "root": user.domain, "another": make_user(role_type="Admin").account,
    }  # fmt: skip
    about = {
        k: str(rows[v].uuid) if isinstance(v, str) and v in rows and k != "account" else v
        for k, v in given.items()
    }
    with pytest.raises(CloudError) as refusal:
        execute(who(), command, about)
    assert refusal.value.message
    assert Account.objects.get(pk=user.account_id).state == "enabled"
    assert User.objects.get(pk=user.pk).state == "enabled"
    assert Account.objects.get(pk=user.account_id).role.is_unrestricted
    execute(caller_of(user), "listZones")


def test_an_administrator_with_rules_does_not_narrow_its_own_role():
    made = Role.objects.create(name=unique("role"), type="Admin")
    user = make_user(role_type="Admin")
    user.account.role = made
    user.account.save(update_fields=["role"])
    with pytest.raises(CloudError):
        execute(caller_of(user), "createRolePermission", {
            "roleid": str(made.uuid), "rule": "*", "permission": "deny",
        })  # fmt: skip
    assert not RoleRule.objects.filter(role=made).exists()
