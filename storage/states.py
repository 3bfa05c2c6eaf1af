"""Which state follows which, per kind of thing; names and moves are CloudStack's."""

from __future__ import annotations

from enum import StrEnum


class Volumes(StrEnum):
    ALLOCATED = "Allocated"
    CREATING = "Creating"
    READY = "Ready"
    MIGRATING = "Migrating"
    SNAPSHOTTING = "Snapshotting"
    REVERTING = "RevertSnapshotting"
    RESIZING = "Resizing"
    EXPUNGING = "Expunging"
    EXPUNGED = "Expunged"
    DESTROY = "Destroy"
    COPYING = "Copying"
    ATTACHING = "Attaching"
    RESTORING = "Restoring"


class VolumeEvent(StrEnum):
    CREATE = "CreateRequested"
    DONE = "OperationSucceeded"
    FAILED = "OperationFailed"
    RESIZE = "ResizeRequested"
    SNAPSHOT = "SnapshotRequested"
    REVERT = "RevertSnapshotRequested"
    ATTACH = "AttachRequested"
    MIGRATE = "MigrationRequested"
    DESTROY = "DestroyRequested"
    RECOVER = "RecoverRequested"
    EXPUNGE = "ExpungingRequested"
    RESTORE = "RestoreRequested"
    RESTORED = "RestoreSucceeded"
    NOT_RESTORED = "RestoreFailed"
    # Ours: CloudStack recovers a disk that never had a file to Ready, which is not true.
    RECOVER_EMPTY = "RecoverAllocated"
    UNMAKE = "CreateUndone"  # the job that made the file is unwound


_V, _VE = Volumes, VolumeEvent

#: While one of these, a job works on the volume; it ends in Ready whatever comes of it.
_THERE_AND_BACK = {
    _VE.RESIZE: _V.RESIZING,
    _VE.SNAPSHOT: _V.SNAPSHOTTING,
    _VE.REVERT: _V.REVERTING,
    _VE.ATTACH: _V.ATTACHING,
    _VE.MIGRATE: _V.MIGRATING,
}

VOLUME: dict[tuple[str, str], str] = {
    (_V.ALLOCATED, _VE.CREATE): _V.CREATING,
    (_V.CREATING, _VE.CREATE): _V.CREATING,
    (_V.CREATING, _VE.DONE): _V.READY,
    (_V.CREATING, _VE.FAILED): _V.ALLOCATED,
    (_V.ALLOCATED, _VE.DESTROY): _V.DESTROY,
    (_V.CREATING, _VE.DESTROY): _V.DESTROY,
    (_V.READY, _VE.DESTROY): _V.DESTROY,
    (_V.CREATING, _VE.UNMAKE): _V.ALLOCATED,
    (_V.READY, _VE.UNMAKE): _V.ALLOCATED,
    (_V.DESTROY, _VE.RECOVER): _V.READY,
    (_V.DESTROY, _VE.RECOVER_EMPTY): _V.ALLOCATED,
    (_V.DESTROY, _VE.EXPUNGE): _V.EXPUNGING,
    (_V.EXPUNGING, _VE.EXPUNGE): _V.EXPUNGING,
    (_V.EXPUNGING, _VE.DONE): _V.EXPUNGED,
    (_V.EXPUNGING, _VE.FAILED): _V.DESTROY,
    (_V.READY, _VE.RESTORE): _V.RESTORING,
    (_V.RESTORING, _VE.RESTORED): _V.READY,
    (_V.RESTORING, _VE.NOT_RESTORED): _V.READY,
    **{(_V.READY, event): busy for event, busy in _THERE_AND_BACK.items()},
    **{(busy, _VE.DONE): _V.READY for busy in _THERE_AND_BACK.values()},
    **{(busy, _VE.FAILED): _V.READY for busy in _THERE_AND_BACK.values()},
}


class Snapshots(StrEnum):
    ALLOCATED = "Allocated"
    CREATING = "Creating"
    BACKED_UP = "BackedUp"
    COPYING = "Copying"
    DESTROYING = "Destroying"
    DESTROYED = "Destroyed"
    ERROR = "Error"


class SnapshotEvent(StrEnum):
    CREATE = "CreateRequested"
    # CloudStack's name for “taken straight to the store, there is nothing to back up”.
    TAKEN = "OperationNotPerformed"
    COPY = "CopyingRequested"
    DESTROY = "DestroyRequested"
    DONE = "OperationSucceeded"
    FAILED = "OperationFailed"


_S, _SE = Snapshots, SnapshotEvent

SNAPSHOT: dict[tuple[str, str], str] = {
    (_S.ALLOCATED, _SE.CREATE): _S.CREATING,
    (_S.CREATING, _SE.TAKEN): _S.BACKED_UP,
    (_S.CREATING, _SE.FAILED): _S.ERROR,
    (_S.BACKED_UP, _SE.COPY): _S.COPYING,
    (_S.COPYING, _SE.DONE): _S.BACKED_UP,
    (_S.COPYING, _SE.FAILED): _S.BACKED_UP,
    (_S.BACKED_UP, _SE.DESTROY): _S.DESTROYING,
    (_S.ERROR, _SE.DESTROY): _S.DESTROYING,
    (_S.DESTROYING, _SE.DESTROY): _S.DESTROYING,
    (_S.DESTROYING, _SE.DONE): _S.DESTROYED,
    (_S.DESTROYING, _SE.FAILED): _S.BACKED_UP,
}


