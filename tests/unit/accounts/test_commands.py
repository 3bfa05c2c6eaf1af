"""Accounts, users, domains, roles and limits through the dispatcher, as clients use them."""

import uuid

import pytest

from accounts.models import Account, ApiKey, Domain, Session, User
from accounts.resources import Resource
from accounts.services import limits, sessions
from api.dispatch import execute
from core.errors import (
    CloudError,
    InUse,
    InvalidParameter,
    NoSuchObject,
    PermissionDenied,
    UnavailableCommand,
)
from jobs.worker import run_everything
from tests.factories import (
    PASSWORD,
    admin,
    admin_caller,
    caller_of,
    make_account,
    make_caller,
    make_domain,
    make_user,
    role,
    root_domain,
)

pytestmark = pytest.mark.django_db

PERSON = {
    "password": "a new password",
    "email": "li@example.org",
    "firstname": "丽",
    "lastname": "李",
}


def record(caller, name, /, **given):
    return execute(caller, name, given).record()


def listed(caller, name, /, **given):
    return execute(caller, name, given).records


# -- domains -----------------------------------------------------------------------------


def test_a_domain_in_any_script_is_found_by_its_path():
    upper = record(admin_caller(), "createDomain", name="研发")
    lower = record(admin_caller(), "createDomain", name="dev", parentdomainid=str(upper["id"]))
    assert lower["path"] == "ROOT/研发/dev"
    assert lower["level"] == 2
    assert sessions.domain_at("/研发/DEV").uuid == lower["id"]


@pytest.mark.parametrize("name", ["", "   ", "a/b", "x" * 256])
def test_a_domain_needs_a_proper_name(name):
    with pytest.raises(InvalidParameter):
        record(admin_caller(), "createDomain", name=name)


def test_twins_are_refused_in_any_case():
    make_domain("Dev")
    with pytest.raises(InvalidParameter, match="already"):
        record(admin_caller(), "createDomain", name="dev")


def test_renaming_renames_the_paths_of_everything_below():
    upper = make_domain("old")
    lower = make_domain("x", parent=upper)
    sibling = make_domain("older")
    record(admin_caller(), "updateDomain", id=str(upper.uuid), name="new")
    lower.refresh_from_db()
    sibling.refresh_from_db()
    assert lower.name_path == "ROOT/new/x"
    assert sibling.name_path == "ROOT/older"


def test_moving_a_domain_moves_what_it_uses():
    one, two = make_domain(), make_domain()
    moved = make_domain("moved", parent=one)
    deep = make_domain("deep", parent=moved)
    limits.reserve(make_account(domain=deep), {Resource.VOLUME: 3})
    record(admin_caller(), "moveDomain", domainid=str(moved.uuid), parentdomainid=str(two.uuid))
    deep.refresh_from_db()
    assert deep.name_path == f"ROOT/{two.name}/moved/deep"
    assert deep.level == 3
    assert deep.path == f"/{two.pk}/{moved.pk}/{deep.pk}/"
    used = limits.used_by_domains([one.pk, two.pk, moved.pk])
    assert [used[d.pk][Resource.VOLUME] for d in (one, two, moved)] == [0, 3, 3]


def test_a_domain_is_not_moved_below_itself():
    upper = make_domain()
    lower = make_domain(parent=upper)
    with pytest.raises(InvalidParameter, match="below itself"):
        record(
            admin_caller(), "moveDomain", domainid=str(upper.uuid), parentdomainid=str(lower.uuid)
        )


def test_a_domain_with_something_in_it_is_not_deleted_and_the_reply_says_what():
    domain = make_domain()
    make_domain("child", parent=domain)
    make_account("owner", domain=domain)
    with pytest.raises(InUse, match="domain child, account owner"):
        execute(admin_caller(), "deleteDomain", {"id": str(domain.uuid)})
    domain.refresh_from_db()
    assert domain.state == "Active"


def test_cleanup_deletes_the_whole_subtree():
    domain = make_domain()
    lower = make_domain(parent=domain)
    user = make_user(domain=lower)
    sessions.start(user)
    execute(admin_caller(), "deleteDomain", {"id": str(domain.uuid), "cleanup": "true"})
    assert not Session.objects.filter(user=user).exists()
    run_everything()
    assert not Domain.objects.within(domain).exists()
    assert not Account.objects.filter(pk=user.account_id).exists()
    assert not User.objects.filter(pk=user.pk).exists()
    make_domain(domain.name)  # the name is free again


