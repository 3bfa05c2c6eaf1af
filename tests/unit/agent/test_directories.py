"""Directory pools and stores with real qemu-img: what the contract cannot see from outside."""

import json
import os
import subprocess
import threading
import time
from pathlib import Path

import pytest

from agent import protocol as p
from agent.drivers.fake import FakeDriver
from agent.drivers.world import World
from agent.storage import headers
from agent.storage import images as store_images
from agent.storage.directories import DirectoryStorage
from agent.storage.locks import in_use
from agent.storage.placing import whole_file
from agent.tasks import Task, unhurried
from tests.unit.agent import images

MIB = 2**20


@pytest.fixture
def storage(tmp_path):
    made = DirectoryStorage(FakeDriver(World(), "h", "h"))
    made.prepare_pool(p.PreparePool(pool(tmp_path)))
    made.prepare_store(p.PrepareStore(store(tmp_path)))
    return made


def pool(tmp_path) -> p.PoolRef:
    return p.PoolRef("11111111-0000-4000-8000-000000000001", "Filesystem", str(tmp_path / "pool"))


def store(tmp_path) -> p.StoreRef:
    return p.StoreRef("s", str(tmp_path / "store"))


def disk(tmp_path, name: str = "v1") -> p.DiskRef:
    return p.DiskRef(pool(tmp_path), name)


def placed(tmp_path, name: str = "image", size: int = 8 * MIB) -> p.StorePath:
    path = tmp_path / "store" / name
    images.qcow2(path, size)
    return p.StorePath(store(tmp_path), name)


def listing(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_a_base_is_read_only_and_an_overlay_finds_it_beside_itself(storage, tmp_path):
    base, overlay = disk(tmp_path, "base"), disk(tmp_path, "over")
    storage.install_template(p.InstallTemplate(placed(tmp_path), base), unhurried())
    storage.create_volume(p.CreateVolume(overlay, 16 * MIB, base), unhurried())
    assert (tmp_path / "pool/base").stat().st_mode & 0o222 == 0
    assert headers.read(tmp_path / "pool/over", "qcow2") == headers.Header(16 * MIB, "base")


def test_another_pools_storage_at_the_path_is_not_touched(storage, tmp_path):
    other = p.PoolRef("22222222-0000-4000-8000-000000000002", "Filesystem", str(tmp_path / "pool"))
    for operation in (storage.prepare_pool, storage.pool_stats):
        with pytest.raises(p.OperationFailed, match="belongs to pool 11111111"):
            operation(p.PreparePool(other))
    with pytest.raises(p.OperationFailed, match="belongs to pool"):
        storage.remove_pool(p.RemovePool(other))


def test_shared_storage_that_is_not_mounted_is_not_made_up(storage, tmp_path):
    shared = p.PoolRef("3", "SharedMountPoint", str(tmp_path / "mount"))
    with pytest.raises(p.NoSuchPool, match="mount the shared storage"):
        storage.prepare_pool(p.PreparePool(shared))
    (tmp_path / "mount").mkdir()
    storage.prepare_pool(p.PreparePool(shared))
    (tmp_path / "mount/.cloudportal-pool.json").unlink()  # as when it was unmounted
    with pytest.raises(p.NoSuchPool, match="not mounted"):
        storage.create_volume(p.CreateVolume(p.DiskRef(shared, "v"), MIB), unhurried())


@pytest.mark.parametrize("kind", ["NetworkFilesystem2", "RBD", ""])
def test_a_kind_of_pool_this_host_cannot_serve_is_refused(storage, kind):
    with pytest.raises(p.OperationFailed, match="cannot serve"):
        storage.prepare_pool(p.PreparePool(p.PoolRef("4", kind, "/x")))


def test_leftover_parts_do_not_count_as_files_and_go_with_the_pool(storage, tmp_path):
    (tmp_path / "pool/.v1.0123456789ab.part").write_bytes(b"half")
    storage.remove_pool(p.RemovePool(pool(tmp_path)))
    assert not (tmp_path / "pool").exists()


def test_parts_of_yesterday_are_swept_when_a_pool_is_prepared(storage, tmp_path):
    old, new = tmp_path / "pool/.a.0123456789ab.part", tmp_path / "pool/.b.0123456789ab.part"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (1, 1))
    storage.prepare_pool(p.PreparePool(pool(tmp_path)))
    assert (old.exists(), new.exists()) == (False, True)


def test_a_copy_begun_again_removes_what_its_dead_predecessor_left(storage, tmp_path):
    (tmp_path / "pool/.v1.0123456789ab.part").write_bytes(b"half")
    wanted = p.CopyToPool(placed(tmp_path), disk(tmp_path))
    storage.copy_to_pool(wanted, unhurried())
    assert listing(tmp_path / "pool") == [".cloudportal-pool.json", "v1"]


def test_an_image_put_into_the_store_by_hand_is_looked_at_first(storage, tmp_path):
    path = tmp_path / "store/evil"
    images.qcow2_over(path, "/etc/passwd")
    wanted = p.CopyToPool(p.StorePath(store(tmp_path), "evil"), disk(tmp_path))
    with pytest.raises(p.ImageRefused, match="another file as its base"):
        storage.copy_to_pool(wanted, unhurried())


