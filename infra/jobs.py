"""What is done on hosts when they come, come back, or are looked at."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from core.errors import NotAllowedInState
from core.steps import Run, Step, plan
from infra import agents
from infra.models import Host
from infra.services import alerts, preflight, reports
from infra.services.alerts import AlertType
from infra.services.removal import take_away
from jobs.models import AsyncJob

# -- adding ----------------------------------------------------------------------------


@plan(cancellable=False)
def add_host(host: Host) -> list[Step]:
    """Creating → Connecting (asked) → Up; a host that is not fit leaves nothing behind."""
    return [
        Step(check_host, undo=forget_host, label="Check the machine", patience_s=20),
        Step(learn_facts, label="Read what it is and can give", patience_s=20),
        Step(bring_up, label="Bring it up"),
    ]


def check_host(host: Host, run: Run) -> dict[str, Any]:
    found = preflight.checks_of(host, run)
    preflight.require(host, found)
    return {"checks": found}


def learn_facts(host: Host, run: Run) -> dict[str, Any]:
    host.refresh_from_db()
    if host.removed:
        raise NotAllowedInState(f"Host {host} was taken away while it was being connected.")
    preflight.accept(host, preflight.read_facts(host, run))
    return {"name": host.name, "cpus": host.cpus, "memory_mb": host.memory_mb}


def bring_up(host: Host) -> None:
    host.refresh_from_db()
    if host.status == "Connecting":
        host.move("Ready")
    alerts.resolve(AlertType.HOST, host)
    reports.back(host)


def forget_host(host: Host, run: Run) -> None:
    """The machine was not fit: take the row away, and say why where the operator looks."""
    host.refresh_from_db()
    if host.removed:
        return
    why = AsyncJob.objects.get(uuid=run.job_uuid).error_text or "Adding it was given up."
    with transaction.atomic():
        alerts.raise_alert(AlertType.HOST, host, f"Host {host} was not added", why)
        take_away(host, reason=why)


# -- coming back -----------------------------------------------------------------------


@plan(cancellable=False)
def reconnect_host(host: Host) -> list[Step]:
    """Connecting (asked) → Up with fresh facts, or Alert with the reason."""
    return [
        Step(learn_facts, undo=stay_away, label="Ask the host what it is", patience_s=20),
        Step(bring_up, label="Bring it up"),
    ]


def stay_away(host: Host, run: Run) -> None:
    host.refresh_from_db()
    if host.status == "Connecting":
        host.move("AgentDisconnected", AsyncJob.objects.get(uuid=run.job_uuid).error_text)


# -- looking only ----------------------------------------------------------------------


@plan()
def inspect_host(host: Host) -> list[Step]:
    """Every check of a host there is; it changes nothing."""
    return [Step(check_host, label="Check the machine", patience_s=5)]


@plan()
def inspect_machine(cluster: Any, *, host_fields: dict[str, Any]) -> list[Step]:
    """The checks of a machine that is not a host yet."""
    return [Step(check_machine, label="Check the machine", patience_s=5)]


def check_machine(cluster: Any, host_fields: dict[str, Any], run: Run) -> dict[str, Any]:
    candidate = Host(zone=cluster.zone, pod=cluster.pod, cluster=cluster, **host_fields)
    found = preflight.checks_of(candidate, run)
    agents.drop_link(candidate)
    preflight.require(candidate, found)
    return {"checks": found}