def test_lists_of_domains_follow_the_tree():
    upper = make_domain("upper")
    lower = make_domain("lower", parent=upper)
    ruler = make_caller("DomainAdmin", domain=upper)
    assert [d["id"] for d in listed(ruler, "listDomains")] == [upper.uuid]
    assert [d["id"] for d in listed(ruler, "listDomains", listall="true")] == [
        upper.uuid,
        lower.uuid,
    ]
    children = listed(admin_caller(), "listDomainChildren", id=str(root_domain().uuid))
    assert [(d["name"], d["haschild"]) for d in children] == [("upper", True)]
    with pytest.raises(NoSuchObject):
        listed(ruler, "listDomains", id=str(root_domain().uuid))


# -- accounts and users --------------------------------------------------------------------


def test_an_account_comes_with_its_user_and_its_limits():
    domain = make_domain()
    made = record(
        admin_caller(), "createAccount", username="李丽", domainid=str(domain.uuid), **PERSON
    )
    assert made["name"] == "李丽"
    assert made["roletype"] == "User"
    assert made["accounttype"] == 0
    assert made["domainpath"] == domain.name_path
    assert made["user"][0]["firstname"] == "丽"
    assert made["vmlimit"] == "20"
    assert made["vmavailable"] == "20"
    assert made["memorylimit"] == "40960"
    assert sessions.log_in("李丽", PERSON["password"], domain_path=domain.name_path)


def test_usage_is_shown_in_the_units_of_the_limit():
    account = make_account()
    limits.reserve(account, {Resource.PRIMARY_STORAGE: 3 * 2**30 + 1, Resource.MEMORY: 512})
    shown = listed(admin_caller(), "listAccounts", id=str(account.uuid))[0]
    assert (shown["primarystoragetotal"], shown["primarystorageavailable"]) == (4, "196")
    assert shown["memorytotal"] == 512
    assert "vmtotal" not in listed(
        admin_caller(), "listAccounts", id=str(account.uuid), details="min"
    )[0]


def test_a_list_of_accounts_costs_the_same_however_many(django_assert_max_num_queries):
    for _ in range(30):
        make_user()
    caller = admin_caller()
    with django_assert_max_num_queries(11):
        assert len(listed(caller, "listAccounts", listall="true")) == 31


def test_lists_of_accounts_hide_the_portals_own():
    names = {a["name"] for a in listed(admin_caller(), "listAccounts", listall="true")}
    assert "system" not in names
    users = {u["username"] for u in listed(admin_caller(), "listUsers", listall="true")}
    assert "admin" in users
    assert "system" not in users


def test_an_administrator_who_names_no_scope_sees_its_own_account():
    make_account()
    assert [a["name"] for a in listed(admin_caller(), "listAccounts")] == ["admin"]


def test_a_user_sees_its_own_account_only():
    caller = make_caller()
    make_account()
    shown = listed(caller, "listAccounts", listall="true")
    assert [a["id"] for a in shown] == [caller.account.uuid]


def test_the_api_key_of_a_user_finds_it():
    user = make_user()
    made = record(caller_of(user), "registerUserKeys", id=str(user.uuid))
    assert record(admin_caller(), "getUser", userapikey=made["apikey"])["id"] == user.uuid


def test_a_secret_key_is_shown_once():
    caller = make_caller()
    made = record(caller, "registerUserKeys", id=str(caller.user.uuid))
    assert made["secretkey"]
    again = record(caller, "getUserKeys", id=str(caller.user.uuid))
    assert again["apikey"] == made["apikey"]
    assert "secretkey" not in again
    assert made["secretkey"] not in ApiKey.objects.get(user=caller.user).sealed_secret


def test_ones_own_password_needs_the_old_one_and_ends_every_session():
    caller = make_caller()
    sessions.start(caller.user)
    ask = {"id": str(caller.user.uuid), "password": "another one"}
    with pytest.raises(InvalidParameter, match="currentpassword"):
        execute(caller, "updateUser", ask)
    with pytest.raises(InvalidParameter, match="wrong"):
        execute(caller, "updateUser", {**ask, "currentpassword": "not it"})
    execute(caller, "updateUser", {**ask, "currentpassword": PASSWORD})
    assert not Session.objects.filter(user=caller.user).exists()


