"""Bringing secondary stores up and taking them down."""

from __future__ import annotations

import contextlib

from django.db import transaction
from django.utils import timezone

from agent import protocol as p
from core.steps import Run, Step, plan
from infra import agents
from infra.models import Host
from infra.services.alerts import AlertType, raise_alert
from storage import states
from storage.models import ImageStore
from storage.services import builtin, reach


@plan()
def bring_up(store: ImageStore) -> list[Step]:
    return [Step(prepare_store, undo=remove_store), Step(mark_ready)]


def prepare_store(run: Run, store: ImageStore) -> dict[str, int]:
    hosts = Host.objects.filter(zone=store.zone) if store.zone else Host.objects.all()
    reach.await_hosts(hosts, f"image store {store}")
    host = reach.host_for_store(store.zone)
    stats = agents.call(host, "store.prepare", p.PrepareStore(reach.store_ref(store)), run)
    return {"capacity_bytes": stats.capacity_bytes, "used_bytes": stats.used_bytes}


def remove_store(store: ImageStore) -> None:
    store.refresh_from_db()
    if store.removed:
        return
    with transaction.atomic():
        raise_alert(
            AlertType.STORAGE_MISC, store, f"Image store {store} could not be added",
            f"No host could prepare {store.path}; its job says why.",
        )  # fmt: skip
        if store.state == states.Stores.CREATING:
            store.apply(states.StoreEvent.FAILED)
        store.remove()


def mark_ready(run: Run, store: ImageStore) -> None:
    store.refresh_from_db()
    if store.state == states.Stores.CREATING:
        store.apply(
            states.StoreEvent.PREPARED, measured=timezone.now(), **run.results["prepare_store"]
        )
    builtin.provide(store)


@plan(cancellable=False)
def take_down(store: ImageStore, *, files: list[str] | None = None) -> list[Step]:
    return [Step(delete_files, patience_s=60), Step(forget_store)]


def delete_files(run: Run, store: ImageStore, files: list[str] | None = None) -> None:
    """Built-in templates' files; without a host to do it they stay, as the folder does."""
    with contextlib.suppress(p.HostUnavailable):
        for name in files or []:
            wanted = p.DeleteImage(p.StorePath(reach.store_ref(store), name))
            agents.call(reach.host_for_store(store.zone), "image.delete", wanted, run)


def forget_store(store: ImageStore) -> None:
    """The folder stays: it is the operator's, and nothing of ours is left in it."""
    store.refresh_from_db()
    if not store.removed:
        store.remove()
