"""Settings: the narrowest value counts, wrong ones are refused and explained."""

import pytest

from api.dispatch import execute
from core.config import SETTINGS, Scope, Setting
from core.errors import InvalidParameter, NoSuchObject, PermissionDenied
from infra.models import ConfigurationValue, HostCapacity
from infra.services import configuration
from infra.services.capacity import CPU_FACTOR
from tests.factories import (
    admin_caller,
    make_account,
    make_caller,
    make_cluster,
    make_domain,
    make_host,
    make_pod,
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
            "group": "Advanced",
            "description": "A colour.",
            "displaytext": "Test colour",
            "value": "red",
            "defaultvalue": "red",
            "scope": "Domain,Account",
            "type": "Select",
            "isdynamic": True,
            "component": "cloudportal",
            "options": "red,green,blue",
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
        assert setting.parse(configuration.as_text(setting.default)) == setting.default


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