def test_the_users_of_a_disabled_account_are_out_at_once():
    user = make_user()
    signed_in = sessions.start(user)
    execute(admin_caller(), "disableAccount", {"id": str(user.account.uuid), "lock": "false"})
    assert sessions.find(signed_in.token) is None
    run_everything()
    shown = record(admin_caller(), "enableAccount", id=str(user.account.uuid))
    assert shown["state"] == "enabled"


@pytest.mark.parametrize("name", ["disableUser", "lockUser", "deleteUser"])
def test_nobody_locks_itself_out(name):
    caller = caller_of(make_user(account=make_account(role_type="Admin")))
    with pytest.raises(PermissionDenied, match="yourself"):
        execute(caller, name, {"id": str(caller.user.uuid)})


def test_what_came_with_the_cloud_stays():
    other = caller_of(make_user(account=make_account(role_type="Admin")))
    for name, row in (
        ("deleteUser", admin()),
        ("disableUser", admin()),
        ("deleteAccount", admin().account),
    ):
        with pytest.raises(PermissionDenied, match="came with the cloud"):
            execute(other, name, {"id": str(row.uuid)})


def test_a_user_moves_to_another_account_of_its_domain():
    user, target = make_user(), make_account()
    execute(admin_caller(), "moveUser", {"id": str(user.uuid), "accountid": str(target.uuid)})
    user.refresh_from_db()
    assert user.account == target
    elsewhere = make_account(domain=make_domain())
    with pytest.raises(InvalidParameter, match="another domain"):
        execute(
            admin_caller(), "moveUser", {"id": str(user.uuid), "accountid": str(elsewhere.uuid)}
        )


# -- rule R2: nobody acts on, or makes, an equal or higher role ----------------------------

HIGH_TO_LOW = ["Admin", "ResourceAdmin", "DomainAdmin", "User"]
PAIRS = [
    (mine, other)
    for mine in ("ResourceAdmin", "DomainAdmin")
    for other in HIGH_TO_LOW[: HIGH_TO_LOW.index(mine) + 1]
]


@pytest.mark.parametrize(("mine", "other"), PAIRS)
@pytest.mark.parametrize(
    "name", ["updateUser", "disableUser", "lockUser", "deleteUser", "registerUserKeys"]
)
def test_nobody_acts_on_a_user_of_an_equal_or_higher_role(mine, other, name):
    domain = make_domain()
    caller = make_caller(mine, domain=domain)
    target = make_user(domain=domain, role_type=other)
    with pytest.raises((NoSuchObject, UnavailableCommand)):
        execute(caller, name, {"id": str(target.uuid), "password": "taken over"})
    target.refresh_from_db()
    assert target.state == "enabled"
    assert target.has_password(PASSWORD)


@pytest.mark.parametrize(("mine", "other"), PAIRS)
def test_nobody_makes_an_account_of_an_equal_or_higher_role(mine, other):
    caller = make_caller(mine, domain=make_domain())
    with pytest.raises((PermissionDenied, NoSuchObject)):
        record(caller, "createAccount", username="u", roleid=str(role(other).uuid), **PERSON)
    types = {"User": 0, "Admin": 1, "DomainAdmin": 2, "ResourceAdmin": 3}
    with pytest.raises(PermissionDenied):
        record(caller, "createAccount", username="u", accounttype=types[other], **PERSON)
    assert not User.objects.filter(username="u").exists()


@pytest.mark.parametrize(("mine", "other"), PAIRS)
def test_nobody_adds_a_user_to_an_account_of_an_equal_or_higher_role(mine, other):
    domain = make_domain()
    caller = make_caller(mine, domain=domain)
    target = make_account(domain=domain, role_type=other)
    with pytest.raises(PermissionDenied):
        record(caller, "createUser", account=target.name, username="u", **PERSON)


def test_an_administrator_with_rules_does_not_act_on_the_owners_of_the_cloud():
    support = record(admin_caller(), "createRole", name="helpers", type="Admin")
    account = Account.objects.create(
        name="helper", domain=root_domain(), role_id=_role_pk(support["id"])
    )
    helper = caller_of(make_user(account=account))
    for name in ("updateUser", "registerUserKeys"):
        with pytest.raises(CloudError):
            execute(helper, name, {"id": str(admin().uuid), "password": "mine now"})
    assert admin().has_password(PASSWORD)


