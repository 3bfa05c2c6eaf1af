"""The contract, held by the simulator."""

from pathlib import Path

import pytest

from agent.operations import AgentConfig, World, simulated_agent
from tests.unit.agent.contract_domains import DeviceContract, DomainContract
from tests.unit.agent.contract_network import NetworkContract
from tests.unit.agent.contract_storage import StorageContract
from tests.unit.agent.rigs import FakeRig

HOST = "0f0f0f0f-0000-4000-8000-000000000001"


@pytest.fixture
def rig():
    world = World()
    agent = simulated_agent(AgentConfig(Path("/nowhere"), name="sim-1", host_uuid=HOST), world)
    return FakeRig(agent, world, HOST)


class TestDomains(DomainContract):
    pass


class TestDevices(DeviceContract):
    pass


class TestStorage(StorageContract):
    pass


class TestNetwork(NetworkContract):
    pass
