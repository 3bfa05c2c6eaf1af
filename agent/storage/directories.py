"""Volumes as plain files in directory pools, images as files in directory stores."""

from __future__ import annotations

import os
from pathlib import Path

from agent import names
from agent import protocol as p
from agent.drivers.base import Driver
from agent.storage import headers, images, pools, qemu_img
from agent.storage.locks import in_use
from agent.storage.placing import remove_parts, whole_file
from agent.tasks import Task

# Metadata of a qcow2 file on top of its data: a thousandth, and a little.
OVERHEAD_BYTES = 64 * 2**20


class DirectoryStorage:
    """See agent.drivers.fake_parts.FakeStorage for what each method promises."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    # -- pools and stores --------------------------------------------------------------

    def prepare_pool(self, wanted: p.PreparePool) -> p.PoolStats:
        return pools.prepare(wanted.pool)

    def pool_stats(self, wanted: p.PreparePool) -> p.PoolStats:
        return pools.stats(wanted.pool)

    def remove_pool(self, wanted: p.RemovePool) -> None:
        pools.remove(wanted.pool)

    def prepare_store(self, wanted: p.PrepareStore) -> p.PoolStats:
        folder = _store(wanted.store)
        folder.mkdir(parents=True, exist_ok=True, mode=0o711)
        return pools.folder_stats(folder)

    def store_stats(self, wanted: p.PrepareStore) -> p.PoolStats:
        folder = _store(wanted.store)
        if not folder.is_dir():
            raise p.OperationFailed(f"Secondary store {folder} is not there.")
        return pools.folder_stats(folder)

    def list_pool(self, wanted: p.PreparePool) -> p.FileList:
        return pools.listing(pools.require(wanted.pool))

    def list_store(self, wanted: p.PrepareStore) -> p.FileList:
        self.store_stats(wanted)
        found = pools.listing(_store(wanted.store)).files
        return p.FileList(tuple(f for f in found if not f.name.endswith(images.SUFFIX)))

    # -- volumes -----------------------------------------------------------------------

    def create_volume(self, wanted: p.CreateVolume, task: Task) -> p.VolumeInfo:
        path = self._place(wanted.volume)
        if not path.exists():
            with whole_file(path) as part:
                self._make(wanted, part, task)
        return headers.read_volume(wanted.volume, path)

    def _make(self, wanted: p.CreateVolume, part: Path, task: Task) -> None:
        size, kind = wanted.size_bytes, wanted.provisioning
        if wanted.base is None:
            qemu_img.create(part, wanted.volume.format, size, kind)
            return
        base = self._existing(wanted.base)
        virtual = headers.read(base, wanted.base.format).virtual_bytes
        if size < virtual:
            raise p.OperationFailed(
                f"Volume {wanted.volume.name} cannot be smaller than its template "
                f"({virtual} bytes)."
            )
        same_pool = wanted.base.pool.uuid == wanted.volume.pool.uuid
        thin = kind == "thin" and not wanted.full_copy and wanted.volume.format == "qcow2"
        flat = "/" not in wanted.volume.name + wanted.base.name
        if thin and same_pool and flat:
            qemu_img.create_overlay(part, base, wanted.base.format, size)
            return
        self._convert(base, wanted.base.format, part, wanted.volume.format, virtual, task, kind)
        if size > virtual:
            qemu_img.resize(part, wanted.volume.format, size, shrink=False)

    def delete_volume(self, wanted: p.VolumeRef) -> None:
        path = names.file_under(wanted.volume.pool.path, wanted.volume.name)
        remove_parts(path)
        if not path.exists():
            return
        _refuse_in_use(path, wanted.volume)
        if _is_base(path):
            overlays = _overlays_of(path)
            if overlays:
                raise p.VolumeInUse(
                    f"Template {wanted.volume.name} is the base of {len(overlays)} volumes "
                    f"({', '.join(overlays[:3])}{' …' if len(overlays) > 3 else ''})."
                )
        path.unlink(missing_ok=True)

    def volume_info(self, wanted: p.VolumeRef) -> p.VolumeInfo:
        return headers.read_volume(wanted.volume, self._existing(wanted.volume))

    def resize_volume(self, wanted: p.ResizeVolume, task: Task) -> p.VolumeInfo:
        path = self._existing(wanted.volume)
        size = headers.read(path, wanted.volume.format).virtual_bytes
        live = bool(wanted.domain_uuid) and self._runs(wanted.domain_uuid)
        if wanted.size_bytes < size:
            self._refuse_shrink(wanted, live, path)
        if wanted.size_bytes != size:
            if live:
                self._driver.resize_disk(wanted.domain_uuid, wanted.volume, wanted.size_bytes)
            else:
                _refuse_in_use(path, wanted.volume)
                shrink = wanted.size_bytes < size
                qemu_img.resize(path, wanted.volume.format, wanted.size_bytes, shrink=shrink)
        return headers.read_volume(wanted.volume, path)

    def _refuse_shrink(self, wanted: p.ResizeVolume, live: bool, path: Path) -> None:
        name = wanted.volume.name
        if not wanted.shrink_ok:
            raise p.OperationFailed(f"Volume {name} would shrink, which cuts off what lies behind.")
        if live or in_use(path):
            raise p.OperationFailed(f"Volume {name} cannot shrink while a running domain has it.")

    # -- copies ------------------------------------------------------------------------

    def snapshot_volume(self, wanted: p.SnapshotVolume, task: Task) -> p.ImageInfo:
        done = images.present(wanted.target)
        if done is not None:
            return done
        path = self._existing(wanted.volume)
        final = images.path_of(wanted.target)
        live = bool(wanted.domain_uuid) and self._runs(wanted.domain_uuid)
        with whole_file(final) as part:
            if live:
                virtual = headers.read(path, wanted.volume.format).virtual_bytes
                qemu_img.create(part, "qcow2", virtual)
                self._driver.copy_disk(
                    wanted.domain_uuid, wanted.volume, str(part), wanted.quiesce, task
                )
            else:
                _refuse_in_use(path, wanted.volume)
                self._flatten(path, wanted.volume.format, part, "qcow2", task)
            return images.record(final, part, "QCOW2", images.sha512(part, task))

    def copy_to_store(self, wanted: p.CopyToStore, task: Task) -> p.ImageInfo:
        done = images.present(wanted.target)
        if done is not None:
            return done
        path = self._existing(wanted.source)
        _refuse_in_use(path, wanted.source, writers_only=True)
        final = images.path_of(wanted.target)
        if wanted.format.lower() not in ("qcow2", "raw"):
            raise p.OperationFailed(f"Volumes are copied as qcow2 or raw, not {wanted.format!r}.")
        with whole_file(final) as part:
            self._flatten(path, wanted.source.format, part, wanted.format.lower(), task)
            return images.record(final, part, wanted.format.upper(), images.sha512(part, task))

    def copy_image(self, wanted: p.CopyImage, task: Task) -> p.ImageInfo:
        done = images.present(wanted.target)
        if done is not None:
            return done
        image = images.find(wanted.source)
        final = images.path_of(wanted.target)
        final.parent.mkdir(parents=True, exist_ok=True)
        _need_room(final.parent, headers.physical_bytes(image.path))
        with whole_file(final) as part:
            images.copy_bytes(image.path, part, task)
            images.write_about(final, image.info)
        return image.info

    def revert_volume(self, wanted: p.RevertVolume, task: Task) -> p.VolumeInfo:
        path = self._existing(wanted.volume)
        _refuse_in_use(path, wanted.volume)
        with whole_file(path) as part:
            self._unfold(wanted.source, part, wanted.volume.format, wanted.size_bytes, task)
        return headers.read_volume(wanted.volume, path)

    def install_template(self, wanted: p.InstallTemplate, task: Task) -> p.VolumeInfo:
        path = self._place(wanted.target)
        if not path.exists():
            # Read-only marks a base: deleting one looks for overlays first.
            with whole_file(path, mode=0o444) as part:
                self._unfold(wanted.source, part, wanted.target.format, 0, task)
        return headers.read_volume(wanted.target, path)

    def copy_to_pool(self, wanted: p.CopyToPool, task: Task) -> p.VolumeInfo:
        path = self._place(wanted.target)
        if not path.exists():
            with whole_file(path) as part:
                self._unfold(wanted.source, part, wanted.target.format, wanted.size_bytes, task)
        return headers.read_volume(wanted.target, path)

    # ----------------------------------------------------------------------------------

    def _unfold(
        self, source: p.StorePath, part: Path, image_format: str, size_bytes: int, task: Task
    ) -> None:
        """An image of a store as a file of a pool, at least ``size_bytes`` large."""
        image = images.find(source)
        virtual = image.info.virtual_bytes
        source_format = qemu_img.FORMATS.get(image.info.format.upper(), "raw")
        self._convert(image.path, source_format, part, image_format, virtual, task)
        if size_bytes > virtual:
            qemu_img.resize(part, image_format, size_bytes, shrink=False)

    def _flatten(
        self, path: Path, image_format: str, part: Path, target_format: str, task: Task
    ) -> None:
        virtual = headers.read(path, image_format).virtual_bytes
        self._convert(path, image_format, part, target_format, virtual, task)

    def _convert(
        self,
        source: Path,
        source_format: str,
        part: Path,
        target_format: str,
        virtual: int,
        task: Task,
        provisioning: str = "thin",
    ) -> None:
        _need_room(part.parent, headers.physical_bytes(source))
        most = virtual + virtual // 512 + OVERHEAD_BYTES
        qemu_img.convert(
            source, source_format, part, target_format, task,
            provisioning=provisioning, most_bytes=most,
        )  # fmt: skip

    def _place(self, disk: p.DiskRef) -> Path:
        """Where a new volume goes; its pool must be the prepared one."""
        if disk.format not in ("qcow2", "raw"):
            raise p.OperationFailed(f"Volumes are qcow2 or raw, not {disk.format!r}.")
        pools.require(disk.pool)
        return names.file_under(disk.pool.path, disk.name)

    def _existing(self, disk: p.DiskRef) -> Path:
        path = self._place(disk)
        if not path.is_file():
            raise p.NoSuchVolume(f"Volume {disk.name} is not on pool {disk.pool.uuid}.")
        return path

    def _runs(self, uuid: str) -> bool:
        return self._driver.state(uuid).power == "PowerOn"


def _store(store: p.StoreRef) -> Path:
    if not store.path.startswith("/") or ".." in Path(store.path).parts:
        raise p.OperationFailed(f"{store.path[:80]!r} is not an absolute path.")
    return Path(store.path)


def _refuse_in_use(path: Path, disk: p.DiskRef, *, writers_only: bool = False) -> None:
    """A base is open below running overlays but nobody writes it: copying it is fine."""
    if not (writers_only and _is_base(path)) and in_use(path):
        raise p.VolumeInUse(f"Volume {disk.name} is in use by a running domain.")


def _is_base(path: Path) -> bool:
    return not path.stat().st_mode & 0o222


def _overlays_of(base: Path) -> list[str]:
    found = []
    for entry in os.scandir(base.parent):
        if entry.is_file() and entry.name != base.name and not entry.name.startswith("."):
            header = _qcow2_header(Path(entry.path))
            if header is not None and os.path.basename(header.backing) == base.name:
                found.append(entry.name)
    return sorted(found)


def _qcow2_header(path: Path) -> headers.Header | None:
    try:
        return headers.read(path, "qcow2")
    except (p.OperationFailed, OSError):
        return None


def _need_room(folder: Path, wanted_bytes: int) -> None:
    """Refuse early what cannot fit; the copy itself still meets a disk that fills up."""
    room = os.statvfs(folder)
    free = room.f_bavail * room.f_frsize
    if wanted_bytes > free:
        raise p.NotEnoughSpace(
            f"{folder} has {free // 2**20} MiB free; the copy needs {wanted_bytes // 2**20} MiB."
        )
