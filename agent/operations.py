"""Agents, ready to use: one that drives this machine, and one that only pretends."""

from __future__ import annotations

import uuid

from agent.config import AgentConfig
from agent.drivers.fake import FakeDriver
from agent.drivers.fake_parts import FakeImages, FakeNetwork, FakeStorage
from agent.drivers.libvirt.driver import LibvirtDriver
from agent.drivers.world import SimulatedTrouble, World
from agent.execution import Agent, Parts
from agent.fences import FenceBook
from agent.images.downloads import Downloads
from agent.images.egress import Egress
from agent.network.routers import HostNetwork
from agent.storage.directories import DirectoryStorage

__all__ = ["Agent", "AgentConfig", "World", "local_agent", "simulated_agent"]

_SIMULATED = uuid.UUID("6f6d6d73-0000-5000-8000-73696d756c61")


def local_agent(config: AgentConfig) -> Agent:
    """The agent of this machine. Connects to libvirt at the first call that needs it."""
    config.data.mkdir(parents=True, exist_ok=True, mode=0o711)
    driver = LibvirtDriver(config)
    parts = Parts(
        driver,
        DirectoryStorage(driver),
        Downloads(Egress(config.ca_file)),
        HostNetwork(config),
    )
    return Agent(parts, FenceBook(config.data / "fences"))


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
        address=config.address or "127.0.0.1",
    )
    parts = Parts(
        driver,
        FakeStorage(world, host),
        FakeImages(world),
        FakeNetwork(world, host),
        inline=True,
    )
    trouble = SimulatedTrouble(
        world,
        host,
        config.simulated_pace,
        config.simulated_places,
        name=config.host_name,
    )
    return Agent(parts, FenceBook(), trouble)
