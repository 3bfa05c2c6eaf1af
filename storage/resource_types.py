"""The kinds of things of this context."""

from accounts.pinned.types import register
from storage.models import DiskOffering, ImageStore, Snapshot, StoragePool, Template, Volume

register("Template", Template, kind="TEMPLATE")
register("ISO", Template, kind="ISO")
register("Volume", Volume)
register("Snapshot", Snapshot)
register("Storage", StoragePool, entity="PRIMARY_STORAGE", also=("StoragePool",))
register("ImageStore", ImageStore, entity="SECONDARY_STORAGE")
register("DiskOffering", DiskOffering)
