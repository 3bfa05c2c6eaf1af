from storage.responses.images import (
    iso,
    isopermission,
    snapshot,
    template,
    templatepermission,
)
from storage.responses.offerings import diskoffering
from storage.responses.pools import imagestore, storagepool
from storage.responses.volumes import VOLUME_FIELDS, volume

__all__ = [
    "VOLUME_FIELDS",
    "diskoffering",
    "imagestore",
    "iso",
    "isopermission",
    "snapshot",
    "storagepool",
    "template",
    "templatepermission",
    "volume",
]
