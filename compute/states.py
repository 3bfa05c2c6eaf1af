"""The states of a virtual machine and what moves it between them, in CloudStack's words."""

from __future__ import annotations


class VmState:
    """``Error`` is a machine whose deployment failed: it holds nothing and waits to be expunged.

    ``Expunging`` with ``removed`` set is the end: the row stays for history only.
    """

    STARTING = "Starting"
    RUNNING = "Running"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    DESTROYED = "Destroyed"
    EXPUNGING = "Expunging"
    MIGRATING = "Migrating"
    ERROR = "Error"
    UNKNOWN = "Unknown"
    RESTORING = "Restoring"


class VmEvent:
    START = "START"
    STARTED = "STARTED"
    STOP = "STOP"
    STOPPED = "STOPPED"
    FAILED = "FAILED"
    REBOOTED = "REBOOTED"
    DESTROY = "DESTROY"
    RECOVER = "RECOVER"
    EXPUNGE = "EXPUNGE"
    EXPUNGED = "EXPUNGED"
    CREATION_FAILED = "CREATION_FAILED"
    REINSTALL = "REINSTALL"
    REINSTALLED = "REINSTALLED"
    SEEN_ON = "SEEN_ON"  # the hypervisor says it runs, and nobody of ours is working on it
    SEEN_OFF = "SEEN_OFF"  # … that it is off or gone


_S, _E = VmState, VmEvent

#: (state, event) → state.
TRANSITIONS = {
    (_S.STOPPED, _E.START): _S.STARTING,
    (_S.STARTING, _E.STARTED): _S.RUNNING,
    (_S.STARTING, _E.FAILED): _S.STOPPED,
    (_S.RUNNING, _E.STOP): _S.STOPPING,
    (_S.STOPPING, _E.STOPPED): _S.STOPPED,
    (_S.STOPPING, _E.FAILED): _S.RUNNING,
    (_S.RUNNING, _E.REBOOTED): _S.RUNNING,
    (_S.STOPPED, _E.DESTROY): _S.DESTROYED,
    (_S.DESTROYED, _E.RECOVER): _S.STOPPED,
    (_S.DESTROYED, _E.EXPUNGE): _S.EXPUNGING,
    (_S.ERROR, _E.EXPUNGE): _S.EXPUNGING,
    (_S.EXPUNGING, _E.EXPUNGED): _S.EXPUNGING,
    (_S.STARTING, _E.CREATION_FAILED): _S.ERROR,
    (_S.STOPPED, _E.CREATION_FAILED): _S.ERROR,
    (_S.STOPPED, _E.REINSTALL): _S.RESTORING,
    (_S.RESTORING, _E.REINSTALLED): _S.STOPPED,
    (_S.RESTORING, _E.FAILED): _S.STOPPED,
    (_S.RUNNING, _E.SEEN_OFF): _S.STOPPED,
    (_S.STARTING, _E.SEEN_OFF): _S.STOPPED,
    (_S.STOPPING, _E.SEEN_OFF): _S.STOPPED,
    (_S.STOPPED, _E.SEEN_ON): _S.RUNNING,
    (_S.STARTING, _E.SEEN_ON): _S.RUNNING,
    (_S.STOPPING, _E.SEEN_ON): _S.RUNNING,
}

#: States in which a job must be at work; without one the reconciler steps in.
TRANSITIONAL = (_S.STARTING, _S.STOPPING, _S.EXPUNGING, _S.MIGRATING, _S.RESTORING)

#: States that are gone in a tenant's eyes unless ``allow.user.view.destroyed.vm``.
GONE = (_S.DESTROYED, _S.EXPUNGING)


class Power:
    ON = "PowerOn"
    OFF = "PowerOff"
    UNKNOWN = "PowerUnknown"
    MISSING = "PowerReportMissing"
