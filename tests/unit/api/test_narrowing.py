"""What lists are narrowed by, and what is checked beside an id."""

import pytest

from api import dispatch
from core.errors import InvalidParameter
from tests import factories

pytestmark = pytest.mark.django_db


def ask(caller, command, **given):
    return dispatch.execute(caller, command, {k: str(v) for k, v in given.items()})


@pytest.fixture
def admin():
    return factories.caller_of(factories.admin())


def names(outcome):
    return [record["name"] for record in outcome.records]


def test_routers_are_found_by_name_and_place(admin):
    one = factories.make_router(host=factories.make_host())
    other = factories.make_router(host=factories.make_host())
    assert names(ask(admin, "listRouters", listall=True, name=one.name)) == [one.name]
    assert names(ask(admin, "listRouters", listall=True, name="nobody")) == []
    for place in ("pod", "cluster"):
        given = {f"{place}id": getattr(other.host, place).uuid}
        assert names(ask(admin, "listRouters", listall=True, **given)) == [other.name]


def test_measured_machines_are_found_as_all_machines_are(admin):
    one, other = factories.make_vm(), factories.make_vm()
    one.display = False
    one.save()
    for command in ("listVirtualMachines", "listVirtualMachinesMetrics"):
        assert names(ask(admin, command, listall=True, displayvm=False)) == [one.name]
        (record,) = ask(admin, command, id=other.uuid, details="min").records
        assert "nic" not in record
    (record,) = ask(admin, "listVirtualMachinesMetrics", id=other.uuid).records
    assert "nic" in record


def test_console_sessions_are_found_by_who_asked_for_them(admin):
    one, other = factories.make_console_session(), factories.make_console_session()
    other.creator_address = "192.0.2.7"
    other.save()
    found = ask(admin, "listConsoleSessions", listall=True, accountid=one.account.uuid).records
    assert str(one.uuid) in {str(r["id"]) for r in found}
    given = {"listall": True, "consoleendpointcreatoraddress": "192.0.2.7"}
    (record,) = ask(admin, "listConsoleSessions", **given).records
    assert str(record["id"]) == str(other.uuid)


def test_network_offerings_are_found_by_their_tag(admin):
    tagged = factories.make_network_offering(tags=["fast"])
    factories.make_network_offering()
    assert names(ask(admin, "listNetworkOfferings", tags="fast")) == [tagged.name]
    assert names(ask(admin, "listNetworkOfferings", istagged=True)) == [tagged.name]
    assert tagged.name not in names(ask(admin, "listNetworkOfferings", istagged=False))


CAPABILITY = {"name": "o", "guestiptype": "Isolated", "traffictype": "Guest",
              "supportedservices": "Dhcp,Dns,SourceNat",
              "servicecapabilitylist[0].service": "SourceNat",
              "servicecapabilitylist[0].capabilitytype": "SupportedSourceNatTypes"}  # fmt: skip


def test_capabilities_are_taken_that_services_have(admin):
    given = {**CAPABILITY, "servicecapabilitylist[0].capabilityvalue": "perAccount"}
    assert ask(admin, "createNetworkOffering", **given).value.name == "o"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"servicecapabilitylist[0].capabilityvalue": "perzone"}, "peraccount"),
        ({"servicecapabilitylist[0].service": "Lb"}, "not among supportedservices"),
        ({"servicecapabilitylist[0].capabilitytype": "Elasticity"}, "does not work with"),
    ],
)
def test_capabilities_that_services_do_not_have_are_refused(admin, more, words):
    with pytest.raises(InvalidParameter, match=words):
        ask(admin, "createNetworkOffering", **{**CAPABILITY, **more})


def test_a_network_keeps_its_offering(admin):
    network = factories.make_network()
    same, other = network.offering, factories.make_network_offering()
    given = {"id": network.uuid, "displaytext": "Changed"}
    ask(admin, "updateNetwork", **given, networkofferingid=same.uuid)
    network.refresh_from_db()
    assert network.display_text == "Changed"
    with pytest.raises(InvalidParameter, match="stays so"):
        ask(admin, "updateNetwork", **given, networkofferingid=other.uuid)


def test_a_snapshot_belongs_to_whom_the_volume_does(admin):
    volume, other = factories.make_volume(), factories.make_account()
    given = {"volumeid": volume.uuid, "account": other.name, "domainid": other.domain.uuid}
    with pytest.raises(InvalidParameter, match="is not of account"):
        ask(admin, "createSnapshot", **given)
