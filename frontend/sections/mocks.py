"""Buttons that have simulated hosts do something on purpose, and end it."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from frontend import mocks
from frontend.sections.base import Action, F, Form, Tab

#: What hosts are asked most, by CloudStack's names.
ASKED = (
    ("PingCommand", _("Say that it is there (PingCommand)")),
    ("StartupRoutingCommand", _("Say what it has (StartupRoutingCommand)")),
    ("GetHostStatsCommand", _("Say how busy it is (GetHostStatsCommand)")),
    ("StartCommand", _("Start an instance (StartCommand)")),
    ("StopCommand", _("Stop an instance (StopCommand)")),
    ("RebootCommand", _("Reboot an instance (RebootCommand)")),
    ("AttachVolumeCommand", _("Attach a volume (AttachVolumeCommand)")),
    ("PlugNicCommand", _("Plug in a network card (PlugNicCommand)")),
    ("CreateVolume", _("Create a volume (CreateVolume)")),
    ("ResizeVolumeCommand", _("Resize a volume (ResizeVolumeCommand)")),
    ("DestroyCommand", _("Delete a volume (DestroyCommand)")),
    ("CreateSnapshotCommand", _("Take a snapshot (CreateSnapshotCommand)")),
    ("DownloadCommand", _("Download an image (DownloadCommand)")),
    ("ModifyStoragePoolCommand", _("Prepare primary storage (ModifyStoragePoolCommand)")),
    ("SetupGuestNetworkCommand", _("Set up a guest network (SetupGuestNetworkCommand)")),
)

MOCKS_TAB = Tab(
    "mocks", _("Mocks"), "frontend/tabs/mocks.html", mocks.tab,
    needs="configureSimulator", when=mocks.simulates,
)  # fmt: skip


def mocking(param: str) -> tuple[Action, Action]:
    """Forms of the tab; ``param`` names the place that a new mock is for."""
    return (
        Action(
            "configureSimulator", _("New mock"), "flask", param=param, hidden=True,
            form=Form(
                (
                    F("name", label=_("When a host is asked to"), choices=ASKED, required=True),
                    F("value", label=_("What happens"), placeholder="wait:3;result:fail"),
                    "count",
                ),
                more=(F("jsonresponse", widget="textarea", placeholder='{"cpus": 96}'),),
            ),
        ),
        Action(
            "cleanupSimulatorMock", _("Delete the mock"), "trash", source="-", hidden=True,
            danger=True, form=Form((F("id", widget="hidden"),)),
            ask=_("The simulated hosts that it concerns behave again."),
        ),
    )  # fmt: skip
