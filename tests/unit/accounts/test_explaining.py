"""Why somebody may or may not do something."""

import pytest

from accounts.models import Role, RoleRule
from api.dispatch import execute
from core.errors import CloudError, InvalidParameter
from infra.services import configuration
from tests.factories import (
    admin_caller,
    caller_of,
    make_account,
    make_caller,
    make_domain,
    make_user,
    make_volume,
    role,
    unique,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def narrow():
    """A role of users that may list and start, and nothing that begins with destroy."""
    made = Role.objects.create(name=unique("role"), type="User")
    rules = (("list*", True), ("destroy*", False), ("startVirtualMachine", True))
    for number, (rule, allow) in enumerate(rules):
        RoleRule.objects.create(role=made, rule=rule, allow=allow, sort_order=number)
    return made


def explain(name, caller=None, **given):
    given = {k: str(getattr(v, "uuid", v)) for k, v in given.items()}
    return execute(caller or admin_caller(), "explainPermission", {"name": name, **given}).value


def test_the_rule_that_decides_is_named_with_its_number(narrow):
    found = explain("destroyVolume", roleid=narrow)
    assert (found["isallowed"], found["role"]) == (False, narrow.name)
    assert "Rule 2" in found["reason"]
    (check,) = [c for c in found["check"] if c["name"] == "rule"]
    assert (check["rule"], check["rulenumber"], check["passed"]) == ("destroy*", 2, False)


def test_without_a_rule_the_type_decides(narrow):
    assert explain("stopVirtualMachine", roleid=narrow)["isallowed"]
    found = explain("createZone", roleid=narrow)
    assert not found["isallowed"]
    assert "type User may not use it" in found["reason"]


def test_the_owners_of_the_cloud_may_everything():
    found = explain("createZone", roleid=role("Admin"))
    assert found["isallowed"]
    assert "every command, always" in found["reason"]


def test_the_explanation_agrees_with_what_happens(narrow):
    user = make_user()
    user.account.role = narrow
    user.account.save(update_fields=["role"])
    caller = caller_of(user)
    for name in ("listZones", "destroyVolume", "createZone", "stopVirtualMachine"):
        assert explain(name, userid=user)["isallowed"] == is_let_in(caller, name), name


def is_let_in(caller, name):
    """Whether a call gets past the role; without parameters it may still be refused."""
    try:
        execute(caller, name, {})
    except CloudError as error:
        return error.code != 432
    return True


@pytest.mark.parametrize(
    "what, name, words",
    [
        ("user", "user", "is disabled"),
        ("account", "account", "is locked"),
        ("role", "role", "is disabled"),
        ("domain", "domain", "is being deleted"),
    ],
)
def test_a_closed_door_before_the_rules_is_found(what, name, words, narrow):
    user = make_user(domain=make_domain())
    user.account.role = narrow
    user.account.save(update_fields=["role"])
    row = {
        "user": user, "account": user.account, "role": narrow, "domain": user.domain,
    }[what]  # fmt: skip
    row.state = {"user": "disabled", "account": "locked", "role": "disabled",
                 "domain": "Inactive"}[what]  # fmt: skip
    row.save(update_fields=["state"])
    found = explain("listZones", userid=user)
    assert not found["isallowed"]
    assert words in found["reason"]
    failed = [c["name"] for c in found["check"] if c.get("passed") is False]
    assert failed == [name]


def test_somebody_elses_volume_is_out_of_scope():
    user, volume = make_user(), make_volume(make_account())
    found = explain("deleteVolume", userid=user, objectid=volume)
    assert not found["isallowed"]
    assert "is not for account" in found["reason"]
    own = make_volume(user.account)
    assert explain("deleteVolume", userid=user, objectid=own)["isallowed"]


def test_a_setting_that_is_off_is_named():
    user = make_user()
    found = explain("expungeVirtualMachine", userid=user)
    assert (found["isallowed"], "allow.user.expunge.recover.vm" in found["reason"]) == (False, True)
    configuration.set_value("allow.user.expunge.recover.vm", "true", user.account)
    assert explain("expungeVirtualMachine", userid=user)["isallowed"]


def test_an_address_that_is_not_accepted_is_named():
    user = make_user()
    configuration.set_value("api.allowed.source.cidr.list", "10.0.0.0/8", user.account)
    assert explain("listZones", userid=user, address="10.1.2.3")["isallowed"]
    found = explain("listZones", userid=user, address="192.0.2.1")
    assert "from 192.0.2.1 are not accepted" in found["reason"]
    with pytest.raises(InvalidParameter, match="is not an address"):
        explain("listZones", userid=user, address="here")


def test_whether_keys_may_sign_is_told_and_decides_nothing():
    user = make_user()
    user.api_key_access = "DISABLED"
    user.save(update_fields=["api_key_access"])
    found = explain("listZones", userid=user)
    (check,) = [c for c in found["check"] if c["name"] == "apikey"]
    assert "only sign in" in check["text"]
    assert found["isallowed"]


def test_anybody_asks_about_itself_and_nobody_about_strangers():
    caller, stranger = make_caller(), make_user()
    assert explain("createZone", caller)["isallowed"] is False
    with pytest.raises(CloudError):
        explain("createZone", caller, userid=stranger)


def test_questions_that_make_no_sense_are_refused(narrow):
    for given, words in (
        ({"name": "makeCoffee"}, "There is no command makeCoffee"),
        ({"name": "listZones", "roleid": narrow, "address": "10.0.0.1"}, "asked about alone"),
        ({"name": "deleteVolume", "objectid": "x"}, "must be an id"),
        ({"name": "deleteVolume", "objectid": narrow}, "about nothing that has the id"),
    ):
        with pytest.raises(InvalidParameter, match=words):
            explain(**given)
