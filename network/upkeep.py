"""Routers are kept to the wanted state: what changed without a job is applied, what was lost
on a host is made again, and what stays wrong goes to *Needs attention*."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from django.db.models import F, Q, QuerySet

from accounts.caller import Caller
from agent import protocol
from core.steps import Plan
from infra import agents
from infra.models import Host
from infra.services.reconciler import Finding, reconcile
from infra.services.reports import on_host_back
from jobs.models import AsyncJob, Trouble
from jobs.submit import submit
from jobs.troubles import repair
from network import jobs
from network.models import Router
from network.services import routers

_WRONG = "router-not-as-wanted"
#: Hosts asked in one pass; with more routers than that, they take turns.
_AT_A_TIME = 200
_turn = itertools.count()


@on_host_back
def back(host: Host) -> None:
    """A machine that was away may have lost its namespaces: its routers are looked at anew."""
    Router.objects.filter(host=host).update(applied_version=0)


@reconcile("routers", _WRONG)
def keep_as_wanted() -> Iterator[Finding]:
    for router in _to_look_at():
        try:
            if router.applied_version < router.version or _is_wrong(router):
                routers.apply_again(router)
        except protocol.HostUnavailable:
            continue  # that its host is away is said elsewhere
        except protocol.AgentError as error:
            yield Finding(
                _WRONG,
                router,
                f"The router of network {router.network} is not as wanted on {router.host}: "
                f"{error.message}",
                {"wanted version": router.version, "applied": router.applied_version,
                 "seen": error.message},
                "network.apply_router",
            )  # fmt: skip


def _to_look_at() -> list[Router]:
    """All that lag behind, and of the others as many as fit, by turns."""
    up = Router.objects.filter(host__status="Up", rests=False)
    up = up.select_related("host", "network__offering")
    lagging = up.filter(applied_version__lt=F("version"))[:_AT_A_TIME]
    # A simulated host forgets nothing by itself.
    rest = up.filter(applied_version__gte=F("version")).filter(~Q(host__link="simulated"))
    return [*lagging, *_slice(rest.order_by("pk"))]


def _slice(rows: QuerySet[Router]) -> QuerySet[Router]:
    total = rows.count()
    start = next(_turn) * _AT_A_TIME % total if total > _AT_A_TIME else 0
    return rows[start : start + _AT_A_TIME]


def _is_wrong(router: Router) -> bool:
    ref = protocol.RouterRef(str(router.uuid), router.name)
    state = agents.call(router.host, "router.state", ref)
    if list(state.problems) != router.problems:
        Router.objects.filter(pk=router.pk).update(problems=list(state.problems))
    return bool(state.problems) or not state.running


@repair("network.apply_router")
def apply_router(trouble: Trouble) -> AsyncJob:
    network = Router.objects.get(uuid=trouble.resource_uuid).network
    plan = Plan(jobs.restart_network, network)
    return submit(plan, account=Caller.system().account, event_type="NETWORK.RESTART")
