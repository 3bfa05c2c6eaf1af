"""The config drive as a guest finds it."""

import io

import pycdlib
import pytest

from agent import protocol as p
from agent.drivers.libvirt import configdrive

FILES = {
    "openstack/latest/meta_data.json": '{"name": "网站"}',
    "openstack/latest/user_data": "#!/bin/sh\n",
    "cloudstack/metadata/local-hostname.txt": "web-1",
}


def read(path, name: str, view: str) -> str:
    iso = pycdlib.PyCdlib()
    iso.open(str(path))
    try:
        out = io.BytesIO()
        iso.get_file_from_iso_fp(out, **{view: f"/{name}"})
        return out.getvalue().decode()
    finally:
        iso.close()


@pytest.mark.parametrize("view", ["joliet_path", "rr_path"])
def test_every_file_is_there_under_both_kinds_of_names(tmp_path, view):
    path = tmp_path / "c.iso"
    configdrive.write(path, p.ConfigDrive(FILES))
    assert {name: read(path, name, view) for name in FILES} == FILES


def test_the_label_is_the_one_guests_look_for(tmp_path):
    path = tmp_path / "c.iso"
    configdrive.write(path, p.ConfigDrive(FILES))
    assert path.read_bytes()[16 * 2048 + 40 :][:32].strip() == b"config-2"


def test_only_the_hypervisor_may_read_it_and_no_part_stays(tmp_path):
    path = tmp_path / "c.iso"
    configdrive.write(path, p.ConfigDrive(FILES))
    assert path.stat().st_mode & 0o077 == 0
    assert [entry.name for entry in tmp_path.iterdir()] == ["c.iso"]


@pytest.mark.parametrize("name", ["/etc/passwd", "../x", "a/../b", "", "a\nb", "名", "x" * 65])
def test_paths_that_leave_the_disk_are_refused(tmp_path, name):
    with pytest.raises(p.OperationFailed):
        configdrive.write(tmp_path / "c.iso", p.ConfigDrive({name: "x"}))
    assert list(tmp_path.iterdir()) == []


def test_too_much_text_is_refused(tmp_path):
    with pytest.raises(p.OperationFailed, match="more than"):
        configdrive.write(tmp_path / "c.iso", p.ConfigDrive({"a": "x" * (5 * 2**20)}))
