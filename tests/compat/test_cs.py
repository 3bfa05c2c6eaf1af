"""``cs`` from PyPI, unmodified: a machine's life on the simulator."""

from __future__ import annotations

import base64

import pytest
from cs import CloudStack, CloudStackApiException

pytestmark = pytest.mark.compat


@pytest.fixture(params=["get", "post"])
def api(portal, request):
    return CloudStack(
        endpoint=portal.url, key=portal.key, secret=portal.secret, method=request.param,
        poll_interval=0.1, job_timeout=60, timeout=30,
    )  # fmt: skip


def wait(api, **started):
    return api._jobresult(started["jobid"])


@pytest.fixture
def place(api):
    """What a machine needs: zone, template, offering, network."""
    (zone,) = api.listZones(fetch_list=True)
    template = api.listTemplates(templatefilter="featured", zoneid=zone["id"])["template"][0]
    offering = api.listServiceOfferings(fetch_list=True)[0]
    network = api.listNetworks(zoneid=zone["id"], listall=True)["network"][0]
    return {
        "zoneid": zone["id"],
        "templateid": template["id"],
        "serviceofferingid": offering["id"],
        "networkids": [network["id"]],
    }


def test_zones_are_listed(api):
    found = api.listZones()
    assert found["count"] == 1
    assert found["zone"][0]["allocationstate"] == "Enabled"


def test_nothing_found_is_an_empty_answer(api):
    assert api.listVirtualMachines(name="nobody-is-called-this") == {}
    assert api.listVirtualMachines(name="nobody-is-called-this", fetch_list=True) == []


def test_a_refusal_is_an_api_exception_with_the_words(api):
    with pytest.raises(CloudStackApiException) as caught:
        api.stopVirtualMachine(id="5b0a7b9e-6f6e-4f6c-9b1e-0d6d0f0e1a2b")
    assert caught.value.response.status_code == 431
    assert "entity does not exist" in caught.value.error["errortext"]


def test_wrong_keys_are_a_401(portal):
    api = CloudStack(endpoint=portal.url, key=portal.key, secret="wrong" * 10)
    with pytest.raises(CloudStackApiException) as caught:
        api.listZones()
    assert caught.value.response.status_code == 401


def test_the_commands_can_be_discovered(api):
    names = {a["name"] for a in api.listApis()["api"]}
    assert {"deployVirtualMachine", "queryAsyncJobResult", "listZones"} <= names


def test_names_in_any_script_and_odd_characters_survive_signing(api):
    name = "研发 ~*[]+&=% é"
    made = api.createDomain(name=name)["domain"]
    try:
        assert api.listDomains(id=made["id"])["domain"][0]["name"] == name
    finally:
        assert wait(api, **api.deleteDomain(id=made["id"]))["success"]


def test_maps_lists_and_tags_arrive(api, place):
    machine = api.deployVirtualMachine(**place, startvm=False, fetch_result=True)["virtualmachine"]
    try:
        tags = [{"key": "env", "value": "test"}, {"key": "名字", "value": "a*b~c+é"}]
        wait(api, **api.createTags(resourceids=[machine["id"]], resourcetype="UserVm", tags=tags))
        (shown,) = api.listVirtualMachines(id=machine["id"])["virtualmachine"]
        assert {(t["key"], t["value"]) for t in shown["tags"]} == {
            ("env", "test"), ("名字", "a*b~c+é"),
        }  # fmt: skip
        assert api.listVirtualMachines(tags=tags[:1], listall=True)["count"] == 1
    finally:
        api.destroyVirtualMachine(id=machine["id"], expunge=True, fetch_result=True)


def test_the_life_of_a_machine(api, place):
    data = base64.b64encode(b"#!/bin/sh\necho hello\n").decode()
    started = api.deployVirtualMachine(**place, name="compat-cs", userdata=data)
    assert set(started) == {"id", "jobid"}
    (seen,) = api.listVirtualMachines(id=started["id"])["virtualmachine"]
    assert seen["name"] == "compat-cs"  # the row is there while the job runs

    machine = wait(api, **started)["virtualmachine"]
    assert machine["id"] == started["id"]
    assert machine["state"] == "Running"
    assert machine["nic"][0]["ipaddress"]

    stopped = api.stopVirtualMachine(id=machine["id"], fetch_result=True)
    assert stopped["virtualmachine"]["state"] == "Stopped"
    assert "virtualmachine" in api.startVirtualMachine(id=machine["id"], fetch_result=True)

    volume = api.createVolume(
        name="compat-disk", zoneid=place["zoneid"], fetch_result=True,
        diskofferingid=api.listDiskOfferings(fetch_list=True)[0]["id"], size=1,
    )["volume"]  # fmt: skip
    attached = api.attachVolume(
        id=volume["id"], virtualmachineid=machine["id"], fetch_result=True
    )
    assert attached["volume"]["virtualmachineid"] == machine["id"]
    assert api.detachVolume(id=volume["id"], fetch_result=True)["volume"]["id"] == volume["id"]
    assert api.deleteVolume(id=volume["id"])["success"]

    gone = api.destroyVirtualMachine(id=machine["id"], expunge=True, fetch_result=True)
    assert gone
    assert api.listVirtualMachines(id=machine["id"]) == {}


def test_a_failed_job_tells_code_and_text(api, place):
    with pytest.raises(CloudStackApiException) as caught:
        api.deployVirtualMachine(
            **{**place, "serviceofferingid": huge(api)}, fetch_result=True
        )
    assert "capacity" in str(caught.value.error).lower() or "fit" in str(caught.value.error).lower()


def huge(api):
    for offering in api.listServiceOfferings(fetch_list=True, keyword="compat-huge"):
        return offering["id"]
    return api.createServiceOffering(
        name="compat-huge", displaytext="Too large for any host",
        cpunumber=512, cpuspeed=9000, memory=2**22,
    )["serviceoffering"]["id"]  # fmt: skip


def test_users_make_and_use_keys_of_their_own(api, portal):
    account = api.createAccount(
        username="compat-user", password="a long password", email="u@example.org",
        firstname="Ada", lastname="Lovelace", accounttype=0,
    )["account"]  # fmt: skip
    try:
        keys = api.registerUserKeys(id=account["user"][0]["id"])["userkeys"]
        user = CloudStack(endpoint=portal.url, key=keys["apikey"], secret=keys["secretkey"])
        assert user.listAccounts()["account"][0]["id"] == account["id"]
        assert user.listVirtualMachines(listall=True) == {}
        with pytest.raises(CloudStackApiException) as caught:
            user.createZone(name="mine")
        assert caught.value.response.status_code == 432
    finally:
        wait(api, **api.deleteAccount(id=account["id"]))
