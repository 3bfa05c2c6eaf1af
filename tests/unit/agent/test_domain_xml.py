"""Domain XML: what a spec becomes, and what it refuses."""

import dataclasses
import xml.etree.ElementTree as ET

import pytest

from agent import protocol as p
from agent.drivers.libvirt import cgroups, xml

POOL = p.PoolRef("p", "Filesystem", "/pool")
SPEC = p.DomainSpec(
    uuid="3a5d1c9e-0000-4000-8000-000000000001", name="i-2-7-VM", vcpus=2, memory_mb=512,
    cpu_shares=1000, disks=(p.Disk(p.DiskRef(POOL, "root"), 0, serial="abc"),),
    nics=(p.Nic("02:00:4C:00:00:01", "cpbr1", 0, mtu=1450),),
)  # fmt: skip
SETTING = xml.Setting(
    accelerated=False, path_of=lambda disk: f"{disk.pool.path}/{disk.name}",
    installation="abcd", config_drive="/data/c.iso", serial_socket="/run/s.sock",
    serial_log="/data/s.log", vnc_password="secret12", shares=lambda wanted: wanted,
)  # fmt: skip


def rendered(spec=SPEC, setting=SETTING) -> ET.Element:
    return ET.fromstring(xml.render(spec, setting))


def changed(**changes) -> ET.Element:
    return rendered(dataclasses.replace(SPEC, **changes))


def test_the_same_spec_gives_the_same_text():
    assert xml.render(SPEC, SETTING) == xml.render(SPEC, SETTING)


def test_memory_cpus_and_shares():
    root = rendered()
    assert (root.findtext("memory"), root.find("memory").get("unit")) == ("512", "MiB")
    assert root.findtext("vcpu") == "2"
    assert root.findtext("cputune/shares") == "1000"
    assert changed(max_vcpus=4).find("vcpu").attrib == {"current": "2"}


def test_shares_are_left_out_where_cgroups_cannot():
    setting = dataclasses.replace(SETTING, shares=None)
    assert rendered(setting=setting).find("cputune") is None


def test_screen_and_serial_line_are_on_loopback_and_locked():
    root = rendered()
    graphics = root.find("devices/graphics")
    assert (graphics.get("listen"), graphics.get("passwd")) == ("127.0.0.1", "secret12")
    assert root.find("devices/serial/source").get("path") == "/run/s.sock"
    assert root.find("devices/serial/log").get("file") == "/data/s.log"


def test_a_pc_has_its_cds_on_ide_and_a_uefi_machine_on_scsi():
    def buses(root):
        disks = root.findall("devices/disk[@device='cdrom']/target")
        return [(t.get("dev"), t.get("bus")) for t in disks]

    assert buses(rendered()) == [("hdc", "ide"), ("hdd", "ide")]
    assert buses(changed(uefi=True)) == [("sdy", "scsi"), ("sdz", "scsi")]
    assert changed(uefi=True).find("os/type").get("machine") == "q35"


def test_secure_boot_and_tpm():
    root = changed(secure_boot=True, tpm=True)
    features = {f.get("name"): f.get("enabled") for f in root.findall("os/firmware/feature")}
    assert features == {"secure-boot": "yes", "enrolled-keys": "yes"}
    assert root.find("features/smm").get("state") == "on"
    assert root.find("devices/tpm/backend").get("version") == "2.0"


def test_kvm_is_used_only_where_it_works():
    assert rendered().get("type") == "qemu"
    assert rendered(setting=dataclasses.replace(SETTING, accelerated=True)).get("type") == "kvm"


@pytest.mark.parametrize(
    "bus, device_id, target",
    [("virtio", 0, "vda"), ("virtio", 4, "vde"), ("scsi", 1, "sdb"), ("ide", 1, "hdb")],
)
def test_a_disks_target_follows_its_device_number(bus, device_id, target):
    disk = p.Disk(p.DiskRef(POOL, "v"), device_id, bus=bus)
    assert xml.target_of(disk) == target


@pytest.mark.parametrize("bus, device_id", [("floppy", 0), ("virtio", 24), ("virtio", -1)])
def test_an_impossible_place_is_refused(bus, device_id):
    with pytest.raises(p.OperationFailed):
        xml.target_of(p.Disk(p.DiskRef(POOL, "v"), device_id, bus=bus))


def test_a_file_system_without_direct_io_gets_the_hosts_cache():
    setting = dataclasses.replace(SETTING, direct_io=lambda _path: False)
    assert rendered().find("devices/disk/driver").get("cache") == "none"
    assert rendered(setting=setting).find("devices/disk/driver").get("cache") == "writeback"


def test_throttles_appear_only_when_set():
    assert rendered().find("devices/disk/iotune") is None
    disk = dataclasses.replace(SPEC.disks[0], read_iops=200, write_bps=1000)
    tune = changed(disks=(disk,)).find("devices/disk/iotune")
    assert {child.tag: child.text for child in tune} == {
        "read_iops_sec": "200", "write_bytes_sec": "1000",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["<b>&\"'", "名字 😀", "a\nb\tc", "x\x00\x1b[31m\ud800"])
def test_a_title_in_any_script_is_text_and_nothing_else(name):
    root = changed(title=name, os_type=name)
    assert len(root.findall("title")) == 1
    assert "\n" not in root.findtext("title")
    assert root.findtext("name") == "i-2-7-VM"


@pytest.mark.parametrize(
    "changes",
    [
        {"nics": (p.Nic("02:00:4c:00:00:01", "br0'/><x", 0),)},
        {"nics": (p.Nic("02:00:4c:00:00:01", "br0", 0, model="<hostdev>"),)},
        {"disks": (p.Disk(p.DiskRef(POOL, "v"), 0, serial="a,b=c"),)},
        {"disks": (p.Disk(p.DiskRef(POOL, "v"), 0, cache="all"),)},
        {"uuid": "not-a-uuid"},
        {"vcpus": 0},
    ],
)
def test_values_no_machine_has_are_refused(changes):
    with pytest.raises(p.OperationFailed):
        changed(**changes)


@pytest.mark.parametrize("wanted, v1, v2", [(1024, 1024, 100), (1, 2, 1), (10**9, 262144, 10000)])
def test_shares_are_what_each_kind_of_cgroups_takes(monkeypatch, wanted, v1, v2):
    for is_v2, expected in ((False, v1), (True, v2)):
        monkeypatch.setattr(cgroups, "is_v2", lambda answer=is_v2: answer)
        assert cgroups.shares(wanted) == expected
