"""Parameters of CloudStack's that are about what is not built: refused, or harmless."""

import pytest

from api import absent, dispatch, wire
from core.commands import COMMANDS
from core.errors import InvalidParameter, NoSuchObject
from tests import factories

pytestmark = pytest.mark.django_db

NOWHERE = "5b0a7b9e-6f6e-4f6c-9b1e-0d6d0f0e1a2b"


def test_things_of_a_kind_that_is_not_built_do_not_exist():
    caller = factories.caller_of(factories.make_user())
    for command in ("listVirtualMachines", "listNetworks", "listPublicIpAddresses"):
        with pytest.raises(NoSuchObject, match=f"vpcid value={NOWHERE}.*entity does not exist"):
            dispatch.execute(caller, command, {"vpcid": NOWHERE})


def test_what_would_have_no_effect_is_refused_with_a_sentence():
    caller = factories.caller_of(factories.admin())
    given = {"name": "o", "displaytext": "o", "encryptroot": "true"}
    with pytest.raises(InvalidParameter, match="createServiceOffering takes no encryptroot"):
        dispatch.execute(caller, "createServiceOffering", given)


def test_a_flag_that_is_down_asks_for_nothing():
    caller = factories.caller_of(factories.admin())
    given = {"name": "o", "displaytext": "o", "cpunumber": "1", "cpuspeed": "500", "memory": "512"}
    flags = {"encryptroot": "False", "gpudisplay": "", "deploymentplanner": "FirstFitPlanner"}
    made = dispatch.execute(caller, "createServiceOffering", {**given, **flags})
    assert made.value.name == "o"


def test_a_list_of_what_nothing_is_is_empty():
    caller = factories.caller_of(factories.admin())
    zone = factories.make_zone()
    found = dispatch.execute(caller, "listZones", {"storageaccessgroup": "", "id": str(zone.uuid)})
    assert found.count == 1
    found = dispatch.execute(caller, "listZones", {"storageaccessgroup": "gold"})
    assert (found.records, found.count) == ([], 0)


def test_what_only_administrators_may_send_is_ignored_from_others():
    user = factories.make_user()
    given = {"id": NOWHERE, "state": "Ready"}
    with pytest.raises(NoSuchObject):
        dispatch.execute(factories.caller_of(user), "updateVolume", given)
    with pytest.raises(InvalidParameter, match="takes no state"):
        dispatch.execute(factories.caller_of(factories.admin()), "updateVolume", given)


def test_what_cloudstack_does_not_know_either_is_ignored():
    caller = factories.caller_of(factories.admin())
    assert dispatch.execute(caller, "listZones", {"nosuchthing": "1"}).records is not None
    given = {"resourceid": NOWHERE, "jobid": NOWHERE}  # only 4.22.1 knows it
    with pytest.raises(NoSuchObject, match="jobid"):
        dispatch.execute(caller, "queryAsyncJobResult", given)


def test_the_words_about_absent_parameters_are_about_some():
    reference = wire.reference()["commands"]
    names = {p["name"].lower() for n in COMMANDS.keys() & reference for p in reference[n]["params"]}
    lacking = {n: {p["name"] for p in reference[n]["params"]} - set(COMMANDS[n].by_name)
               for n in COMMANDS.keys() & reference}  # fmt: skip
    for word in absent._HARMLESS:
        command, dot, name = word.rpartition(".")
        assert name in (lacking[command] if dot else set().union(*lacking.values())), word
    assert {*absent._AS_IT_IS, *absent._NOTHING_IS} <= names
