"""Routers stopped, started and made anew by people."""

from __future__ import annotations

from core import live
from core.errors import NotAllowedInState
from core.steps import Plan
from network import router_jobs as jobs
from network.models import Router


def start(router: Router) -> Plan:
    """Stopped → Starting. A router that never ran, or lost its host, gets one."""
    move(router, ("Stopped",), "Starting", "start")
    return Plan(jobs.start_router, router)


def stop(router: Router, *, forced: bool) -> Plan:
    """Running → Stopping; with ``forced`` also a router whose host does not answer."""
    move(router, ("Running",), "Stopping", "stop")
    return Plan(jobs.stop_router, router, {"forced": forced})


def reboot(router: Router) -> Plan:
    if router.state != "Running":
        raise _refused(router, "reboot")
    return Plan(jobs.reboot_router, router)


def destroy(router: Router) -> Plan:
    """Nothing is left of it; the next machine that starts in its network has another made."""
    move(router, ("Running", "Stopped"), "Stopping", "be destroyed")
    return Plan(jobs.destroy_router, router)


def move(router: Router, before: tuple[str, ...], after: str, verb: str) -> None:
    """A compare-and-swap, so that of two who stop it one is refused."""
    if not Router.objects.filter(pk=router.pk, state__in=before).update(state=after):
        router.refresh_from_db(fields=["state"])
        raise _refused(router, verb)
    router.state = after
    live.changed(router)


def _refused(router: Router, verb: str) -> NotAllowedInState:
    return NotAllowedInState(f"Router {router.name} is {router.state}; it cannot {verb} now.")
