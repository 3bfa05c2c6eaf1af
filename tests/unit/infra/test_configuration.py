"""Settings: the narrowest value counts, wrong ones are refused and explained."""

from dataclasses import replace

import pytest

from api.dispatch import execute
from core.config import SETTINGS, Scope, Setting
from core.errors import InvalidParameter, NoSuchObject, PermissionDenied
from infra.models import ConfigurationValue, HostCapacity
from infra.services import configuration, setting_records
from infra.services.capacity import CPU_FACTOR
from infra.services.setting_groups import place_of
from tests.factories import (
    admin_caller,
    make_account,
    make_caller,
    make_cluster,
    make_domain,
    make_host,
    make_pod,
    make_pool,
    make_store,
    make_zone,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def setting():
    """A setting of tenants that nothing else reads."""
    made = Setting("test.colour", "red", "A colour.", scopes=(Scope.DOMAIN, Scope.ACCOUNT),
                   choices=("red", "green", "blue"))  # fmt: skip
    yield made
    del SETTINGS["test.colour"]


def change(name, value, **scope):
    return execute(admin_caller(), "updateConfiguration", {"name": name, "value": value, **scope})


def test_the_narrowest_value_wins_and_resetting_widens_again():
    zone = make_zone()
    one, two = make_cluster(make_pod(zone)), make_cluster(make_pod(zone))
    name = CPU_FACTOR.name
    change(name, "2")
    change(name, "3", zoneid=str(zone.uuid))
    change(name, "4", clusterid=str(one.uuid))
    assert (CPU_FACTOR.get(), CPU_FACTOR.get(zone)) == (2.0, 3.0)
    assert (CPU_FACTOR.get(one), CPU_FACTOR.get(two), CPU_FACTOR.get(one.pod)) == (4.0, 3.0, 3.0)
    assert CPU_FACTOR.get(make_zone()) == 2.0
    shown = execute(
        admin_caller(), "resetConfiguration", {"name": name, "clusterid": str(one.uuid)}
    ).record()
    assert (shown["value"], shown["defaultvalue"]) == ("3.0", "1.0")
    assert CPU_FACTOR.get(one) == 3.0


def test_domains_inherit_from_the_domains_above(setting):
    parent = make_domain()
    child = make_domain(parent=parent)
    account = make_account(domain=child)
    assert setting.get(account) == "red"
    configuration.set_value("test.colour", "green", parent.parent)
    assert setting.get(account) == "green"
    configuration.set_value("test.colour", "blue", parent)
    assert setting.get(account) == "blue"
    configuration.set_value("test.colour", "red", account)
    assert (setting.get(account), setting.get(child), setting.get()) == ("red", "blue", "red")


def test_changing_an_overcommit_factor_changes_what_hosts_can_give():
    host, other = make_host(), make_host()
    change(CPU_FACTOR.name, "2.5", clusterid=str(host.cluster.uuid))
    limits = dict(HostCapacity.objects.values_list("host_id", "cpu_limit_mhz"))
    assert limits == {host.pk: 80000, other.pk: 32000}


@pytest.mark.parametrize(
    "name, value, said",
    [
        ("cpu.overprovisioning.factor", "many", "must be a number"),
        ("cpu.overprovisioning.factor", "0.5", "at least 1"),
        ("capacity.check.period", "1.5", "whole number"),
        ("no.such.setting", "1", "There is no setting"),
        ("test.colour", "mauve", "one of red, green, blue"),
    ],
)
def test_wrong_values_are_refused_and_change_nothing(setting, name, value, said):
    with pytest.raises(InvalidParameter, match=said):
        change(name, value)
    assert not ConfigurationValue.objects.exists()


def test_a_setting_is_not_set_where_it_has_no_scope(setting):
    with pytest.raises(InvalidParameter, match="cannot be set for a zone"):
        change("test.colour", "blue", zoneid=str(make_zone().uuid))


def test_secret_settings_are_sealed_and_never_shown():
    made = Setting("test.secret", "", "A key.", secret=True)
    try:
        shown = change("test.secret", "s3cret").record()
        assert shown["value"] == "********"
        assert "s3cret" not in ConfigurationValue.objects.get().value
        assert made.get() == "s3cret"
    finally:
        del SETTINGS["test.secret"]


def test_the_list_shows_type_scope_and_help_of_each_setting(setting):
    found = execute(admin_caller(), "listConfigurations", {"name": "test.colour"}).records
    assert found == [
        {
            "name": "test.colour",
            "category": "Advanced",
            "group": "Management Server",
            "subgroup": "Others",
            "description": "A colour.",
            "displaytext": "Test colour",
            "value": "red",
            "defaultvalue": "red",
            "scope": "Domain,Account",
            "type": "Select",
            "isdynamic": True,
            "component": "cloudportal",
            "options": "red,green,blue",
            "isset": False,
            "inheritedvalue": "red",
        }
    ]
    every = execute(admin_caller(), "listConfigurations", {"page": "1", "pagesize": "2"})
    assert len(every.records) == 2
    assert every.count > 10


def test_with_a_scope_only_settings_of_that_scope_are_listed():
    zone = make_zone()
    found = execute(admin_caller(), "listConfigurations", {"zoneid": str(zone.uuid)}).records
    names = {r["name"] for r in found}
    assert "cpu.overprovisioning.factor" in names
    assert "capacity.check.period" not in names


def test_a_domain_admin_sets_only_what_is_below_it(setting):
    domain = make_domain()
    child = make_domain(parent=domain)
    caller = make_caller("DomainAdmin", domain)
    one = {"name": "test.colour", "value": "blue"}
    execute(caller, "updateConfiguration", {**one, "domainid": str(child.uuid)})
    assert setting.get(child) == "blue"
    with pytest.raises(PermissionDenied, match="domainid or accountid"):
        execute(caller, "updateConfiguration", one)
    with pytest.raises(NoSuchObject):
        execute(caller, "updateConfiguration", {**one, "domainid": str(make_domain().uuid)})
    with pytest.raises(NoSuchObject):
        execute(caller, "updateConfiguration", {**one, "domainid": str(domain.uuid)})
    with pytest.raises(NoSuchObject):
        execute(caller, "listConfigurations", {"zoneid": str(make_zone().uuid)})


def test_reading_a_setting_again_asks_the_database_no_more(django_assert_num_queries):
    CPU_FACTOR.get()
    cluster = make_cluster()
    with django_assert_num_queries(0):
        for _ in range(50):
            CPU_FACTOR.get(cluster)


def test_every_setting_explains_itself():
    for setting in SETTINGS.values():
        assert setting.help.endswith("."), setting.name
        text = setting_records.as_text(setting.default)
        wanted = text.strip() if isinstance(setting.default, str) else setting.default
        assert setting.parse(text) == wanted


@pytest.mark.parametrize(
    "name", ["password.policy.regex", "api.key.access",
             "allow.domain.admins.to.create.tagged.offerings", "api.allowed.source.cidr.list"],
)  # fmt: skip
def test_what_guards_the_house_is_not_set_by_who_rules_a_branch(name):
    """Among them a pattern, of which one that never ends its search stops the whole portal."""
    domain = make_domain()
    below = make_domain(parent=domain)
    caller = make_caller("DomainAdmin", domain=domain)
    scope = Scope.DOMAIN if Scope.DOMAIN in SETTINGS[name].scopes else Scope.ACCOUNT
    holder = (
        {"domainid": str(below.uuid)}
        if scope is Scope.DOMAIN
        else {"accountid": str(make_account(domain=below).uuid)}
    )
    value = "false" if isinstance(SETTINGS[name].default, bool) else "(a+)+b"
    with pytest.raises(PermissionDenied, match="Only root administrators"):
        execute(caller, "updateConfiguration", {"name": name, "value": value, **holder})


# -- where a value comes from ----------------------------------------------------------------


def shown(name, **scope):
    (record,) = execute(admin_caller(), "listConfigurations", {"name": name, **scope}).records
    return record


def test_a_value_says_where_it_was_set_and_what_a_reset_would_bring(setting):
    domain = make_domain()
    account = make_account(domain=make_domain(parent=domain))
    about = {"accountid": str(account.uuid)}
    before = shown("test.colour", **about)
    assert ("setfor" in before, before["isset"]) == (False, False)
    change("test.colour", "green")
    assert shown("test.colour", **about)["setfor"] == "Global"
    change("test.colour", "blue", domainid=str(domain.uuid))
    record = shown("test.colour", **about)
    assert (record["value"], record["setfor"], record["setforname"]) == (
        "blue", "Domain", domain.name_path,
    )  # fmt: skip
    change("test.colour", "red", **about)
    record = shown("test.colour", **about)
    assert (record["isset"], record["inheritedvalue"]) == (True, "blue")


@pytest.mark.parametrize("scope", ["zoneid", "clusterid", "storageid", "imagestoreid", "domainid"])
def test_a_value_is_put_back_at_every_scope(scope):
    zone = make_zone()
    name, rows = {
        "zoneid": (CPU_FACTOR.name, zone),
        "clusterid": (CPU_FACTOR.name, make_cluster(zone=zone)),
        "storageid": ("storage.overprovisioning.factor", make_pool(zone)),
        "imagestoreid": ("test.store", make_store(zone)),
        "domainid": ("password.policy.minimum.length", make_domain()),
    }[scope]
    made = None
    if scope == "imagestoreid":
        made = Setting("test.store", 1, "A number.", scopes=(Scope.IMAGE_STORE,))
    try:
        told = {"imagestoreid": "imagestoreuuid"}.get(scope, scope)
        change(name, "7", **{told: str(rows.uuid)})
        assert shown(name, **{told: str(rows.uuid)})["isset"]
        back = execute(admin_caller(), "resetConfiguration", {"name": name, scope: str(rows.uuid)})
        assert back.record()["value"] == back.record()["defaultvalue"]
        assert not ConfigurationValue.objects.exists()
    finally:
        if made:
            del SETTINGS[made.name]


# -- history -----------------------------------------------------------------------------------


def history(caller=None, **given):
    return execute(caller or admin_caller(), "listConfigurationHistory", given).records


def test_every_change_is_kept_with_who_and_from_what(setting):
    account = make_account(domain=make_domain())
    about = {"accountid": str(account.uuid)}
    change("test.colour", "green", **about)
    change("test.colour", "green", **about)  # changes nothing
    change("test.colour", "blue", **about)
    execute(admin_caller(), "resetConfiguration", {"name": "test.colour", **about})
    found = history(name="test.colour")
    told = [(r.get("oldvalue"), r.get("newvalue")) for r in found]
    assert told == [("blue", None), ("green", "blue"), (None, "green")]
    assert {(r["scope"], r["resourcename"], r["username"]) for r in found} == {
        ("Account", account.name, "admin")
    }
    assert len(history(resourceid=str(account.uuid))) == 3
    assert history(scope="Zone") == []


def test_a_refused_change_is_not_in_the_history(setting):
    with pytest.raises(InvalidParameter):
        change("test.colour", "mauve")
    assert history() == []


def test_the_history_of_a_secret_says_only_that_it_was_set():
    made = Setting("test.secret", "", "A key.", secret=True)
    try:
        change(made.name, "s3cret")
        change(made.name, "an0ther")
        told = [(r.get("oldvalue"), r["newvalue"]) for r in history()]
        assert told == [("********", "********"), (None, "********")]
    finally:
        del SETTINGS[made.name]


def test_a_domain_admin_reads_the_history_of_its_branch(setting):
    mine, other = make_domain(), make_domain()
    child = make_domain(parent=mine)
    for domain in (child, other):
        change("test.colour", "green", domainid=str(domain.uuid))
    change("test.colour", "blue")
    keeper = make_caller("DomainAdmin", domain=mine)
    assert [r["resourcename"] for r in history(keeper)] == [child.name_path]


# -- groups and kinds --------------------------------------------------------------------------


def test_every_setting_has_its_place():
    lost = [s.name for s in SETTINGS.values() if place_of(s.name)[1] == "Others"]
    assert lost == []


def test_groups_are_listed_with_their_subgroups():
    found = execute(admin_caller(), "listConfigurationGroups", {"group": "access"}).records
    (access,) = found
    assert "Limits of projects" in [s["name"] for s in access["subgroup"]]
    only = execute(
        admin_caller(), "listConfigurations", {"group": "Access", "subgroup": "limits of projects"}
    ).records
    assert {r["name"].rpartition(".")[0].split(".")[0] for r in only} == {"max"}


@pytest.mark.parametrize(
    "name, kind",
    [
        ("api.key.access", "Boolean"),
        ("default.page.size", "Number"),
        ("cpu.overprovisioning.factor", "Decimal"),
        ("pool.storage.capacity.disablethreshold", "Range"),
        ("api.sessionkey.cookie.samesite", "Select"),
        ("resource.limit.host.tags", "CSV"),
        ("guest.domain.suffix", "String"),
    ],
)
def test_a_setting_says_what_kind_of_value_it_has(name, kind):
    assert shown(name)["type"] == kind


def test_a_number_says_what_it_counts():
    assert shown("expunge.delay")["unit"] == "seconds"
    assert shown("storage.max.volume.size")["unit"] == "GB"
    assert "unit" not in shown("default.page.size")


def test_entries_of_a_list_are_checked_one_by_one():
    made = Setting("test.many", "a", "Letters.", choices=("a", "b"), many=True)
    try:
        change(made.name, "a, b")
        with pytest.raises(InvalidParameter, match="one of a, b"):
            change(made.name, "a,c")
    finally:
        del SETTINGS[made.name]


def test_nobody_shuts_itself_out_by_its_address():
    caller = replace(admin_caller(), address="192.0.2.9")
    name = "api.allowed.source.cidr.list"
    with pytest.raises(InvalidParameter, match="would shut you out"):
        execute(caller, "updateConfiguration", {"name": name, "value": "10.0.0.0/8"})
    assert not ConfigurationValue.objects.exists()
    execute(caller, "updateConfiguration", {"name": name, "value": "10.0.0.0/8,192.0.2.0/24"})


@pytest.mark.parametrize(
    "name, good, wrong",
    [
        ("alert.email.addresses", "a@example.org, b@example.org", "a@example.org, nobody"),
        ("guest.domain.suffix", "cloud.example", "cloud example"),
        ("guest.domain.suffix", "cloud.example", ""),
        ("instance.name", "VM-2", "my vm"),
        ("password.policy.regex", ".{8,}", "(.{8,}"),
        ("prometheus.exporter.allowed.ips", "127.0.0.1, 10.0.0.0/8", "127.0.0.1, prometheus"),
        ("secstorage.allowed.internal.sites", "", "10.0.0.0/33"),
        ("signin.allowed.internal.sites", "fd00::/8", "idp.internal"),
        ("api.allowed.source.cidr.list", "10.0.0.0/8", "10.0.0.0/8, everywhere"),
    ],
)
def test_a_text_that_would_break_what_reads_it_is_refused(name, good, wrong):
    configuration.set_value(name, good)
    with pytest.raises(InvalidParameter):
        configuration.set_value(name, wrong)
    assert SETTINGS[name].get() == good
