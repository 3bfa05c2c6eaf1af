"""What an image file is, whatever it says it is (DESIGN R8)."""

import pytest

from agent.images.inspector import inspect
from agent.protocol import ImageRefused
from tests.unit.agent import images

MIB = 2**20


def test_honest_images_are_accepted_with_their_size(tmp_path):
    size = 8 * MIB
    assert inspect(images.qcow2(tmp_path / "a"), "QCOW2").virtual_bytes == size
    assert inspect(images.raw_disk(tmp_path / "b"), "RAW").virtual_bytes == MIB
    iso = images.iso(tmp_path / "c")
    assert inspect(iso, "ISO").virtual_bytes == iso.stat().st_size
    for image_format, name in (("vpc", "VHD"), ("vhdx", "VHDX"), ("vmdk", "VMDK")):
        path = tmp_path / name
        images.qemu_img("create", "-q", "-f", image_format, str(path), str(size))
        assert inspect(path, name).virtual_bytes >= size


def test_a_file_system_without_partitions_is_a_raw_disk(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"\1" * 4096 + b"\0" * MIB)
    assert inspect(path, "raw").format == "RAW"


def test_what_it_is_may_be_asked_without_a_claim(tmp_path):
    assert inspect(images.qcow2(tmp_path / "a"), "").format == "QCOW2"


@pytest.mark.parametrize(
    "make, why",
    [
        (lambda path: images.qcow2_over(path, "/etc/passwd"), "another file as its base"),
        (images.qcow2_with_data_file, "data in another file"),
    ],
)
def test_an_image_that_refers_to_other_files_is_refused(tmp_path, make, why):
    with pytest.raises(ImageRefused, match=why):
        inspect(make(tmp_path / "a"), "QCOW2")


def test_a_vmdk_that_is_only_a_description_is_refused(tmp_path):
    with pytest.raises(ImageRefused):
        inspect(images.vmdk_flat(tmp_path / "a"), "VMDK")


def test_a_raw_image_that_would_be_opened_as_qcow2_is_refused(tmp_path):
    with pytest.raises(ImageRefused, match="QCOW2 image, not RAW"):
        inspect(images.qcow2_over(tmp_path / "a", "/etc/shadow"), "RAW")


@pytest.mark.parametrize("wanted", ["QCOW2", "ISO", "VMDK"])
def test_another_format_than_claimed_is_named(tmp_path, wanted):
    with pytest.raises(ImageRefused, match=f"RAW image, not {wanted}"):
        inspect(images.raw_disk(tmp_path / "a"), wanted)


def test_two_formats_in_one_file_are_refused(tmp_path):
    path = images.iso(tmp_path / "a")
    head = images.qcow2(tmp_path / "b").read_bytes()[:512]
    with path.open("r+b") as file:
        file.write(head)
    with pytest.raises(ImageRefused, match="iso and qcow2 at once"):
        inspect(path, "ISO")


@pytest.mark.parametrize(
    "text", ["<!DOCTYPE html><html>", "\n  <HTML>", '<?xml version="1.0"?>', "\ufeff<html>"]
)
def test_a_web_page_is_called_one(tmp_path, text):
    path = tmp_path / "a"
    path.write_text(text)
    with pytest.raises(ImageRefused, match="web page"):
        inspect(path, "RAW")


def test_an_empty_file_and_a_json_text_are_refused(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"")
    with pytest.raises(ImageRefused, match="empty"):
        inspect(path, "RAW")
    path.write_text('{"error": "not found"}')
    with pytest.raises(ImageRefused, match="JSON"):
        inspect(path, "RAW")


def test_a_huge_disk_is_refused(tmp_path):
    path = images.qcow2_claiming(tmp_path / "a", 2**60)
    with pytest.raises(ImageRefused, match="unfolds to"):
        inspect(path, "QCOW2")
    with pytest.raises(ImageRefused, match="the most is 1 GiB"):
        inspect(images.qcow2_claiming(tmp_path / "b", 2**31), "QCOW2", 2**30)


def test_a_format_this_hypervisor_lacks_is_refused(tmp_path):
    with pytest.raises(ImageRefused, match="OVA images cannot run"):
        inspect(images.qcow2(tmp_path / "a"), "OVA")