def test_a_raw_image_whose_guest_wrote_a_qcow2_header_stays_raw(storage, tmp_path):
    """The format is what was written down when the image was made, not what its bytes say."""
    secret = tmp_path / "secret"
    secret.write_bytes(b"root:hash" + b"\0" * MIB)
    raw = p.DiskRef(pool(tmp_path), "raw", "raw")
    storage.create_volume(p.CreateVolume(raw, MIB), unhurried())
    header = images.qcow2_over(tmp_path / "header", str(secret)).read_bytes()
    with (tmp_path / "pool/raw").open("r+b") as file:
        file.write(header[:4096])
    target = p.StorePath(store(tmp_path), "snap")
    storage.copy_to_store(p.CopyToStore(raw, target, "raw"), unhurried())
    storage.copy_to_pool(p.CopyToPool(target, disk(tmp_path, "out")), unhurried())
    images.qemu_img(
        "convert", "-f", "qcow2", "-O", "raw", str(tmp_path / "pool/out"), str(tmp_path / "plain")
    )
    plain = (tmp_path / "plain").read_bytes()
    assert plain.startswith(b"QFI\xfb")
    assert b"root:hash" not in plain


def test_what_is_known_of_an_image_is_written_beside_it(storage, tmp_path):
    storage.create_volume(p.CreateVolume(disk(tmp_path), MIB), unhurried())
    target = p.StorePath(store(tmp_path), "templates/1/t")
    info = storage.copy_to_store(p.CopyToStore(disk(tmp_path), target), unhurried())
    about = json.loads((tmp_path / "store/templates/1/t.about.json").read_text())
    assert p.from_wire(p.ImageInfo, about) == info
    store_images.delete(target)
    assert listing(tmp_path / "store") == []


def test_a_cancelled_copy_ends_its_program_and_leaves_nothing(storage, tmp_path):
    path = tmp_path / "store/big"
    images.qcow2(path, 64 * MIB)
    task = Task(60)
    timer = threading.Timer(0.05, task.stop)
    timer.start()
    wanted = p.CopyToPool(p.StorePath(store(tmp_path), "big"), disk(tmp_path), 2**30)
    try:
        while True:
            storage.copy_to_pool(wanted, task)
            (tmp_path / "pool/v1").unlink()
    except p.Cancelled:
        pass
    assert listing(tmp_path / "pool") == [".cloudportal-pool.json"]


def test_a_full_file_system_is_said_to_be_full(storage, tmp_path, monkeypatch):
    image = placed(tmp_path)
    monkeypatch.setattr(headers, "physical_bytes", lambda _path: 2**62)
    with pytest.raises(p.NotEnoughSpace, match="MiB free"):
        storage.copy_to_pool(p.CopyToPool(image, disk(tmp_path)), unhurried())


def test_a_copy_may_not_grow_past_what_its_source_holds(storage, tmp_path, monkeypatch):
    """RLIMIT_FSIZE: an image that lies about its size cannot fill the pool."""
    monkeypatch.setattr("agent.storage.directories.OVERHEAD_BYTES", 0)
    source = p.StorePath(store(tmp_path), "raw")
    (tmp_path / "store/raw").write_bytes(b"\1" * MIB)
    monkeypatch.setattr(headers, "read", lambda _path, _format: headers.Header(4096))
    store_images.write_about(tmp_path / "store/raw", p.ImageInfo(4096, MIB, "RAW", ""))
    with pytest.raises((p.NotEnoughSpace, p.OperationFailed)):
        storage.copy_to_pool(p.CopyToPool(source, disk(tmp_path)), unhurried())
    assert listing(tmp_path / "pool") == [".cloudportal-pool.json"]


@pytest.mark.parametrize("image_format", ["vmdk", "luks", "../x", ""])
def test_volumes_are_qcow2_or_raw(storage, tmp_path, image_format):
    odd = p.DiskRef(pool(tmp_path), "v", image_format)
    with pytest.raises(p.OperationFailed, match="qcow2 or raw"):
        storage.create_volume(p.CreateVolume(odd, MIB), unhurried())


def test_a_disk_that_nobody_has_open_is_not_in_use(tmp_path):
    assert not in_use(tmp_path / "nothing")
    assert not in_use(images.qcow2(tmp_path / "a"))


def test_a_disk_that_a_qemu_has_open_is_in_use(tmp_path):
    path = images.qcow2(tmp_path / "a")
    argv = ["qemu-io", "-f", "qcow2", str(path)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        end = time.monotonic() + 10
        while not in_use(path) and time.monotonic() < end:
            time.sleep(0.01)
        assert in_use(path)
        holder.communicate(b"quit\n")
    assert not in_use(path)


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    final = tmp_path / "folder/file"

    def half() -> None:
        with whole_file(final) as part:
            part.write_text("half")
            assert not final.exists()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half()
    assert listing(tmp_path / "folder") == []
    with whole_file(final, 0o600) as part:
        part.write_text("whole")
    assert (final.read_text(), final.stat().st_mode & 0o777) == ("whole", 0o600)
