"""Machines and disks count under the tags of their offerings, and tags have limits."""

import pytest

from accounts.models import ResourceCount
from accounts.resources import HOST_TAGS, STORAGE_TAGS, Resource
from accounts.services import limits, recounting
from compute.models import VirtualMachine
from core.errors import InvalidParameter, LimitExceeded
from infra.models import Host
from infra.services import configuration
from storage.models import StoragePool
from tests.factories import (
    admin_caller,
    caller_of,
    make_account,
    make_disk_offering,
    make_domain,
    make_service_offering,
)
from tests.unit.compute.asking import ask, deploy, done
from tests.unit.compute.books import assert_balanced

pytestmark = pytest.mark.django_db


@pytest.fixture
def tagged(cloud):
    """The cloud's hosts have tag GPU and its pools tag fast; both tags are limited."""
    Host.objects.update(tags=["GPU"])
    StoragePool.objects.update(tags=["fast"])
    configuration.set_value(HOST_TAGS.name, "gpu, other")
    configuration.set_value(STORAGE_TAGS.name, "fast")
    cloud.offering = make_service_offering(host_tags=["GPU"], storage_tags=["fast"])
    return cloud


@pytest.fixture
def account(db):
    return make_account(domain=make_domain())


def counted(holder, resource, tag):
    rows = ResourceCount.objects.filter(resource=resource, tag=tag)
    return rows.get(**{holder._meta.model_name: holder}).used


def test_a_machine_counts_under_its_host_tag_and_its_root_disk_under_its_storage_tag(
    world, tagged, caller, account
):
    vm = done(deploy(caller, tagged))
    for holder in (account, account.domain):
        assert counted(holder, Resource.INSTANCE, "") == 1
        assert counted(holder, Resource.INSTANCE, "gpu") == 1
        assert counted(holder, Resource.MEMORY, "gpu") == vm.memory_mb
        assert counted(holder, Resource.VOLUME, "fast") == 1
    done(ask(admin_caller(), "destroyVirtualMachine", id=vm, expunge="true"))
    for holder in (account, account.domain):
        assert counted(holder, Resource.CPU, "gpu") == 0
        assert counted(holder, Resource.PRIMARY_STORAGE, "fast") == 0
    assert_balanced(world)


def test_a_limit_by_tag_stops_what_has_the_tag_and_nothing_else(world, tagged, caller, account):
    ask(admin_caller(), "updateResourceLimit", resourcetype=0, max=0, tag="GPU",
        account=account.name, domainid=account.domain)  # fmt: skip
    with pytest.raises(LimitExceeded, match="has a limit of 0 on virtual machines with tag gpu"):
        deploy(caller, tagged)
    tagged.offering = make_service_offering()
    done(deploy(caller, tagged))


def test_a_domains_limit_by_tag_holds_for_all_in_it(world, tagged, caller, account):
    limits.set_limit(account.domain, Resource.VOLUME, 0, "fast")
    with pytest.raises(LimitExceeded, match=r"Domain .* volumes with tag fast"):
        deploy(caller, tagged)
    assert not VirtualMachine.everything.filter(account=account).exists()


def test_another_offering_changes_what_a_machine_counts_under(world, tagged, caller, account):
    vm = done(deploy(caller, tagged, startvm="false"))
    plain = make_service_offering(cpu_number=1, memory_mb=256, storage_tags=["fast"])
    ask(caller, "scaleVirtualMachine", id=vm, serviceofferingid=plain)
    assert counted(account, Resource.INSTANCE, "gpu") == 0
    assert counted(account, Resource.MEMORY, "") == 256
    limits.set_limit(account, Resource.CPU, 0, "gpu")
    with pytest.raises(LimitExceeded, match="CPU cores with tag gpu"):
        ask(caller, "scaleVirtualMachine", id=vm, serviceofferingid=tagged.offering)
    assert counted(account, Resource.MEMORY, "") == 256


