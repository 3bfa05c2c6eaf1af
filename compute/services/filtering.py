"""Security groups as hosts apply them: a machine's rules added up, and kept up to date.

A change counts up the machines it concerns, in its own transaction. Jobs apply what they
changed themselves; what follows from it on other machines (somebody joined a group that their
rules name) is applied moments later by the schedule in
``compute.jobs.filtering``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from django.db.models import F, QuerySet

from agent import protocol as p
from compute.models import MachineRules, Nic, SecurityGroup, SecurityGroupRule, VirtualMachine
from compute.models.securitygroups import EGRESS, INGRESS
from compute.states import VmState
from core.steps import Run
from infra import agents
from infra.models import Host
from infra.services.reports import on_host_back

# -- what is wanted ----------------------------------------------------------------------


def rules_for(nic: Nic) -> p.NicRules | None:
    """What the card's host is to let pass; None: its network has no security groups."""
    if not nic.network.offering.provides("SecurityGroup"):
        return None
    groups = nic.machine.security_groups.all()
    rows = list(SecurityGroupRule.objects.filter(group__in=groups).order_by("pk"))
    members = _addresses_of({r.peer_id for r in rows if r.peer_id})
    outward = [r for r in rows if r.direction == EGRESS]
    return p.NicRules(
        ingress=tuple(_rules((r for r in rows if r.direction == INGRESS), members)),
        egress=tuple(_rules(outward, members)),
        egress_limited=bool(outward),
        routers=tuple(_routers(nic)) if outward else (),
    )


def _rules(
    rows: Iterable[SecurityGroupRule], members: dict[int, tuple[str, ...]]
) -> Iterator[p.SecurityRule]:
    for row in rows:
        cidrs = (row.cidr,) if row.cidr else members.get(row.peer_id or 0, ())
        if cidrs:
            yield p.SecurityRule(
                row.protocol,
                row.start_port or 0,
                65535 if row.end_port is None else row.end_port,
                -1 if row.icmp_type is None else row.icmp_type,
                -1 if row.icmp_code is None else row.icmp_code,
                cidrs,
            )


def _addresses_of(groups: set[int]) -> dict[int, tuple[str, ...]]:
    """Group → the addresses of its members' cards in networks that have security groups."""
    found: dict[int, list[str]] = {}
    rows = Nic.objects.filter(machine__security_groups__in=groups, machine__removed=None)
    paths = ("machine__security_groups", "address__ip4", "address__ip6",
             "network__offering__services")  # fmt: skip
    for group, ip4, ip6, services in rows.order_by("pk").values_list(*paths):
        if "SecurityGroup" in services:
            found.setdefault(group, []).extend(filter(None, (ip4, ip6)))
    return {group: tuple(addresses) for group, addresses in found.items()}


def _routers(nic: Nic) -> Iterator[str]:
    network = nic.network
    own = nic.address.gateway if nic.address else None
    for address in (own or network.gateway, network.ip6_gateway):
        if address:
            yield address
    yield "169.254.169.254/32"  # where images look for their metadata


# -- what has changed --------------------------------------------------------------------


def follow(machine: int) -> None:
    """Begin to keep the rules of the machine (its key) up to date, or look at them anew."""
    state, made = MachineRules.objects.get_or_create(machine_id=machine)
    if not made:
        MachineRules.objects.filter(pk=state.pk).update(wanted=F("wanted") + 1)


def changed(groups: Sequence[SecurityGroup]) -> None:
    """Rules of these groups: their members' hosts are to know."""
    _count_up(VirtualMachine.objects.filter(security_groups__in=groups))


def members_changed(groups: Sequence[SecurityGroup]) -> None:
    """Who is in these groups, and under which addresses: machines whose rules name them."""
    naming = SecurityGroupRule.objects.filter(peer__in=groups).values("group")
    _count_up(VirtualMachine.objects.filter(security_groups__in=naming))


def addresses_changed(machine: int) -> None:
    """The machine (its key) has a card more, or less. One query where there are no groups."""
    groups = list(SecurityGroup.objects.filter(machines=machine))
    if groups:
        follow(machine)
        members_changed(groups)


def _count_up(machines: QuerySet[VirtualMachine]) -> None:
    # Keys first: MariaDB does not update a table that the condition reads.
    keys = list(machines.values_list("pk", flat=True))
    MachineRules.objects.filter(machine__in=keys).update(wanted=F("wanted") + 1)


# -- applying ----------------------------------------------------------------------------


def wanted_of(vm: VirtualMachine) -> int:
    """Read before the rules are, so that a change in between is applied again."""
    return MachineRules.objects.filter(machine=vm).values_list("wanted", flat=True).first() or 0


def applied(vm: VirtualMachine, version: int) -> None:
    MachineRules.objects.filter(machine=vm, applied__lt=version).update(applied=version)


def apply_to(vm: VirtualMachine, nics: Sequence[p.Nic], version: int, run: Run | None) -> None:
    """The running machine's cards have the rules when this returns. Raises AgentError."""
    wanted = p.FilterDomain(str(vm.uuid), tuple(nics))
    agents.call(vm.host, "domain.filter", wanted, run)
    applied(vm, version)


def lagging() -> QuerySet[VirtualMachine]:
    """Running machines whose hosts have older rules."""
    rows = VirtualMachine.objects.filter(
        state=VmState.RUNNING, host__status="Up",
        rules_state__applied__lt=F("rules_state__wanted"),
    )  # fmt: skip
    return rows.select_related("host").order_by("pk")


@on_host_back
def back(host: Host) -> None:
    """A host that was away may have lost its rules."""
    MachineRules.objects.filter(machine__host=host).update(applied=0)
