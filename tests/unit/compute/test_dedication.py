"""Places kept for one domain or account: who goes there, who does not, and what is refused."""

import random

import pytest

from accounts.caller import Caller
from api.dispatch import execute
from compute.models import AffinityGroup, DedicatedResource
from compute.placement import hosts
from compute.services import dedication, places
from compute.services.offerings import Size
from compute.services.places import Choice
from core.errors import InsufficientCapacity, InUse, InvalidParameter
from infra.models import Zone
from tests.factories import (
    admin_caller,
    make_cloud,
    make_cluster,
    make_domain,
    make_host,
    make_pod,
    make_user,
    make_vm,
)
from tests.unit.compute.asking import deploy, done

pytestmark = pytest.mark.django_db


@pytest.fixture
def cloud(world):
    return make_cloud(2, world=world)


def wanted(cloud, owner, groups=()):
    return places.wanted(
        zone=cloud.zone, hypervisor="Simulator", size=Size(1, 500, 128), template=cloud.template,
        host_tags=(), disks=(), groups=groups, choice=Choice(), owner=owner,
    )  # fmt: skip


def test_nobody_outside_the_group_lands_on_a_dedicated_host(cloud, caller):
    dedicated, free = cloud.hosts
    row = dedication.dedicate(dedicated, caller.domain, caller.account)
    for i in range(3):
        assert done(deploy(caller, cloud, name=f"out-{i}")).host == free
    inside = done(deploy(caller, cloud, name="inside", affinitygroupids=row.group))
    assert inside.host == dedicated


def test_the_refusal_says_that_a_place_is_dedicated(cloud, caller):
    other = make_user().account
    for host in cloud.hosts:
        dedication.dedicate(host, other.domain, other)
    with pytest.raises(InsufficientCapacity, match="dedication"):
        deploy(caller, cloud)


def test_a_domain_shares_what_is_dedicated_to_it_and_the_branch_sees_the_group(cloud):
    parent = make_domain()
    child = make_user(domain=make_domain(parent=parent))
    row = dedication.dedicate(cloud.cluster, parent, None)
    listed = execute(Caller.of(child), "listAffinityGroups", {})
    assert [r["id"] for r in listed.records] == [row.group.uuid]
    vm = done(deploy(Caller.of(child), cloud, name="a", affinitygroupids=row.group))
    assert vm.host in cloud.hosts
    strangers = execute(Caller.of(make_user()), "listAffinityGroups", {})
    assert list(strangers.records) == []


def test_a_dedicated_zone_is_its_domains_alone(cloud):
    ours, theirs = make_user(domain=make_domain()), make_user(domain=make_domain())
    dedication.dedicate(cloud.zone, ours.account.domain, None)
    assert done(deploy(Caller.of(ours), cloud, name="mine")).host in cloud.hosts
    assert not Zone.objects.visible_to(Caller.of(theirs)).filter(pk=cloud.zone.pk).exists()
    dedication.release(cloud.zone)
    assert Zone.objects.visible_to(Caller.of(theirs)).filter(pk=cloud.zone.pk).exists()


def test_what_is_kept_for_others_around_or_inside_is_refused(cloud):
    first, second = make_user(domain=make_domain()).account, make_user(domain=make_domain()).account
    dedication.dedicate(cloud.hosts[0], first.domain, first)
    with pytest.raises(InvalidParameter, match=f"{cloud.hosts[0]}.*release it first"):
        dedication.dedicate(cloud.cluster, second.domain, second)
    with pytest.raises(InvalidParameter, match="already"):
        dedication.dedicate(cloud.hosts[0], first.domain, first)
    dedication.dedicate(cloud.cluster, first.domain, None)
    with pytest.raises(InvalidParameter, match="which holds"):
        dedication.dedicate(cloud.hosts[1], second.domain, second)
    with pytest.raises(InvalidParameter, match="everybody"):
        dedication.dedicate(cloud.hosts[1], admin_caller().domain, None)


def test_a_place_where_others_run_is_not_dedicated(cloud, caller):
    vm = make_vm("Running", account=caller.account, cloud=cloud)
    other = make_user().account
    with pytest.raises(InUse, match=vm.name):
        dedication.dedicate(vm.host.cluster, other.domain, other)
    assert not DedicatedResource.objects.exists()
    assert dedication.dedicate(vm.host, caller.domain, caller.account).is_for(caller.account)


def test_the_group_goes_with_the_last_dedication(cloud, caller):
    rows = [dedication.dedicate(h, caller.domain, caller.account) for h in cloud.hosts]
    assert rows[0].group == rows[1].group
    with pytest.raises(InvalidParameter, match="release"):
        execute(caller, "deleteAffinityGroup", {"id": str(rows[0].group.uuid)})
    dedication.release(cloud.hosts[0])
    assert AffinityGroup.objects.filter(pk=rows[0].group_id).exists()
    dedication.release(cloud.hosts[1])
    assert not AffinityGroup.objects.filter(pk=rows[0].group_id).exists()
    with pytest.raises(InvalidParameter, match="not dedicated"):
        dedication.release(cloud.hosts[1])


def test_commands_answer_with_who_it_is_kept_for(cloud, caller):
    admin, host = admin_caller(), cloud.hosts[0]
    asked = {
        "hostid": str(host.uuid), "domainid": str(caller.domain.uuid),
        "account": caller.account.name,
    }  # fmt: skip
    execute(admin, "dedicateHost", asked)
    record = next(iter(execute(admin, "listDedicatedHosts", {}).records))
    assert record["hostname"] == host.name
    assert record["accountid"] == caller.account.uuid
    assert list(execute(admin, "listDedicatedPods", {}).records) == []
    execute(admin, "releaseDedicatedHost", {"hostid": str(host.uuid)})
    assert list(execute(admin, "listDedicatedHosts", {}).records) == []


@pytest.mark.parametrize("seed", range(8))
def test_the_query_and_the_words_agree(seed):
    dice = random.Random(seed)
    cloud = make_cloud(0)
    pods = [make_pod(cloud.zone) for _ in range(2)]
    clusters = [make_cluster(dice.choice(pods), hypervisor="Simulator") for _ in range(4)]
    made = [make_host(dice.choice(clusters)) for _ in range(16)]
    one, two = (make_user(domain=make_domain()).account for _ in range(2))
    spots = [*dice.sample(made, 5), *dice.sample(clusters, 2), dice.choice(pods)]
    if dice.random() < 0.5:
        spots.append(cloud.zone)
    rows = []
    for place in dice.sample(spots, len(spots)):
        holder = dice.choice([one, one, two])
        try:
            rows.append(dedication.dedicate(place, holder.domain, dice.choice([holder, None])))
        except InvalidParameter:
            continue
    assert rows
    for groups in ([], [rows[0].group]):
        asked = wanted(cloud, one, groups)
        friends = hosts.company(asked)
        by_query = {h.pk for h in hosts.fitting(asked, friends)}
        by_words = {h.pk for h in hosts.all_of(asked) if not hosts.refusal(h, asked, friends)}
        assert by_query == by_words