def test_a_role_that_may_more_than_the_giver_is_not_given():
    domain = make_domain()
    caller = make_caller("DomainAdmin", domain=domain)
    strong = record(admin_caller(), "createRole", name="strong", type="User")
    execute(
        admin_caller(),
        "createRolePermission",
        {"roleid": str(strong["id"]), "rule": "createRole", "permission": "allow"},
    )
    with pytest.raises(PermissionDenied, match="allows createRole"):
        record(caller, "createAccount", username="u", roleid=str(strong["id"]), **PERSON)


def test_a_role_somebody_has_is_not_made_to_allow_more_than_the_changer_may():
    ops = record(admin_caller(), "createRole", name="ops", type="Admin")
    for rule, permission in (("*Role*", "allow"), ("*", "deny")):
        record(admin_caller(), "createRolePermission", roleid=str(ops["id"]), rule=rule,
               permission=permission)  # fmt: skip
    account = Account.objects.create(name="o", domain=root_domain(), role_id=_role_pk(ops["id"]))
    keeper = caller_of(make_user(account=account))
    theirs = record(admin_caller(), "createRole", name="theirs", type="ResourceAdmin")
    denied = record(admin_caller(), "createRolePermission", roleid=str(theirs["id"]),
                    rule="deployVirtualMachine", permission="deny")  # fmt: skip
    about = {"roleid": str(theirs["id"])}
    for command, given in (
        ("createRolePermission", {**about, "rule": "moveDomain", "permission": "allow"}),
        ("updateRolePermission", {**about, "ruleid": str(denied["id"]), "permission": "allow"}),
        ("deleteRolePermission", {"id": str(denied["id"])}),
        ("importRole", {"name": "theirs", "type": "ResourceAdmin", "forced": "true",
                        "rules[0].rule": "*", "rules[0].permission": "allow"}),
    ):  # fmt: skip
        with pytest.raises(PermissionDenied, match="would allow"):
            execute(keeper, command, given)
    execute(keeper, "createRolePermission", {**about, "rule": "start*", "permission": "deny"})


def _role_pk(role_uuid: uuid.UUID) -> int:
    return type(role())._base_manager.get(uuid=role_uuid).pk


# -- limits --------------------------------------------------------------------------------


def test_limits_are_listed_and_set():
    account = make_account(domain=make_domain())
    holder = {"account": account.name, "domainid": str(account.domain.uuid)}
    before = listed(admin_caller(), "listResourceLimits", **holder)
    assert {r["resourcetypename"] for r in before} >= {"user_vm", "cpu", "secondary_storage"}
    shown = record(admin_caller(), "updateResourceLimit", resourcetype=0, max=5, **holder)
    assert shown["max"] == 5
    after = listed(admin_caller(), "listResourceLimits", resourcetypename="user_vm", **holder)
    assert [(r["resourcetype"], r["max"]) for r in after] == [("0", 5)]


def test_a_limit_does_not_exceed_the_domains():
    domain = make_domain()
    account = make_account(domain=domain)
    limits.set_limit(domain, Resource.INSTANCE, 3)
    with pytest.raises(InvalidParameter, match="may have 3"):
        record(
            admin_caller(),
            "updateResourceLimit",
            resourcetype=0,
            max=4,
            account=account.name,
            domainid=str(domain.uuid),
        )


def test_nobody_lifts_the_limits_of_its_own_domain():
    caller = make_caller("DomainAdmin", domain=make_domain())
    with pytest.raises(PermissionDenied):
        record(
            caller,
            "updateResourceLimit",
            resourcetype=0,
            max=-1,
            domainid=str(caller.domain.uuid),
        )


def test_counts_are_made_anew_on_request(monkeypatch):
    account = make_account()
    monkeypatch.setitem(limits.COUNTERS, Resource.INSTANCE, lambda keys: dict.fromkeys(keys, 2))
    shown = listed(
        admin_caller(),
        "updateResourceCount",
        domainid=str(root_domain().uuid),
        account=account.name,
        resourcetype=0,
    )
    assert [r["resourcecount"] for r in shown] == [2]
