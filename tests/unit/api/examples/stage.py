"""Where an example plays: a tenant's things on simulated hosts, and a client that signs."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import Model
from django.test import Client

from accounts.models import Account, User
from accounts.resources import Resource
from accounts.services import keys, limits
from agent import protocol as p
from agent.drivers.world import SimFile
from agent.operations import World as Simulated
from api import signature, wire
from core.commands import COMMANDS
from infra import agents
from jobs.worker import run_everything
from storage.models import Snapshot, Volume
from storage.services import reach
from tests import factories
from tests.unit.api.world import World, _cloud

ADDRESS = "/client/api"


class Stage(World):
    """A ``World`` whose disks, images and machines are really there."""

    def __init__(self, account: Account, user: User, sim: Simulated) -> None:
        super().__init__(account)
        self.sim = sim
        self.user = user
        self.key, self.secret = keys.register(user)
        self.http = Client()

    def __getitem__(self, label: str) -> Any:
        if label not in self._rows and label in _REAL:
            self._rows[label] = _REAL[label](self)
        return super().__getitem__(label)

    @property
    def caller(self) -> Any:
        return factories.caller_of(self.user)

    # -- calls -----------------------------------------------------------------------------

    def send(self, command: str, given: dict[str, Any]) -> Any:
        """The HTTP response to a signed POST (an anonymous command goes without signature)."""
        sent = {"command": command, "response": "json", **flat(given)}
        if not COMMANDS[command].anonymous:
            sent["apiKey"] = self.key
            sent["signature"] = signature.signature_of(self.secret, sent)
        return self.http.post(ADDRESS, sent)

    def ask(self, command: str, **given: Any) -> Any:
        """What the command answered, with all jobs done: a record, or a list of records."""
        return self.answer(command, self.body(self.send(command, given)))

    def body(self, response: Any) -> dict[str, Any]:
        assert response.status_code == 200, response.json()
        (body,) = response.json().values()
        return body

    def answer(self, command: str, body: dict[str, Any]) -> Any:
        shape = wire.shape(command)
        run_everything()
        if shape.is_async:
            job = self.job(body["jobid"])
            assert job["jobstatus"] == 1, job
            body = job["jobresult"]
        if shape.is_list and not shape.is_async:
            return body.get(shape.key, [])
        return body.get(shape.key, body) if shape.key else body

    def job(self, jobid: str) -> dict[str, Any]:
        """The flat reply about a job."""
        return self.body(self.send("queryAsyncJobResult", {"jobid": jobid}))

    # -- things ----------------------------------------------------------------------------

    def image(self, store: Model, name: str, size_bytes: int, form: str = "QCOW2") -> None:
        info = p.ImageInfo(size_bytes, 300_000, form, "{SHA-512}" + "0" * 128)
        self.sim.ledger.put("images", store.path, name, info)

    def volume(self, **fields: Any) -> Volume:
        """A Ready volume with its file, counted as a real one is."""
        made = factories.make_volume(self.account, pool=self["storage.StoragePool"], **fields)
        counted = {Resource.VOLUME: 1, Resource.PRIMARY_STORAGE: made.size_bytes}
        limits.reserve(made.account, counted)
        Volume.objects.filter(pk=made.pk).update(counted=True, counted_bytes=made.size_bytes)
        made.refresh_from_db()
        self.sim.ledger.put("files", str(made.pool.uuid), made.path, SimFile(made.size_bytes))
        return made

    def machine(self, state: str = "Running", **fields: Any) -> Any:
        more = {"network": self["network.Network"], **fields}
        return factories.make_vm(
            state, account=self.account, cloud=_cloud(self), world=self.sim, **more
        )

    def template(self, **fields: Any) -> Any:
        """A template whose copy in the store is whole."""
        store = self["storage.ImageStore"]
        made = factories.make_template(self.account, store=store, **fields)
        copy = made.copies.get()
        self.image(store, copy.name, made.size_bytes, made.format)
        return made

    def iso(self, **fields: Any) -> Any:
        return self.template(kind="ISO", **fields)


def _pool(stage: Stage) -> Any:
    pool = factories.make_pool(cluster=stage["infra.Cluster"])
    reference = p.PreparePool(reach.pool_ref(pool))
    agents.call(stage["infra.Host"], "pool.prepare", reference)
    return pool


def _store(stage: Stage) -> Any:
    store = factories.make_store(stage["infra.Zone"])
    agents.call(stage["infra.Host"], "store.prepare", p.PrepareStore(reach.store_ref(store)))
    return store


def _snapshot(stage: Stage) -> Snapshot:
    volume = stage["storage.Volume"]
    made = factories.make_snapshot(volume, store=stage["storage.ImageStore"])
    stage.image(made.store, made.path, volume.size_bytes)
    return made


#: Model label → how it is made here, with its bytes on the simulated hosts.
_REAL = {
    "storage.StoragePool": _pool,
    "storage.ImageStore": _store,
    "storage.Template": lambda s: s.template(),
    "storage.Volume": lambda s: s.volume(),
    "storage.Snapshot": _snapshot,
    "compute.VirtualMachine": lambda s: s.machine(),
}


def flat(given: dict[str, Any]) -> dict[str, str]:
    """Parameters as they go over the wire: maps as ``name[0].key``, lists with commas."""
    sent: dict[str, str] = {}
    for name, value in given.items():
        if isinstance(value, dict):
            value = [value]
        if isinstance(value, (list, tuple)) and value and isinstance(value[0], dict):
            for index, entry in enumerate(value):
                sent |= {f"{name}[{index}].{k}": _text(v) for k, v in entry.items()}
        elif value is not None:
            sent[name] = _text(value)
    return sent


def _text(value: Any) -> str:
    if isinstance(value, Model):
        return str(value.uuid)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return ",".join(_text(v) for v in value)
    return str(value) if isinstance(value, (str, int, float, uuid.UUID)) else value.isoformat()
