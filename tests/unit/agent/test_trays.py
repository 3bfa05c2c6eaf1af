"""A drive whose tray the guest shuts while its CD is changed."""

import xml.etree.ElementTree as ET

import pytest

from agent.drivers.libvirt import devices

SHUT = "unable to execute QEMU command 'blockdev-remove-medium': Tray of device 'ide0' is not open"


class Drive:
    def __init__(self, *troubles: str) -> None:
        self.troubles, self.tries = list(troubles), 0

    def updateDeviceFlags(self, described: str, flags: int) -> None:  # noqa: N802
        self.tries += 1
        if self.troubles:
            raise devices.libvirt.libvirtError(self.troubles.pop(0))


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(devices, "TRAY_AGAIN_S", 0)


def lay_in(drive: Drive) -> None:
    devices._lay_in(drive, ET.fromstring("<disk device='cdrom'/>"))


def test_a_tray_that_was_shut_is_opened_again():
    drive = Drive(SHUT, SHUT)
    lay_in(drive)
    assert drive.tries == 3


def test_a_tray_that_stays_shut_is_told():
    drive = Drive(*[SHUT] * 100)
    with pytest.raises(devices.libvirt.libvirtError, match="is not open"):
        lay_in(drive)
    assert drive.tries == devices.TRAY_TRIES


def test_another_trouble_is_told_at_once():
    drive = Drive("no such file")
    with pytest.raises(devices.libvirt.libvirtError, match="no such file"):
        lay_in(drive)
    assert drive.tries == 1
