from storage.commands import (
    capacity,
    isos,
    metrics,
    offerings,
    pools,
    snapshots,
    stores,
    templates,
    volumes,
)

__all__ = [
    "capacity",
    "isos",
    "metrics",
    "offerings",
    "pools",
    "snapshots",
    "stores",
    "templates",
    "volumes",
]
