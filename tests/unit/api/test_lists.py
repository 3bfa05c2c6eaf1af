"""Lists: what every one of them promises, whatever it lists."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Domain
from api import dispatch
from core.commands import COMMANDS
from core.errors import InvalidParameter, NoSuchObject
from tests import factories
from tests.unit.api.test_strangers import ASKED_BY
from tests.unit.api.world import CHECKED_BY_COMMANDS, MAKE, World, required_values

pytestmark = pytest.mark.django_db

#: So many queries at most, however large the table: keys, count, rows, and one for each bulk
#: field or group of them.
MOST_QUERIES = 18

LISTS = sorted(n for n, c in COMMANDS.items() if c.listing and c.listing.model._meta.label in MAKE)


@pytest.fixture(scope="module")
def crowd(committed):
    """Six accounts with a row of everything each."""
    with committed():
        domains = [factories.make_domain() for _ in range(6)]
        worlds = [World(factories.make_user(domain=d).account) for d in domains]
        for world in worlds:
            world.fill()
        return worlds


def asked(name: str, world: World, **given: Any) -> dispatch.Outcome:
    values = {"listall": "true", **required_values(COMMANDS[name], world), **given}
    if "templatefilter" in values:
        values["templatefilter"] = "all"
    return dispatch.execute(factories.admin_caller(), name, values)


@pytest.mark.parametrize("name", LISTS)
def test_the_number_of_queries_grows_with_neither_page_nor_table(crowd, name):
    if name in ASKED_BY and name != "listTemplates":
        given = ASKED_BY[name](crowd[0].row(COMMANDS[name].listing.model))[0]
    else:
        given = {}
    counted = []
    for size in (1, 2, 500):
        with CaptureQueriesContext(connection) as queries:
            found = asked(name, crowd[0], page="1", pagesize=str(size), **given)
        counted.append((len(found.records), len(queries)))
    few, many = counted[0], counted[-1]
    # One page that holds all there is needs no count.
    assert many[1] <= few[1], [q["sql"][:100] for q in queries]
    assert max(n for _, n in counted) <= MOST_QUERIES, [q["sql"][:100] for q in queries]


@pytest.mark.parametrize("name", [n for n in LISTS if n not in ASKED_BY])
def test_pages_put_together_are_the_whole_list_in_order(crowd, name):
    whole = asked(name, crowd[0])
    pages = []
    for number in range(1, whole.count + 2):
        page = asked(name, crowd[0], page=str(number), pagesize="2")
        assert page.count == whole.count
        pages += page.records
    assert pages == whole.records
    assert len(asked(name, crowd[0], pagesize="-1").records) == whole.count


@pytest.mark.parametrize("name", [n for n in LISTS if n not in ASKED_BY])
def test_one_row_is_found_by_its_id(crowd, name):
    row = crowd[0].row(COMMANDS[name].listing.model)
    found = asked(name, crowd[0], id=str(row.uuid))
    assert found.count == len(found.records) == 1


@pytest.mark.parametrize("name", [n for n in LISTS if n not in ASKED_BY])
def test_a_keyword_finds_a_thing_by_the_name_it_shows(crowd, name):
    row = crowd[0].row(COMMANDS[name].listing.model)
    (record,) = asked(name, crowd[0], id=str(row.uuid)).records
    if record.get("name"):
        found = asked(name, crowd[0], keyword=str(record["name"]))
        assert record["id"] in {r["id"] for r in found.records}
    assert asked(name, crowd[0], keyword="what nothing has").records == []


@pytest.mark.parametrize("name", [n for n in LISTS if n not in ASKED_BY])
def test_a_list_can_be_sorted_by_any_plain_column(crowd, name):
    caller = factories.admin_caller()
    given = {"listall": "true"}
    for field in (f.name for f in COMMANDS[name].response.fields if f.source):
        up = dispatch.execute(caller, name, given, sort=field)
        down = dispatch.execute(caller, name, given, sort=f"-{field}")
        assert up.count == down.count, field
        assert up.records == list(reversed(down.records)), field


def test_a_list_is_sorted_by_what_it_shows_only():
    with pytest.raises(InvalidParameter, match="sorted"):
        dispatch.execute(factories.admin_caller(), "listUsers", {}, sort="password")


# -- scope -------------------------------------------------------------------------------


def names(caller, **given) -> set[str]:
    found = dispatch.execute(caller, "listUsers", given)
    return {r["username"] for r in found.records}


@pytest.fixture
def tree(db):
    """Domains a, a/b and c, with a user in each and a domain admin in a."""
    a, c = factories.make_domain("a"), factories.make_domain("c")
    b = factories.make_domain("b", a)
    users = {d.name: factories.make_user(f"user-{d.name}", domain=d) for d in (a, b, c)}
    return a, b, c, factories.caller_of(
        factories.make_user("boss", domain=a, role_type="DomainAdmin")
    ), users  # fmt: skip


def test_an_administrator_who_names_no_scope_sees_its_own_account(tree):
    assert names(tree[3]) == {"boss"}


def test_listall_is_all_that_one_may_see(tree):
    a, b, c, boss, users = tree
    assert names(boss, listall="true") == {"boss", "user-a", "user-b"}
    assert {"user-a", "user-b", "user-c", "admin"} <= names(
        factories.admin_caller(), listall="true"
    )
    assert names(factories.caller_of(users["a"]), listall="true") == {"user-a"}


def test_a_domain_is_listed_alone_or_with_those_below(tree):
    a, b, c, boss, users = tree
    assert names(boss, domainid=str(a.uuid)) == {"boss", "user-a"}
    assert names(boss, domainid=str(a.uuid), isrecursive="true") == {"boss", "user-a", "user-b"}


def test_a_domains_siblings_are_not_below_it(tree):
    """Paths are compared as ranges: /1/ must not hold /10/."""
    a, *_ = tree
    for _ in range(12):
        factories.make_user(domain=factories.make_domain())
    found = names(factories.admin_caller(), domainid=str(a.uuid), isrecursive="true")
    assert found == {"boss", "user-a", "user-b"}


def test_one_account_is_listed_by_name_in_its_domain(tree):
    a, b, c, boss, users = tree
    account = users["b"].account
    given = {"account": account.name, "domainid": str(b.uuid)}
    assert names(boss, **given) == {"user-b"}
    with pytest.raises(InvalidParameter, match="no account"):
        names(boss, account=account.name)


def test_nothing_belongs_to_a_project_yet(tree):
    boss = tree[3]
    assert names(boss, projectid="-1") == set()
    with pytest.raises(NoSuchObject):
        names(boss, projectid="7b93011b-5140-4834-af09-e2d9f2b73818")
    with pytest.raises(InvalidParameter, match="exclude"):
        names(boss, projectid="-1", account="x")


def test_what_was_removed_is_an_empty_list_and_what_never_was_an_error(tree):
    user = tree[4]["a"]
    user.removed, user.alive = timezone.now() - timedelta(days=1), None
    user.save()
    admin = factories.admin_caller()
    assert dispatch.execute(admin, "listUsers", {"id": str(user.uuid)}).records == []
    with pytest.raises(NoSuchObject):
        dispatch.execute(admin, "listUsers", {"id": "7b93011b-5140-4834-af09-e2d9f2b73818"})


def test_a_keyword_is_taken_as_it_is(tree):
    boss = tree[3]
    assert names(boss, listall="true", keyword="user-") == {"user-a", "user-b"}
    for wild in ("%", "_", "*", "user%a", "'", '"', "\\"):
        assert names(boss, listall="true", keyword=wild) == set()


def test_a_users_keyword_finds_any_script(db):
    domain = factories.make_domain("研发部")
    admin = factories.admin_caller()
    found = dispatch.execute(admin, "listDomains", {"listall": "true", "keyword": "研发"})
    assert [r["name"] for r in found.records] == [domain.name]
    assert Domain.objects.filter(name="研发部").exists()


def test_filters_that_commands_check_are_still_needed():
    """A list of exceptions must not outlive its reason."""
    names_ = {p.name for c in COMMANDS.values() for p in c.params}
    assert set(CHECKED_BY_COMMANDS) <= names_
