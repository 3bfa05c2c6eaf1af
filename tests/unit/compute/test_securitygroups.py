"""Security groups: what is refused, and what hosts are told."""

import pytest

from agent import protocol as p
from compute.jobs.filtering import apply_lagging
from compute.models import MachineRules, SecurityGroup, SecurityGroupRule
from compute.services import filtering, securitygroups
from core.errors import InUse, InvalidParameter, NoSuchObject, NotAllowedInState
from tests.factories import (
    admin_caller,
    caller_of,
    make_account,
    make_domain,
    make_ip_range,
    make_network,
    make_network_offering,
)
from tests.unit.compute.asking import ask, deploy, done

pytestmark = pytest.mark.django_db


@pytest.fixture
def network(cloud, account):
    """One that all of the domain share, with security groups."""
    services = {s: ["VirtualRouter"] for s in ("Dhcp", "Dns", "UserData")}
    services["SecurityGroup"] = ["SecurityGroupProvider"]
    offering = make_network_offering(guest_type="Shared", services=services)
    made = make_network(account, zone=cloud.zone, guest_type="Shared", offering=offering)
    make_ip_range(made)
    return made


@pytest.fixture
def machine(cloud, network, caller, world):
    def make(name, **more):
        return done(deploy(caller, cloud, name=name, networkids=network, **more))

    return make


def rules(world, vm) -> p.NicRules:
    """What the machine's host lets pass."""
    vm.refresh_from_db()
    return world.domain(str(vm.host.uuid), str(vm.uuid)).spec.nics[0].rules


def group_of(caller, name="web"):
    return ask(caller, "createSecurityGroup", name=name).value


def allow(caller, group, way="Ingress", **more):
    given = {"securitygroupid": group, "protocol": "tcp", "startport": 22, "endport": 23,
             "cidrlist": "0.0.0.0/0", **more}  # fmt: skip
    given = {k: v for k, v in given.items() if v is not None}
    return done(ask(caller, f"authorizeSecurityGroup{way}", **given))


def test_a_machine_that_names_none_is_in_the_default_group_and_nothing_comes_in(machine, world):
    vm = machine("a")
    assert [g.name for g in vm.security_groups.all()] == ["default"]
    assert rules(world, vm) == p.NicRules()
    assert apply_lagging() == 0  # they came with the start


def test_a_network_without_security_groups_has_open_cards(cloud, caller, world):
    vm = done(deploy(caller, cloud))
    assert rules(world, vm) is None
    group = group_of(caller)
    with pytest.raises(InvalidParameter, match="None of the machine's networks"):
        deploy(caller, cloud, name="b", securitygroupids=group)


def test_a_rule_is_on_the_host_when_its_job_ends_and_gone_when_revoked(machine, caller, world):
    group = group_of(caller)
    vm = machine("a", securitygroupids=group)
    allow(caller, group, cidrlist="10.0.0.0/8,192.168.1.7/32")
    assert rules(world, vm).ingress == (
        p.SecurityRule("tcp", 22, 23, cidrs=("10.0.0.0/8",)),
        p.SecurityRule("tcp", 22, 23, cidrs=("192.168.1.7/32",)),
    )
    rule = SecurityGroupRule.objects.get(cidr="10.0.0.0/8")
    done(ask(caller, "revokeSecurityGroupIngress", id=rule))
    assert [r.cidrs for r in rules(world, vm).ingress] == [("192.168.1.7/32",)]


def test_the_first_egress_rule_shuts_out_the_rest_but_not_the_network_itself(
    machine, caller, world, network
):
    group = group_of(caller)
    vm = machine("a", securitygroupids=group)
    assert not rules(world, vm).egress_limited
    allow(caller, group, "Egress", startport=443, endport=None)
    found = rules(world, vm)
    assert found.egress_limited
    assert found.egress == (p.SecurityRule("tcp", 443, 443, cidrs=("0.0.0.0/0",)),)
    assert network.gateway in found.routers


def test_members_of_a_named_group_may_come_in_whoever_joins_or_leaves(machine, caller, world):
    inner, outer = group_of(caller, "inner"), group_of(caller, "outer")
    server = machine("server", securitygroupids=inner)
    allow(
        caller, inner, cidrlist=None,
        **{"usersecuritygrouplist[0].account": caller.account.name,
           "usersecuritygrouplist[0].group": "outer"},
    )  # fmt: skip
    assert rules(world, server).ingress == ()
    client = machine("client", securitygroupids=outer)
    apply_lagging()
    address = client.nics.get().address.ip4
    assert rules(world, server).ingress == (p.SecurityRule("tcp", 22, 23, cidrs=(address,)),)
    done(ask(admin_caller(), "destroyVirtualMachine", id=client, expunge=True))
    apply_lagging()
    assert rules(world, server).ingress == ()


