"""What a state looks like: one of five tones, an icon and a word. Never colour alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


@dataclass(frozen=True)
class Look:
    tone: str  # good, idle, busy, warn, bad
    icon: str
    word: Any
    known: bool = True


def _looks(tone: str, icon: str, **words: Any) -> dict[str, Look]:
    return {key: Look(tone, icon, word) for key, word in words.items()}


STATES: dict[str, Look] = {
    **_looks(
        "good", "circle-filled", running=_("Running"), up=_("Up"), ready=_("Ready"),
        enabled=_("Enabled"), active=_("Active"), allocated=_("Allocated"),
        implemented=_("Implemented"), setup=_("Set up"), backedup=_("Backed up"),
        completed=_("Completed"), done=_("Done"), on=_("On"), connected=_("Connected"),
        managed=_("Managed"), attached=_("Attached"), available=_("Available"),
        downloaded=_("Downloaded"), downloadcomplete=_("Downloaded"),
        powerrunning=_("Running"), poweron=_("On"),
        info=_("Information"), allow=_("Allow"), free=_("Free"), resolved=_("Resolved"),
    ),
    **_looks(
        "idle", "circle", stopped=_("Stopped"), disabled=_("Disabled"), inactive=_("Inactive"),
        destroyed=_("Destroyed"), expunged=_("Expunged"),
        unmanaged=_("Unmanaged"), off=_("Off"), removed=_("Removed"), cancelled=_("Cancelled"),
        shutdown=_("Shut down"), notready=_("Not ready"), archived=_("Archived"),
        poweroff=_("Off"), powerunknown=_("Unknown"), unknown=_("Unknown"),
        pending=_("Waiting"), undone=_("Undone"), deny=_("Deny"), locked=_("Locked"),
        uninitialized=_("Uninitialized"), destroy=_("Destroyed"), suspended=_("Suspended"),
        reserved=_("Reserved"), declined=_("Declined"), expired=_("Expired"),
    ),
    **_looks("idle", "clock", scheduled=_("Scheduled"), started=_("Started")),
    **_looks(
        "busy", "loader-2", starting=_("Starting"), stopping=_("Stopping"),
        migrating=_("Migrating"), expunging=_("Expunging"), restoring=_("Restoring"),
        creating=_("Creating"), connecting=_("Connecting"), allocating=_("Allocating"),
        attaching=_("Attaching"), detaching=_("Detaching"), resizing=_("Resizing"),
        snapshotting=_("Taking a snapshot"), backingup=_("Backing up"), copying=_("Copying"),
        destroying=_("Deleting"), deleting=_("Deleting"), implementing=_("Setting up"),
        initialized=_("Initialized"), initializing=_("Initializing"),
        downloadinprogress=_("Downloading"), downloading=_("Downloading"),
        uploading=_("Uploading"),
        created=_("Created"), queued=_("Queued"), undoing=_("Undoing"),
        unwinding=_("Unwinding"), expunge=_("Expunging"), rebooting=_("Rebooting"),
        upgrading=_("Upgrading"), inprogress=_("In progress"),
        preparing=_("Preparing"), working=_("Working"), createdonprimary=_("Created"),
        prepareformaintenance=_("Preparing for maintenance"), reverting=_("Reverting"),
        waiting=_("Waiting"), preparingformaintenance=_("Preparing for maintenance"),
        preparingforshutdown=_("Preparing to stop"), shuttingdown=_("Stopping"),
        acknowledged=_("Taken on"),
    ),
    **_looks("idle", "circle-check", readytoshutdown=_("Can be stopped")),
    **_looks(
        "warn", "alert-triangle", alert=_("Alert"), disconnected=_("Disconnected"),
        maintenance=_("Maintenance"), degraded=_("Degraded"), warn=_("Warning"),
        errorinmaintenance=_("Error in maintenance"), rebalancing=_("Rebalancing"),
        abandoned=_("Abandoned"), rescheduling=_("Rescheduling"), open=_("Open"),
    ),
    **_looks(
        "bad", "alert-circle", down=_("Down"), error=_("Error"), failed=_("Failed"),
        powerpaused=_("Paused"),
        uploaderror=_("Upload failed"), uploadabandoned=_("Upload abandoned"),
        downloaderror=_("Download failed"), migratefailed=_("Migration failed"),
        unmanagedfailed=_("Failed"), destroyfailed=_("Deletion failed"),
        expungefailed=_("Failed"), incomplete=_("Incomplete"), refused=_("Refused"),
    ),
}  # fmt: skip


def look(state: Any) -> Look:
    """The look of a state as the API names it; one we do not know is shown as it is."""
    key = str(state or "").replace(" ", "").replace("_", "").replace("-", "").lower()
    return STATES.get(key) or Look("idle", "circle", str(state or "–"), known=False)


#: CloudStack's job states by number.
JOB_STATES = {0: "Working", 1: "Done", 2: "Failed", 3: "Cancelled"}

#: Other words of the API that people should read in their own language.
WORDS: dict[str, Any] = {
    "root": _("Root disk"),
    "datadisk": _("Data disk"),
    "manual": _("Manual"),
    "recurring": _("Recurring"),
    "native": _("Password"),
    "basic": _("Basic"),
    "advanced": _("Advanced"),
    "shared": _("Shared"),
    "local": _("Local"),
    "thin": _("Thin"),
    "sparse": _("Sparse"),
    "fat": _("Full"),
    "vnc": _("Screen"),
    "serial": _("Serial"),
    "guest": _("Guest"),
    "management": _("Management"),
    "public": pgettext_lazy("traffic", "Public"),
    "storage": _("Storage"),
    "host": _("Host"),
    "cluster": _("Cluster"),
    "pod": _("Pod"),
    "zone": _("Zone"),
    "optional": _("Optional"),
    "required": _("Required"),
    "none": _("None"),
    "writeback": _("Write-back"),
    "writethrough": _("Write-through"),
}


def word(value: Any) -> Any:
    """A value of an enumeration, in words."""
    return WORDS.get(str(value).lower()) or look(value).word
