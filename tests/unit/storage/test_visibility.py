"""Who sees, uses and changes which template and which disk offering."""

import pytest

from api.dispatch import execute
from core.errors import CloudError, InvalidParameter, NoSuchObject, PermissionDenied
from infra.services import configuration
from storage.models import DiskOffering, Template
from tests.factories import (
    admin_caller,
    caller_of,
    make_account,
    make_caller,
    make_disk_offering,
    make_domain,
    make_store,
    make_template,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def people():
    """An owner, a colleague of its domain, its domain's administrator, a stranger, root."""
    domain = make_domain("acme")
    owner = make_account("owner", domain)
    return {
        "owner": caller_of(owner),
        "colleague": caller_of(make_account("colleague", domain)),
        "manager": make_caller("DomainAdmin", domain),
        "stranger": make_caller(domain=make_domain("other")),
        "root": admin_caller(),
    }


def sees(caller, filter_, **given) -> set[str]:
    given = {"templatefilter": filter_, **given}
    return {r["name"] for r in execute(caller, "listTemplates", given).records}


def everything_of(cloud, owner):
    for name, fields in {
        "private": {},
        "public": {"is_public": True},
        "featured": {"is_public": True, "is_featured": True},
    }.items():
        cloud.template(owner.account, name=name, **fields)
    # Somebody else's, shared with nobody, and one that is still on its way.
    cloud.template(name="foreign")
    make_template(owner.account, store=cloud.site.store, name="unready", ready=False)


@pytest.mark.parametrize(
    "who, filter_, names",
    [
        ("owner", "self", {"private", "public", "featured", "unready"}),
        ("owner", "selfexecutable", {"private", "public", "featured"}),
        ("owner", "executable", {"private", "public", "featured"}),
        ("owner", "featured", {"featured"}),
        ("owner", "community", {"public"}),
        ("owner", "shared", set()),
        ("colleague", "self", set()),
        ("colleague", "executable", {"public", "featured"}),
        ("colleague", "community", {"public"}),
        ("stranger", "featured", {"featured"}),
        ("stranger", "executable", {"public", "featured"}),
        ("manager", "self", set()),
        ("manager", "all", {"private", "public", "featured", "unready"}),
        ("root", "self", set()),
        ("root", "all", {"private", "public", "featured", "unready", "foreign"}),
        ("root", "executable", {"public", "featured"}),
    ],
)
def test_each_filter_shows_what_it_says(cloud, people, who, filter_, names):
    everything_of(cloud, people["owner"])
    assert sees(people[who], filter_) == names


def test_administrators_ask_for_all_they_rule_or_for_one_account(cloud, people):
    everything_of(cloud, people["owner"])
    mine = {"private", "public", "featured", "unready"}
    assert sees(people["manager"], "self", listall="true") == mine
    domain = people["owner"].domain.uuid
    assert sees(people["root"], "self", account="owner", domainid=domain) == mine
    assert sees(people["root"], "all", domainid=domain) == mine
    with pytest.raises(CloudError, match="no account owner"):
        sees(people["stranger"], "self", account="owner")


@pytest.mark.parametrize("who", ["owner", "stranger"])
def test_the_filter_all_is_for_administrators(people, who):
    with pytest.raises(InvalidParameter, match="for administrators"):
        sees(people[who], "all")


def test_a_filter_that_is_none_is_refused(people):
    with pytest.raises(InvalidParameter, match="one of featured"):
        sees(people["owner"], "everything")


def test_a_private_template_is_shared_with_named_accounts_and_taken_back(cloud, people):
    owner = people["owner"]
    template = cloud.template(owner.account, name="private")
    given = {"id": template.uuid, "op": "add", "accounts": "colleague"}
    execute(owner, "updateTemplatePermissions", given)
    assert sees(people["colleague"], "sharedexecutable") == {"private"}
    assert sees(people["colleague"], "executable") == {"private"}
    assert sees(people["stranger"], "executable") == set()
    shown = execute(owner, "listTemplatePermissions", {"id": template.uuid}).value
    assert shown["account"] == ["colleague"]
    with pytest.raises(NoSuchObject):  # to use is not to change
        execute(people["colleague"], "updateTemplate", {"id": template.uuid, "name": "mine"})
    execute(owner, "updateTemplatePermissions", {**given, "op": "remove"})
    assert sees(people["colleague"], "executable") == set()


def test_reset_takes_everything_back(cloud, people):
    owner = people["owner"]
    template = cloud.template(owner.account, is_public=True, is_featured=True)
    template.permissions.create(account=people["colleague"].account)
    execute(owner, "updateTemplatePermissions", {"id": template.uuid, "op": "reset"})
    template.refresh_from_db()
    assert (template.is_public, template.is_featured) == (False, False)
    assert not template.permissions.exists()


@pytest.mark.parametrize(
    "given, said",
    [
        ({"op": "add", "accounts": "nobody"}, "no account nobody"),
        ({"op": "add"}, "Give accounts"),
        ({"accounts": "colleague"}, "added or removed"),
        ({"op": "destroy"}, "add, remove or reset"),
    ],
)
def test_what_cannot_be_shared_is_refused(cloud, people, given, said):
    template = cloud.template(people["owner"].account)
    with pytest.raises(InvalidParameter, match=said):
        execute(people["owner"], "updateTemplatePermissions", {"id": template.uuid, **given})
    assert not template.permissions.exists()


def test_an_account_of_another_domain_is_not_named(cloud, people):
    template = cloud.template(people["owner"].account)
    name = people["stranger"].account.name
    given = {"id": template.uuid, "op": "add", "accounts": name}
    with pytest.raises(InvalidParameter, match="no account"):
        execute(people["owner"], "updateTemplatePermissions", given)


def test_only_root_features_and_users_may_be_kept_from_publishing(cloud, people):
    owner = people["owner"]
    template = cloud.template(owner.account)
    execute(owner, "updateTemplatePermissions",
            {"id": template.uuid, "ispublic": "true", "isfeatured": "true"})  # fmt: skip
    template.refresh_from_db()
    assert (template.is_public, template.is_featured) == (True, False)
    execute(
        people["root"], "updateTemplatePermissions", {"id": template.uuid, "isfeatured": "true"}
    )
    template.refresh_from_db()
    assert template.is_featured
    configuration.set_value("allow.public.user.templates", "false", owner.account)
    with pytest.raises(PermissionDenied, match="may not publish"):
        execute(owner, "updateTemplatePermissions", {"id": template.uuid, "ispublic": "true"})


def test_public_templates_stay_in_their_domain_where_sharing_is_off(cloud, people):
    cloud.template(people["owner"].account, name="public", is_public=True)
    configuration.set_value("share.public.templates.with.other.domains", "false")
    assert sees(people["colleague"], "community") == {"public"}
    assert sees(people["stranger"], "community") == set()


def test_strangers_find_nothing_behind_the_id_of_a_private_template(cloud, people):
    template = cloud.template(people["owner"].account)
    for who in ("stranger", "colleague"):
        with pytest.raises(NoSuchObject):
            execute(people[who], "deleteTemplate", {"id": template.uuid})
        with pytest.raises(NoSuchObject):
            execute(people[who], "listTemplates", {"templatefilter": "self", "id": template.uuid})
    assert Template.objects.filter(pk=template.pk, state="Active").exists()


# -- disk offerings --------------------------------------------------------------------------


def offerings(caller, **given) -> set[str]:
    return {r["name"] for r in execute(caller, "listDiskOfferings", given).records}


@pytest.fixture
def kinds(people):
    acme = people["owner"].domain
    below = make_domain("below", acme)
    make_disk_offering("for all")
    make_disk_offering("for acme", domains=[acme])
    make_disk_offering("for below", domains=[below])
    make_disk_offering("hidden", display=False)
    make_disk_offering("old", state="Inactive")
    return {**people, "low": make_caller(domain=below)}


@pytest.mark.parametrize(
    "who, names",
    [
        ("root", {"for all", "for acme", "for below", "hidden"}),
        ("manager", {"for all", "for acme", "for below", "hidden"}),
        ("owner", {"for all", "for acme"}),
        ("low", {"for all", "for acme", "for below"}),
        ("stranger", {"for all"}),
    ],
)
def test_offerings_are_seen_by_whom_they_are_for(kinds, who, names):
    assert offerings(kinds[who]) == names


def test_only_administrators_see_what_is_withdrawn(kinds):
    assert "old" in offerings(kinds["root"], state="Inactive")
    assert "old" in offerings(kinds["root"], state="all")
    assert offerings(kinds["owner"], state="all") == {"for all", "for acme"}


def test_a_domain_administrator_makes_and_changes_offerings_of_its_own_domains_only(kinds):
    manager = kinds["manager"]
    with pytest.raises(PermissionDenied, match="which of your domains"):
        execute(manager, "createDiskOffering", {"name": "x", "disksize": 1})
    given = {"name": "ours", "disksize": 1, "domainid": manager.domain.uuid}
    made = execute(manager, "createDiskOffering", given).record()
    assert made["domain"] == "acme"
    execute(manager, "updateDiskOffering", {"id": made["id"], "displaytext": "new words"})
    public = DiskOffering.objects.get(name="for all")
    with pytest.raises(NoSuchObject):
        execute(manager, "updateDiskOffering", {"id": public.uuid, "name": "mine"})
    with pytest.raises(PermissionDenied):
        execute(manager, "updateDiskOffering", {"id": made["id"], "domainid": "public"})


def test_an_offering_of_a_foreign_domain_is_not_made(kinds):
    foreign = kinds["stranger"].domain
    given = {"name": "x", "disksize": 1, "domainid": foreign.uuid}
    with pytest.raises(NoSuchObject):
        execute(kinds["manager"], "createDiskOffering", given)
    assert not DiskOffering.objects.filter(name="x").exists()


def test_why_a_public_template_failed_is_its_owners_business(people):
    store = make_store()
    made = make_template(people["owner"].account, store=store, is_public=True)
    made.copies.update(state="Failed", error="mirror.acme.example answered 404 for /private.qcow2")
    filters = {"owner": "self", "manager": "all", "root": "all", "stranger": "community"}
    seen = {
        who: execute(
            people[who], "listTemplates", {"templatefilter": chosen, "id": made.uuid}
        ).records
        for who, chosen in filters.items()
    }
    for who in ("owner", "manager", "root"):
        assert "answered 404" in seen[who][0]["status"], who
    assert [r["status"] for r in seen["stranger"]] == ["Failed"]
