"""Service offerings."""

import pytest

from compute.models import ServiceOffering
from core.errors import InvalidParameter, NoSuchObject, PermissionDenied
from tests.factories import (
    admin_caller,
    caller_of,
    make_account,
    make_caller,
    make_domain,
    make_service_offering,
    make_vm,
    make_zone,
)
from tests.unit.compute.asking import ask

pytestmark = pytest.mark.django_db

FIXED = {"name": "Small", "cpunumber": 2, "cpuspeed": 1000, "memory": 1024}


def names(caller, **given):
    return {r["name"] for r in ask(caller, "listServiceOfferings", **given).records}


def test_an_offering_is_made_changed_and_withdrawn():
    admin = admin_caller()
    made = ask(admin, "createServiceOffering", **FIXED, hosttags="ssd, gpu", tags="fast").value
    assert (made.host_tags, made.storage_tags) == (["ssd", "gpu"], ["fast"])
    record = ask(admin, "updateServiceOffering", id=made, name="Klein", hosttags="").record()
    assert (record["name"], record["cpunumber"], record.get("hosttags")) == ("Klein", 2, None)
    vm = make_vm(service_offering=made)
    ask(admin, "deleteServiceOffering", id=made)
    assert made.name not in names(admin)
    vm.refresh_from_db()
    assert vm.service_offering == made


@pytest.mark.parametrize(
    "given, words",
    [
        ({"memory": None}, "needs cpunumber"),
        ({"customized": "true", "mincpunumber": 1}, "Give all of"),
        ({"customized": "true", "cpunumber": None, "memory": None, "mincpunumber": 4,
          "maxcpunumber": 2, "minmemory": 64, "maxmemory": 128}, "larger than"),
        ({"maxcpunumber": 4}, "custom offerings only"),
        ({"cpunumber": 0}, "at least 1"),
        ({"isvolatile": "true"}, "not offered"),
    ],
)  # fmt: skip
def test_numbers_that_make_no_sense_are_refused(given, words):
    wanted = {k: v for k, v in {**FIXED, **given}.items() if v is not None}
    with pytest.raises(InvalidParameter, match=words):
        ask(admin_caller(), "createServiceOffering", **wanted)
    assert not ServiceOffering.everything.exists()


def test_offerings_of_a_domain_are_for_it_and_those_below():
    domain = make_domain()
    below, beside = make_domain(parent=domain), make_domain()
    make_service_offering("public")
    make_service_offering("private", domains=[domain])
    assert names(caller_of(make_account(domain=below))) == {"public", "private"}
    assert names(caller_of(make_account(domain=beside))) == {"public"}
    assert names(make_caller("DomainAdmin", domain)) == {"public", "private"}
    assert names(admin_caller()) == {"public", "private"}
    make_service_offering("deeper", domains=[below])
    assert names(make_caller("DomainAdmin", domain)) == {"public", "private", "deeper"}
    assert names(make_caller("User", domain)) == {"public", "private"}


def test_a_domain_administrator_makes_offerings_for_its_branch_only():
    domain = make_domain()
    admin = make_caller("DomainAdmin", domain)
    with pytest.raises(PermissionDenied, match="for everybody"):
        ask(admin, "createServiceOffering", **FIXED)
    with pytest.raises(NoSuchObject):
        ask(admin, "createServiceOffering", **FIXED, domainid=make_domain())
    made = ask(admin, "createServiceOffering", **FIXED, domainid=domain).value
    with pytest.raises(PermissionDenied, match="public"):
        ask(admin, "updateServiceOffering", id=made, domainid="public")
    ask(admin, "deleteServiceOffering", id=made)
    for theirs in (make_service_offering(), make_service_offering(domains=[make_domain()])):
        with pytest.raises(NoSuchObject):
            ask(admin, "deleteServiceOffering", id=theirs)


def test_what_a_machine_could_become():
    account = make_account()
    now, other = make_service_offering("now"), make_service_offering("other")
    make_service_offering("elsewhere", zones=[make_zone()])
    make_service_offering("theirs", domains=[make_domain()])
    vm = make_vm(account=account, service_offering=now)
    assert names(caller_of(account), virtualmachineid=vm) - {vm.template.name} >= {other.name}
    assert not names(caller_of(account), virtualmachineid=vm) & {"now", "elsewhere", "theirs"}


def test_offerings_are_found_by_what_they_give():
    make_service_offering("fixed", cpu_number=2, memory_mb=1024)
    make_service_offering("free", is_customized=True)
    make_service_offering(
        "between", is_customized=True, cpu_speed_mhz=1000, min_cpu_number=1, max_cpu_number=4,
        min_memory_mb=512, max_memory_mb=2048,
    )  # fmt: skip
    make_service_offering("inactive", state="Inactive")
    admin = admin_caller()
    assert names(admin, cpunumber=2) == {"fixed", "free", "between"}
    assert names(admin, cpunumber=3) == {"free", "between"}
    assert names(admin, memory=4096) == {"free"}
    assert names(admin, state="Inactive") == {"inactive"}
    assert len(names(admin, state="all")) == 4
    zone = make_zone()
    make_service_offering("there", zones=[zone])
    assert "there" in names(admin, zoneid=zone)
    assert "there" not in names(admin, zoneid=make_zone())


def test_who_rules_a_branch_ties_offerings_to_hosts_and_pools_only_when_allowed():
    """Tags lead to hosts and pools that the operator keeps for somebody."""
    domain = make_domain()
    admin = make_caller("DomainAdmin", domain=domain)
    disk = {"name": "d", "displaytext": "d", "disksize": 1, "domainid": domain}
    for command, given in (
        ("createServiceOffering", {**FIXED, "domainid": domain, "hosttags": "gpu"}),
        ("createServiceOffering", {**FIXED, "domainid": domain, "tags": "fast"}),
        ("createDiskOffering", {**disk, "tags": "fast"}),
    ):
        with pytest.raises(PermissionDenied, match="without tags"):
            ask(admin, command, **given)
    made = ask(admin, "createServiceOffering", **FIXED, domainid=domain).value
    kept = ask(admin, "createDiskOffering", **disk).value
    with pytest.raises(PermissionDenied, match="without tags"):
        ask(admin, "updateServiceOffering", id=made, hosttags="gpu")
    with pytest.raises(PermissionDenied, match="without tags"):
        ask(admin, "updateDiskOffering", id=kept, tags="fast")
    name = "allow.domain.admins.to.create.tagged.offerings"
    ask(admin_caller(), "updateConfiguration", name=name, value="true", accountid=admin.account)
    assert ask(admin, "updateServiceOffering", id=made, hosttags="gpu").value.host_tags == ["gpu"]
