"""Pools with how full they are."""

from __future__ import annotations

from core.commands import ADMIN, listing, renamed
from storage.commands.pools import listStoragePools
from storage.models import StoragePool
from storage.responses.metrics import storagepoolmetrics

listing(StoragePool, response=storagepoolmetrics, roles=ADMIN, keyword=("name", "path"))(
    renamed(
        listStoragePools, "listStoragePoolsMetrics", "Lists storage pools with how full they are."
    )
)
