"""The Simulator under tests: ``world`` is what simulated hosts share, plugged in as they are
in a running portal."""

import tempfile
from pathlib import Path

import pytest

from agent.operations import AgentConfig, World, simulated_agent
from infra import agents
from infra.services import configuration, simulator


@pytest.fixture(autouse=True)
def _fresh_settings():
    """Values a test set are gone with its transaction; do not remember them."""
    configuration.forget()
    yield
    configuration.forget()


@pytest.fixture
def world():
    """A fresh simulated world; hosts of ``make_host`` live in it."""
    made = World()
    data = Path(tempfile.gettempdir())

    places = {}

    def places_in(host):
        """Read once for each cluster, as the portal does."""
        if host.cluster_id not in places:
            rows = (host.cluster, host.pod, host.zone)
            places[host.cluster_id] = tuple(str(row.uuid) for row in rows)
        return places[host.cluster_id]

    def agent_of(host):
        return simulated_agent(
            AgentConfig(
                data=data,
                name=host.name,
                host_uuid=host.machine or str(host.uuid),
                address=host.address,
                simulated_places=places_in(host),
                simulated_cpus=host.cpus or 16,
                simulated_memory_mb=host.memory_mb or 65536,
            ),
            made,
        )

    agents.use_simulated(agent_of)
    simulator.use(lambda: made.mocks)
    yield made
    simulator.use(None)
    agents.use_simulated(None)
