"""What is done to routers when people operate them."""

from __future__ import annotations

import contextlib

from agent import protocol
from core import live
from core.steps import Run, Step, plan
from infra import agents
from network.models import Router
from network.services import routers


@plan(cancellable=False)
def start_router(router: Router) -> list[Step]:
    return [Step(bring_up, undo=stay_off, label="Start the router", patience_s=30)]


@plan(cancellable=False)
def stop_router(router: Router, *, forced: bool = False) -> list[Step]:
    return [Step(take_down, undo=stay_on, label="Stop the router", patience_s=30)]


@plan(cancellable=False)
def reboot_router(router: Router) -> list[Step]:
    return [
        Step(clear_away, label="Stop the router", patience_s=30),
        Step(bring_up, label="Start the router", patience_s=30),
    ]


@plan(cancellable=False)
def destroy_router(router: Router) -> list[Step]:
    return [
        Step(take_down, undo=stay_on, label="Stop the router", patience_s=30),
        Step(forget_router),
    ]


def bring_up(run: Run, router: Router) -> None:
    """On its host, or on another one of its zone that is up."""
    router.refresh_from_db()
    Router.objects.filter(pk=router.pk).update(rests=False, applied_version=0)
    home = router.host
    if home is None or home.status != "Up" or home.removed:
        home = agents.pick_host(router.network.zone, f"router {router.name}")
    routers.apply(run, router.network, home)
    live.changed(router)


def stay_off(router: Router) -> None:
    _from("Starting", router, "Stopped")


def stay_on(router: Router) -> None:
    _from("Stopping", router, "Running" if router.applied_version else "Stopped")


def _from(before: str, router: Router, after: str) -> None:
    Router.objects.filter(pk=router.pk, state=before).update(state=after)
    live.changed(router)


def take_down(run: Run, router: Router, forced: bool = False) -> None:
    """Nothing of it is left on its host; the bridge stays, for machines are plugged into it."""
    with contextlib.suppress(*([protocol.HostUnavailable] if forced else [])):
        clear_away(run, router)
    Router.objects.filter(pk=router.pk).update(state="Stopped", applied_version=0, rests=True)
    live.changed(router)


def clear_away(run: Run, router: Router) -> None:
    router.refresh_from_db()
    if router.host is not None:
        reference = protocol.RouterRef(str(router.uuid), router.name)
        agents.call(router.host, "router.remove", reference, run)


def forget_router(router: Router) -> None:
    """The row goes for good: its network has one router, or none."""
    Router.everything.filter(pk=router.pk).delete()
    live.changed(router)
