"""Networks, their offerings and ranges."""

from tests import factories
from tests.unit.api.examples import example


@example("updateNetworkOffering")
def _(stage):
    answered = yield {"id": stage["network.NetworkOffering"], "name": "renamed"}
    assert answered["name"] == "renamed"


@example("updatePhysicalNetwork")
def _(stage):
    answered = yield {"id": stage["network.PhysicalNetwork"], "tags": ["fast"]}
    assert answered["tags"] == "fast"


@example("restartNetwork")
def _(stage):
    stage.machine()
    return {"id": stage["network.Network"], "cleanup": True}


@example("deleteNetwork")
def _(stage):
    return {"id": factories.make_network(stage.account, zone=stage["infra.Zone"])}