def test_groups_change_while_a_machine_is_stopped(machine, caller, world):
    vm, group = machine("a"), group_of(caller)
    with pytest.raises(NotAllowedInState, match="stop it"):
        ask(caller, "updateVirtualMachine", id=vm, securitygroupids=group)
    done(ask(caller, "stopVirtualMachine", id=vm))
    ask(caller, "updateVirtualMachine", id=vm, securitygroupids=group)
    allow(caller, group)
    done(ask(caller, "startVirtualMachine", id=vm))
    assert len(rules(world, vm).ingress) == 1


def test_a_host_that_does_not_answer_gets_the_rules_later(machine, caller, world):
    group = group_of(caller)
    vm = machine("a", securitygroupids=group)
    world.faults.fail("domain.filter", p.OperationFailed("nft is not there"))
    allow(caller, group)
    assert rules(world, vm).ingress == ()
    assert filtering.lagging().filter(pk=vm.pk).exists()
    world.faults.clear()
    assert apply_lagging() == 1
    assert len(rules(world, vm).ingress) == 1
    state = MachineRules.objects.get(machine=vm)
    assert state.applied == state.wanted


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"startport": 90, "endport": 80}, "lies before"),
        ({"startport": 70000, "endport": None}, "between 0 and 65535"),
        ({"startport": None, "endport": None}, "need startport"),
        ({"cidrlist": "10.0.0.300"}, "not an address range"),
        ({"cidrlist": None}, "whom the rule is about"),
        ({"protocol": "gre"}, "protocol must be"),
        ({"protocol": "300"}, "protocol must be"),
        ({"protocol": "icmp", "icmptype": 300}, "icmptype"),
        ({"usersecuritygrouplist[0].group": "nowhere"}, "no security group named nowhere"),
    ],
)
def test_a_wrong_rule_is_refused_with_a_sentence(caller, wrong, words):
    group = group_of(caller)
    with pytest.raises(InvalidParameter, match=words):
        allow(caller, group, **wrong)
    assert not SecurityGroupRule.objects.exists()


def test_the_same_rule_twice_is_refused(caller):
    group = group_of(caller)
    allow(caller, group)
    with pytest.raises(InvalidParameter, match="already"):
        allow(caller, group)


def test_a_rule_of_the_other_direction_is_not_taken_away(caller):
    group = group_of(caller)
    allow(caller, group)
    with pytest.raises(InvalidParameter, match="is about ingress"):
        ask(caller, "revokeSecurityGroupEgress", id=SecurityGroupRule.objects.get())


def test_what_is_used_stays(machine, caller):
    used, named = group_of(caller, "used"), group_of(caller, "named")
    machine("a", securitygroupids=used)
    with pytest.raises(InUse, match="a"):
        ask(caller, "deleteSecurityGroup", id=used)
    allow(caller, used, cidrlist=None, **{"usersecuritygrouplist[0].group": "named"})
    with pytest.raises(InUse, match="used"):
        ask(caller, "deleteSecurityGroup", name="named")
    with pytest.raises(InvalidParameter, match="default"):
        ask(caller, "deleteSecurityGroup", id=securitygroups.default_of(caller.account))
    assert named in SecurityGroup.objects.all()


def test_another_accounts_group_is_not_for_ones_machines(cloud, network, caller):
    stranger = caller_of(make_account(domain=make_domain()))
    theirs = group_of(stranger)
    with pytest.raises(NoSuchObject):
        deploy(caller, cloud, networkids=network, securitygroupids=theirs)
    with pytest.raises(InvalidParameter, match="no account"):
        allow(
            caller, group_of(caller), cidrlist=None,
            **{"usersecuritygrouplist[0].account": stranger.account.name,
               "usersecuritygrouplist[0].group": "web"},
        )  # fmt: skip


def test_a_group_is_shown_with_rules_and_members(machine, caller):
    group = group_of(caller)
    vm = machine("a", securitygroupids=group)
    allow(caller, group)
    (record,) = ask(caller, "listSecurityGroups", virtualmachineid=vm).records
    assert record["virtualmachinecount"] == 1
    assert record["virtualmachineids"] == [str(vm.uuid)]
    (rule,) = record["ingressrule"]
    assert (rule["startport"], rule["endport"], rule["cidr"]) == (22, 23, "0.0.0.0/0")
    (shown,) = ask(caller, "listVirtualMachines", id=vm).records
    assert [g["name"] for g in shown["securitygroup"]] == ["web"]
