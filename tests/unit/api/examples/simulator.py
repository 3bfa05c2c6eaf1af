"""Simulated hosts told to misbehave."""

from tests.unit.api.examples import example


@example("configureSimulator", effect="the simulator keeps it, not the database")
def _(stage):
    answered = yield {
        "name": "StopCommand", "value": "wait:0;result:fail", "count": 2,
        "zoneid": stage["infra.Zone"], "hostid": stage["infra.Host"],
    }  # fmt: skip
    assert (answered["count"], answered["hostid"]) == (2, str(stage["infra.Host"].uuid))
    assert [mock.left for mock in stage.sim.mocks.all()] == [2]


@example("querySimulatorMock")
def _(stage):
    made = stage.ask("configureSimulator", name="PingCommand", value="wait:1")
    answered = yield {"id": made["id"]}
    assert (answered["name"], answered["value"]) == ("PingCommand", "wait:1")


@example("cleanupSimulatorMock", effect="the simulator forgets it")
def _(stage):
    made = stage.ask("configureSimulator", name="PingCommand", value="wait:1")
    yield {"id": made["id"]}
    assert not stage.sim.mocks.all()
