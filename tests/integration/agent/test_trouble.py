"""Bad days: full disks, many starts at once, names that are taken."""

import dataclasses
import threading
from pathlib import Path

import pytest

from agent import protocol as p
from tests.integration.agent.conftest import quietly, run

pytestmark = pytest.mark.libvirt

MIB = 2**20


@pytest.fixture
def small_pool(rig, tmp_path):
    """A pool on a file system of 40 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    run("mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", str(folder))
    pool = p.PoolRef("33333333-0000-4000-8000-000000000003", "Filesystem", str(folder))
    rig.call("pool.prepare", p.PreparePool(pool))
    yield pool
    rig.clean_up()
    quietly("umount", str(folder))


def listing(pool: p.PoolRef) -> list[str]:
    return sorted(e.name for e in Path(pool.path).iterdir() if e.name[0] != "." or "part" in e.name)


def test_a_copy_that_does_not_fit_is_refused_and_leaves_nothing(rig, small_pool):
    filler = p.DiskRef(small_pool, "filler", "raw")
    wanted = p.CreateVolume(filler, 30 * MIB, provisioning="fat")
    rig.call("volume.create", wanted)
    with pytest.raises(p.NotEnoughSpace):
        rig.call("volume.install_template", p.InstallTemplate(
            rig.image(), p.DiskRef(small_pool, "base")))  # fmt: skip
    assert listing(small_pool) == ["filler"]


def test_a_disk_that_fills_up_in_the_middle_of_a_copy_leaves_nothing(rig, small_pool, monkeypatch):
    monkeypatch.setattr("agent.storage.directories._need_room", lambda *_: None)
    filler = p.DiskRef(small_pool, "filler", "raw")
    rig.call("volume.create", p.CreateVolume(filler, 30 * MIB, provisioning="fat"))
    base = p.DiskRef(small_pool, "base")
    with pytest.raises(p.NotEnoughSpace):
        rig.call("volume.install_template", p.InstallTemplate(rig.image(), base))
    assert listing(small_pool) == ["filler"]
    rig.call("volume.delete", p.VolumeRef(filler))
    rig.call("volume.install_template", p.InstallTemplate(rig.image(), base))


def test_a_fat_volume_that_does_not_fit_leaves_nothing(rig, small_pool):
    disk = p.DiskRef(small_pool, "fat", "raw")
    with pytest.raises(p.NotEnoughSpace):
        rig.call("volume.create", p.CreateVolume(disk, 100 * MIB, provisioning="fat"))
    assert listing(small_pool) == []


def test_many_guests_start_at_once(rig):
    specs = [rig.spec(memory_mb=64) for _ in range(6)]
    failures = []

    def start(spec):
        try:
            rig.started(spec)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=start, args=(spec,)) for spec in specs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert failures == []
    ports = {rig.call("domain.state", p.DomainRef(spec.uuid)).vnc_port for spec in specs}
    assert len(ports) == len(specs)


def test_a_name_that_another_domain_has_is_refused(rig):
    first = rig.started()
    second = rig.spec(name=first.name)
    with pytest.raises(p.OperationFailed, match=first.name):
        rig.call("domain.start", p.StartDomain(second))
    assert rig.leftovers(second) == []
    assert rig.power(first) == "PowerOn"


def test_starting_and_removing_the_same_domain_from_two_sides_ends_in_one_of_both(rig):
    spec = rig.spec()
    rig._started.append(spec.uuid)
    for _ in range(3):
        threads = [
            threading.Thread(target=rig.call, args=("domain.start", p.StartDomain(spec))),
            threading.Thread(target=rig.call, args=("domain.remove", p.RemoveDomain(spec.uuid))),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert rig.power(spec) in ("PowerOn", "PowerMissing")
    rig.call("domain.remove", p.RemoveDomain(spec.uuid))
    assert rig.leftovers(spec) == []


def test_a_throttled_disk_says_so_to_the_hypervisor(rig):
    disk = dataclasses.replace(rig.spec().disks[0], read_iops=100, write_bps=4 * MIB)
    spec = rig.started(disks=(disk,))
    text = run("virsh", "-c", rig.config.libvirt_uri, "dumpxml", spec.name)
    assert "<read_iops_sec>100</read_iops_sec>" in text
    assert "<write_bytes_sec>4194304</write_bytes_sec>" in text
    assert "<on_crash>destroy</on_crash>" in text
