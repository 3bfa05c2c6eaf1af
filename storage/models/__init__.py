from storage.models.images import (
    ImageStore,
    PoolTemplate,
    Snapshot,
    Template,
    TemplateCopy,
    TemplatePermission,
)
from storage.models.offerings import DiskOffering
from storage.models.pools import StoragePool
from storage.models.volumes import Volume

__all__ = [
    "DiskOffering",
    "ImageStore",
    "PoolTemplate",
    "Snapshot",
    "StoragePool",
    "Template",
    "TemplateCopy",
    "TemplatePermission",
    "Volume",
]
