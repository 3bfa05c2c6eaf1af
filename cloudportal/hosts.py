"""Plugs the agents of this process in: the machine it runs on, and simulated hosts.

The only place of the portal that knows an agent's inside; everything else speaks
``agent.protocol`` through ``infra.agents``.
"""

from __future__ import annotations

import functools

from django.conf import settings

from agent import protocol
from agent.config import AgentConfig
from agent.execution import Agent
from agent.operations import World, local_agent, simulated_agent
from infra import agents
from infra.models import Cluster, Host, Zone
from infra.services import simulator
from network.models import Router
from network.services import routers


@functools.cache
def world() -> World:
    """What all simulated hosts share; kept in a file, so that they survive a restart."""
    folder = settings.DATA / "simulator"
    folder.mkdir(parents=True, exist_ok=True)
    return World(folder / "world.json")


def this_machine() -> Agent:
    return local_agent(
        AgentConfig(
            data=settings.DATA / "agent",
            libvirt_uri=settings.LIBVIRT_URI,
            virt="auto" if settings.VIRT == "simulator" else settings.VIRT,
            images=settings.DATA / "images",
        )
    )


@functools.lru_cache(10_000)
def _places_in(cluster: int) -> tuple[str, ...]:
    """uuids that mocks may be meant for; read once, for ten thousand hosts come at a start."""
    row = Cluster.everything.select_related("pod", "zone").get(pk=cluster)
    return tuple(str(place.uuid) for place in (row, row.pod, row.zone))


def simulated(host: Host) -> Agent:
    return simulated_agent(
        AgentConfig(
            data=settings.DATA / "simulator",
            name=host.name,
            host_uuid=host.machine or str(host.uuid),
            address=host.address,
            # Mocks are meant for the host's row; ``machine`` outlives it.
            simulated_pace=functools.partial(simulator.PACE.get, Zone(pk=host.zone_id)),
            simulated_places=(str(host.uuid), *_places_in(host.cluster_id)),
        ),
        world(),
    )


def plug_in() -> None:
    agents.use_simulated(simulated)
    simulator.use(lambda: world().mocks)
    agents.use_local(None if settings.VIRT == "simulator" else this_machine)


def preflight(question: protocol.Preflight) -> protocol.PreflightReport:
    """What this machine says of itself, before it is a host of any zone."""
    agent = this_machine()
    try:
        return agent.execute(protocol.Call("host.preflight", question))
    finally:
        agent.close()


def wipe() -> None:
    """Take every guest and network of this installation from this machine: guests first,
    because they hold on to the bridges."""
    for host in Host.objects.filter(link="local"):
        for domain in agents.call(host, "host.power").states:
            agents.call(host, "domain.remove", protocol.RemoveDomain(domain.uuid))
    for router in Router.objects.filter(host__link="local").select_related("network", "host"):
        routers.remove(None, router.network)
