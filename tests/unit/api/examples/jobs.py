"""Jobs, events and troubles."""

from agent.drivers.world import SimFile
from jobs import events, troubles
from tests.unit.api.examples import example
from tests.unit.api.examples.compute import deployable


@example("cancelAsyncJob", role="User", effect="marks the job, which is a record itself")
def _(stage):
    given = {**deployable(stage), "networkids": [stage["network.Network"]]}
    begun = stage.send("deployVirtualMachine", given)
    answered = yield {"jobid": stage.body(begun)["jobid"]}
    ended = stage.job(answered["jobid"])
    assert ended["jobresult"]["errortext"] == "The job was cancelled."


@example("archiveEvents", effect="events are the record itself; the check looks at them")
def _(stage):
    event = events.record("VM.START", "started", account=stage.account)
    yield {"ids": [event]}
    event.refresh_from_db()
    assert event.archived


@example("deleteEvents", effect="events are the record itself; the check looks at them")
def _(stage):
    event = events.record("VM.START", "started", account=stage.account)
    yield {"ids": [event]}
    assert not type(event).objects.filter(pk=event.pk).exists()


@example("repairTrouble")
def _(stage):
    pool = stage["storage.StoragePool"]
    trouble = troubles.open_trouble(
        "leftovers", pool, "A file that nobody knows.", evidence={"files": ["left.qcow2"]},
        repair="storage.delete_leftovers",
    )  # fmt: skip
    stage.sim.ledger.put("files", str(pool.uuid), "left.qcow2", SimFile(2**20))
    yield {"id": trouble}
    assert not stage.sim.ledger.group("files", str(pool.uuid))