def test_a_disk_of_another_offering_counts_under_that_ones_tags(world, tagged, caller, account):
    fast = make_disk_offering(tags=["FAST"], size_gb=4)
    volume = done(
        ask(caller, "createVolume", name="d", diskofferingid=make_disk_offering(size_gb=4),
            zoneid=tagged.zone)
    )  # fmt: skip
    limits.set_limit(account, Resource.PRIMARY_STORAGE, 3, "fast")
    with pytest.raises(LimitExceeded, match="primary storage with tag fast"):
        ask(caller, "resizeVolume", id=volume, diskofferingid=fast)
    limits.set_limit(account, Resource.PRIMARY_STORAGE, 4, "fast")
    done(ask(caller, "resizeVolume", id=volume, diskofferingid=fast))
    assert counted(account, Resource.VOLUME, "fast") == 1
    ask(caller, "deleteVolume", id=volume)
    assert counted(account, Resource.VOLUME, "fast") == 0


def test_wrong_counts_by_tag_are_mended(world, tagged, caller, account):
    done(deploy(caller, tagged))
    ResourceCount.objects.filter(tag="gpu").update(used=7)
    ResourceCount.objects.filter(tag="fast").delete()
    ResourceCount.objects.filter(tag="", resource=Resource.CPU).update(used=0)
    shown = ask(admin_caller(), "updateResourceCount", domainid=account.domain, tag="gpu")
    assert {r["tag"] for r in shown.records} == {"gpu"}
    assert counted(account, Resource.INSTANCE, "gpu") == 1
    assert counted(account, Resource.CPU, "") == 0  # not asked for
    assert recounting.mend() > 0
    assert counted(account.domain, Resource.VOLUME, "fast") == 1
    assert recounting.mend() == 0
    assert_balanced(world)


def test_limits_by_tag_are_listed_beside_the_others(tagged, account):
    about = {"account": account.name, "domainid": account.domain}
    ask(admin_caller(), "updateResourceLimit", resourcetype=8, max=3, tag="gpu", **about)
    shown = ask(admin_caller(), "listResourceLimits", **about).records
    by_tag = {(r["resourcetypename"], r.get("tag", "")): r["max"] for r in shown}
    assert by_tag["cpu", "gpu"] == 3
    assert by_tag["cpu", "other"] == by_tag["cpu", ""]  # not set: as without a tag
    assert ("volume", "gpu") not in by_tag
    assert ("volume", "fast") in by_tag
    only = ask(admin_caller(), "listResourceLimits", tag="gpu", resourcetype=8, **about).records
    assert [(r["max"], r["tag"]) for r in only] == [(3, "gpu")]
    record = ask(admin_caller(), "listAccounts", id=account).records[0]
    lines = {(r["resourcetypename"], r["tag"]): r for r in record["taggedresources"]}
    assert (lines["cpu", "gpu"]["limit"], lines["cpu", "gpu"]["available"]) == (3, 3)


def test_a_tag_that_is_not_limited_takes_no_limit(tagged, account):
    about = {"account": account.name, "domainid": account.domain}
    for more, words in (
        ({"resourcetype": 0, "tag": "slow"}, "name it in resource.limit.host.tags first"),
        ({"resourcetype": 6, "tag": "gpu"}, "networks is not divided by tags"),
    ):
        with pytest.raises(InvalidParameter, match=words):
            ask(admin_caller(), "updateResourceLimit", max=1, **about, **more)


def test_a_domain_that_moves_takes_its_tags_along(world, tagged, caller, account):
    done(deploy(caller, tagged))
    full, roomy = make_domain(), make_domain()
    limits.set_limit(full, Resource.INSTANCE, 0, "gpu")
    with pytest.raises(LimitExceeded, match="with tag gpu"):
        ask(admin_caller(), "moveDomain", domainid=account.domain, parentdomainid=full)
    ask(admin_caller(), "moveDomain", domainid=account.domain, parentdomainid=roomy)
    assert counted(roomy, Resource.INSTANCE, "gpu") == 1


def test_a_limit_below_what_is_in_use_is_set_and_says_what_it_means(world, cloud):
    account = make_account(domain=make_domain())
    done(deploy(caller_of(account), cloud))
    about = {"account": account.name, "domainid": account.domain}
    shown = ask(admin_caller(), "updateResourceLimit", resourcetype=0, max=0, **about).record()
    assert shown["max"] == 0
    assert "has 1 of virtual machines already" in shown["note"]
    with pytest.raises(LimitExceeded):
        deploy(caller_of(account), cloud, name="web-2")
    again = ask(admin_caller(), "updateResourceLimit", resourcetype=0, max=2, **about).record()
    assert "note" not in again