class Copies(StrEnum):
    """A template's file on one store or one pool (ObjectInDataStore)."""

    ALLOCATED = "Allocated"
    CREATING = "Creating"
    READY = "Ready"
    COPYING = "Copying"
    DESTROYING = "Destroying"
    DESTROYED = "Destroyed"
    FAILED = "Failed"


class CopyEvent(StrEnum):
    CREATE = "CreateOnlyRequested"
    DONE = "OperationSuccessed"  # spelled so by CloudStack
    FAILED = "OperationFailed"
    DESTROY = "DestroyRequested"


_C, _CE = Copies, CopyEvent

#: CloudStack passes through Allocated on the way from Creating to Failed; nobody sees that.
COPY: dict[tuple[str, str], str] = {
    (_C.ALLOCATED, _CE.CREATE): _C.CREATING,
    (_C.FAILED, _CE.CREATE): _C.CREATING,
    (_C.ALLOCATED, _CE.FAILED): _C.FAILED,
    (_C.CREATING, _CE.DONE): _C.READY,
    (_C.CREATING, _CE.FAILED): _C.FAILED,
    (_C.ALLOCATED, _CE.DESTROY): _C.DESTROYING,
    (_C.READY, _CE.DESTROY): _C.DESTROYING,
    (_C.FAILED, _CE.DESTROY): _C.DESTROYING,
    (_C.DESTROYING, _CE.DESTROY): _C.DESTROYING,
    (_C.DESTROYING, _CE.DONE): _C.DESTROYED,
}


class Templates(StrEnum):
    ACTIVE = "Active"
    INACTIVE = "Inactive"


class TemplateEvent(StrEnum):
    DELETE = "DeleteRequested"
    KEEP = "DeleteFailed"


#: The readiness of a template is its copies'; the template itself only lives and ends.
TEMPLATE: dict[tuple[str, str], str] = {
    (Templates.ACTIVE, TemplateEvent.DELETE): Templates.INACTIVE,
    (Templates.INACTIVE, TemplateEvent.KEEP): Templates.ACTIVE,
}


class Pools(StrEnum):
    CREATING = "Creating"
    UP = "Up"
    DISABLED = "Disabled"
    PREPARING_MAINTENANCE = "PrepareForMaintenance"
    MAINTENANCE = "Maintenance"
    ENDING_MAINTENANCE = "CancelMaintenance"
    MAINTENANCE_FAILED = "ErrorInMaintenance"
    REMOVED = "Removed"


class PoolEvent(StrEnum):
    PREPARED = "Prepared"
    FAILED = "Failed"
    ENABLE = "Enable"
    DISABLE = "Disable"
    MAINTAIN = "PrepareForMaintenance"
    MAINTAINED = "Maintained"
    END_MAINTENANCE = "CancelMaintenance"
    RESUMED = "Resumed"
    REMOVE = "Remove"
    KEEP = "Keep"


_P, _PE = Pools, PoolEvent

POOL: dict[tuple[str, str], str] = {
    (_P.CREATING, _PE.PREPARED): _P.UP,
    (_P.CREATING, _PE.FAILED): _P.REMOVED,
    (_P.UP, _PE.DISABLE): _P.DISABLED,
    (_P.DISABLED, _PE.ENABLE): _P.UP,
    (_P.UP, _PE.MAINTAIN): _P.PREPARING_MAINTENANCE,
    (_P.DISABLED, _PE.MAINTAIN): _P.PREPARING_MAINTENANCE,
    (_P.MAINTENANCE_FAILED, _PE.MAINTAIN): _P.PREPARING_MAINTENANCE,
    (_P.PREPARING_MAINTENANCE, _PE.MAINTAINED): _P.MAINTENANCE,
    (_P.PREPARING_MAINTENANCE, _PE.FAILED): _P.MAINTENANCE_FAILED,
    (_P.MAINTENANCE, _PE.END_MAINTENANCE): _P.ENDING_MAINTENANCE,
    (_P.MAINTENANCE_FAILED, _PE.END_MAINTENANCE): _P.ENDING_MAINTENANCE,
    (_P.ENDING_MAINTENANCE, _PE.RESUMED): _P.UP,
    (_P.ENDING_MAINTENANCE, _PE.FAILED): _P.MAINTENANCE,
    (_P.UP, _PE.REMOVE): _P.REMOVED,
    (_P.DISABLED, _PE.REMOVE): _P.REMOVED,
    (_P.MAINTENANCE, _PE.REMOVE): _P.REMOVED,
    (_P.MAINTENANCE_FAILED, _PE.REMOVE): _P.REMOVED,
    # A removal that the hosts refused leaves the pool unused, for a person to look at.
    (_P.REMOVED, _PE.KEEP): _P.MAINTENANCE,
}


class Stores(StrEnum):
    CREATING = "Creating"
    READY = "Ready"
    REMOVED = "Removed"


class StoreEvent(StrEnum):
    PREPARED = "Prepared"
    FAILED = "Failed"
    REMOVE = "Remove"


STORE: dict[tuple[str, str], str] = {
    (Stores.CREATING, StoreEvent.PREPARED): Stores.READY,
    (Stores.CREATING, StoreEvent.FAILED): Stores.REMOVED,
    (Stores.READY, StoreEvent.REMOVE): Stores.REMOVED,
}
