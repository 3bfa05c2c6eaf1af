"""Agents, ready to use: one that drives this machine, and one that only pretends."""

from __future__ import annotations

import uuid

from agent.config import AgentConfig
from agent.drivers.fake import FakeDriver
from agent.drivers.fake_parts import FakeImages, FakeNetwork, FakeStorage
from agent.drivers.world import SimulatedTrouble, World
from agent.execution import Agent, Parts
from agent.fences import FenceBook

__all__ = ["Agent", "AgentConfig", "World", "simulated_agent"]

_SIMULATED = uuid.UUID("6f6d6d73-0000-5000-8000-73696d756c61")


def simulated_agent(config: AgentConfig, world: World | None = None) -> Agent:
    """A host of the *Simulator*; hosts that share a ``world`` share its pools and stores."""
    if world is None:
        world = World(config.simulated_state)
    host = config.host_uuid or str(uuid.uuid5(_SIMULATED, config.host_name))
    driver = FakeDriver(
        world,
        host,
        config.host_name,
        cpus=config.simulated_cpus,
        memory_mb=config.simulated_memory_mb,
    )
    parts = Parts(
        driver,
        FakeStorage(world, host),
        FakeImages(world),
        FakeNetwork(world, host),
        inline=True,
    )
    trouble = SimulatedTrouble(world, host, config.simulated_latency_s)
    return Agent(parts, FenceBook(), trouble)
