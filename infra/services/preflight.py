"""What a host says about itself, believed only after it was checked."""

from __future__ import annotations

import time
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from agent import protocol
from core.errors import CloudError
from core.steps import Run
from infra import agents
from infra.models import Host
from infra.services import capacity


class NotFit(CloudError):
    """The machine cannot serve as a host yet; ``details`` is the table of checks."""


def checks_of(host: Host, run: Run | None = None, pool_path: str = "") -> list[dict[str, Any]]:
    """Every named check with what was seen and, where it fails, its cure. Changes nothing."""
    wanted = protocol.Preflight(portal_time=time.time(), pool_path=pool_path)
    report: protocol.PreflightReport = agents.call(host, "host.preflight", wanted, run)
    return [protocol.to_wire(check) for check in report.checks]


def require(host: Host, found: list[dict[str, Any]]) -> None:
    """Raises NotFit naming each required check that does not hold."""
    failing = [c for c in found if c["required"] and not c["passed"]]
    if failing:
        each = " ".join(f"{c['name']}: {c['seen'].rstrip('.')}. {c['cure']}" for c in failing)
        raise NotFit(f"{host.name} cannot serve as a host. {each}".strip(), details=found)


def read_facts(host: Host, run: Run | None = None) -> protocol.HostFacts:
    facts: protocol.HostFacts = agents.call(host, "host.facts", None, run)
    return facts


def accept(host: Host, facts: protocol.HostFacts) -> None:
    """Write down what the host is and can give. Raises NotFit when it is not what its cluster
    is made of, or is a host of this cloud already."""
    if facts.hypervisor.lower() != host.cluster.hypervisor.lower():
        raise NotFit(
            f"{host.name} runs {facts.hypervisor}; cluster {host.cluster} is for "
            f"{host.cluster.hypervisor}. Add it to a {facts.hypervisor} cluster."
        )
    if facts.arch != host.cluster.arch:
        raise NotFit(
            f"{host.name} is {facts.arch}; cluster {host.cluster} is for {host.cluster.arch}."
        )
    twin = Host.objects.filter(machine=facts.uuid).exclude(pk=host.pk).first()
    if twin is not None:
        raise NotFit(f"This machine is host {twin} already (zone {twin.zone}).")
    try:
        with transaction.atomic():
            _write(host, facts)
    except IntegrityError:
        raise NotFit(f"{host.name}, or this machine, is a host of the zone already.") from None


def _write(host: Host, facts: protocol.HostFacts) -> None:
    # A machine added by its bare address gets the name it has.
    if host.name == host.address and facts.name:
        taken = Host.objects.filter(zone=host.zone, name=facts.name).exclude(pk=host.pk)
        host.name = host.name if taken.exists() else facts.name
    host.machine = facts.uuid or None
    host.cpus = facts.cpus
    host.cpu_sockets = facts.cpu_sockets or 1
    host.cpu_speed_mhz = facts.cpu_speed_mhz or 1000
    host.memory_mb = facts.memory_mb
    host.accelerator = facts.accelerator
    host.hypervisor_version = facts.hypervisor_version
    host.arch = facts.arch
    host.version = facts.agent_version
    host.address = host.address or facts.address
    host.facts = protocol.to_wire(facts)
    host.last_seen = timezone.now()
    host.save(
        update_fields=[
            "name", "machine", "cpus", "cpu_sockets", "cpu_speed_mhz", "memory_mb",
            "accelerator", "hypervisor_version", "arch", "version", "address", "facts",
            "last_seen",
        ]
    )  # fmt: skip
    capacity.set_totals(host)
