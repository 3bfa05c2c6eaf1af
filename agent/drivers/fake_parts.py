"""Storage, images and network of the *Simulator*: all in a World, no files anywhere."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import Any

from agent import protocol as p
from agent.drivers.world import GIB, SimFile, SimPool, World
from agent.network import rendering
from agent.tasks import Task


class FakeStorage:
    """Pools are known by uuid, stores by path; both are shared by all hosts of the World."""

    def __init__(self, world: World, host: str) -> None:
        self._world = world
        self._ledger = world.ledger
        self._host = host

    def prepare_pool(self, wanted: p.PreparePool) -> p.PoolStats:
        """Make a pool usable on this host and say how full it is.

        A Filesystem pool's folder is made; a SharedMountPoint must be there already.
        Raises NoSuchPool, OperationFailed.
        """
        if self._ledger.get("pools", wanted.pool.uuid, "") is None:
            pool = SimPool(self._world.pool_bytes)
            self._ledger.put("pools", wanted.pool.uuid, "", pool)
        return self.pool_stats(wanted)

    def pool_stats(self, wanted: p.PreparePool) -> p.PoolStats:
        """How large and how full a pool is. Raises NoSuchPool when it was not prepared."""
        pool = self._pool(wanted.pool)
        return p.PoolStats(pool.capacity_bytes, self._world.used_bytes(wanted.pool.uuid))

    def remove_pool(self, wanted: p.RemovePool) -> None:
        """Forget a pool; VolumeInUse while files of ours lie in it. Not there is fine."""
        files = self._ledger.group("files", wanted.pool.uuid)
        if files:
            raise p.VolumeInUse(_still_there(wanted.pool.uuid, list(files)))
        self._ledger.drop("pools", wanted.pool.uuid, "")

    def create_volume(self, wanted: p.CreateVolume, task: Task) -> p.VolumeInfo:
        """Bring a volume file to being; one that is there already is left as it is.

        With ``base``: an overlay of it (thin) or a copy (``full_copy``, other provisioning).
        Never a half-made file under the final name. Raises NoSuchPool, NoSuchVolume for a
        missing base, OperationFailed for a size below the base's, NotEnoughSpace.
        """
        pool = self._pool(wanted.volume.pool)
        present = self._file(wanted.volume)
        if present is not None:
            return _info(wanted.volume, present)
        backing, physical = "", 200_000
        if wanted.base is not None:
            base = self._need(wanted.base)
            if base.virtual_bytes > wanted.size_bytes:
                raise p.OperationFailed(
                    f"Volume {wanted.volume.name} cannot be smaller than its template "
                    f"({base.virtual_bytes} bytes)."
                )
            copied = wanted.full_copy or wanted.provisioning != "thin"
            backing, physical = ("", base.physical_bytes) if copied else (wanted.base.name, 200_000)
        if wanted.provisioning == "fat":
            physical = wanted.size_bytes
        self._need_room(wanted.volume.pool, pool, physical)
        file = SimFile(wanted.size_bytes, physical, wanted.volume.format, backing)
        task.check()
        return self._put(wanted.volume, file)

    def delete_volume(self, wanted: p.VolumeRef) -> None:
        """Bring a volume to *not there*. VolumeInUse while a running domain has it or an
        overlay builds on it."""
        users = self._world.users(wanted.volume)
        if users:
            raise p.VolumeInUse(f"Volume {wanted.volume.name} is in use by a running domain.")
        overlays = self._world.overlays(wanted.volume)
        if overlays:
            raise p.VolumeInUse(f"Template {wanted.volume.name} is the base of {overlays} volumes.")
        self._ledger.drop("files", wanted.volume.pool.uuid, wanted.volume.name)

    def volume_info(self, wanted: p.VolumeRef) -> p.VolumeInfo:
        """Raises NoSuchPool, NoSuchVolume."""
        self._pool(wanted.volume.pool)
        return _info(wanted.volume, self._need(wanted.volume))

    def resize_volume(self, wanted: p.ResizeVolume, task: Task) -> p.VolumeInfo:
        """Bring a volume to ``size_bytes``, live where a running domain has it.

        Raises OperationFailed for shrinking without ``shrink_ok``, or live.
        """
        file = self._need(wanted.volume)
        if wanted.size_bytes < file.virtual_bytes:
            if not wanted.shrink_ok:
                raise p.OperationFailed(f"Volume {wanted.volume.name} would shrink.")
            if self._world.users(wanted.volume):
                raise p.OperationFailed(f"Volume {wanted.volume.name} cannot shrink while in use.")
        file = dataclasses.replace(file, virtual_bytes=wanted.size_bytes)
        task.check()
        return self._put(wanted.volume, file)

    def snapshot_volume(self, wanted: p.SnapshotVolume, task: Task) -> p.ImageInfo:
        """A flattened point-in-time copy in a store; live when ``domain_uuid`` runs.

        Raises NoSuchVolume, VolumeInUse when another running domain has it.
        """
        file = self._need(wanted.volume)
        task(50.0)
        return self._put_image(wanted.target, file, "qcow2", task)

    def revert_volume(self, wanted: p.RevertVolume, task: Task) -> p.VolumeInfo:
        """Put a snapshot's bytes back. VolumeInUse while a running domain has the volume."""
        self._need(wanted.volume)
        if self._world.users(wanted.volume):
            raise p.VolumeInUse(f"Volume {wanted.volume.name} is in use by a running domain.")
        image = self._image(wanted.source)
        size = max(image.virtual_bytes, wanted.size_bytes)
        file = SimFile(size, image.physical_bytes, wanted.volume.format)
        task(100.0)
        return self._put(wanted.volume, file)

    def install_template(self, wanted: p.InstallTemplate, task: Task) -> p.VolumeInfo:
        """Have an image of a store on a pool as a read-only base. There already: left alone."""
        pool = self._pool(wanted.target.pool)
        present = self._file(wanted.target)
        if present is not None:
            return _info(wanted.target, present)
        image = self._image(wanted.source)
        self._need_room(wanted.target.pool, pool, image.physical_bytes)
        file = SimFile(image.virtual_bytes, image.physical_bytes, wanted.target.format)
        task(100.0)
        task(100.0)
        return self._put(wanted.target, file)

    def copy_to_pool(self, wanted: p.CopyToPool, task: Task) -> p.VolumeInfo:
        """Have an image of a store on a pool as a volume of its own, at least ``size_bytes``."""
        pool = self._pool(wanted.target.pool)
        present = self._file(wanted.target)
        if present is not None:
            return _info(wanted.target, present)
        image = self._image(wanted.source)
        self._need_room(wanted.target.pool, pool, image.physical_bytes)
        size = max(image.virtual_bytes, wanted.size_bytes)
        file = SimFile(size, image.physical_bytes, wanted.target.format)
        task(100.0)
        return self._put(wanted.target, file)

    def copy_to_store(self, wanted: p.CopyToStore, task: Task) -> p.ImageInfo:
        """A flattened copy in a store. VolumeInUse while a running domain has the volume."""
        file = self._need(wanted.source)
        if self._world.users(wanted.source):
            raise p.VolumeInUse(f"Volume {wanted.source.name} is in use by a running domain.")
        return self._put_image(wanted.target, file, wanted.format, task)

    def prepare_store(self, wanted: p.PrepareStore) -> p.PoolStats:
        """Make a secondary store usable and say how full it is."""
        if self._ledger.get("stores", wanted.store.path, "") is None:
            self._ledger.put("stores", wanted.store.path, "", SimPool(self._world.pool_bytes))
        return self.store_stats(wanted)

    def store_stats(self, wanted: p.PrepareStore) -> p.PoolStats:
        """Raises OperationFailed when it was not prepared."""
        store = self._ledger.get("stores", wanted.store.path, "")
        if store is None:
            raise p.OperationFailed(f"Secondary store {wanted.store.path} is not prepared.")
        images = self._ledger.group("images", wanted.store.path).values()
        return p.PoolStats(store.capacity_bytes, sum(i.physical_bytes for i in images))

    def list_pool(self, wanted: p.PreparePool) -> p.FileList:
        """Every finished file of ours on a pool: volumes and templates. Raises NoSuchPool."""
        self._pool(wanted.pool)
        return _listed(self._ledger.group("files", wanted.pool.uuid))

    def list_store(self, wanted: p.PrepareStore) -> p.FileList:
        """Every finished image in a store. Raises OperationFailed when it was not prepared."""
        self.store_stats(wanted)
        return _listed(self._ledger.group("images", wanted.store.path))

    def copy_image(self, wanted: p.CopyImage, task: Task) -> p.ImageInfo:
        """Have a finished image in another place too. There already: left alone.

        Raises NoSuchVolume, NotEnoughSpace.
        """
        target = wanted.target
        present: p.ImageInfo | None = self._ledger.get("images", target.store.path, target.name)
        if present is not None:
            return present
        image = self._image(wanted.source)
        task(100.0)
        self._ledger.put("images", target.store.path, target.name, image)
        return image

    # ----------------------------------------------------------------------------------

    def _pool(self, pool: p.PoolRef) -> SimPool:
        found: SimPool | None = self._ledger.get("pools", pool.uuid, "")
        if found is None:
            raise p.NoSuchPool(f"Pool {pool.uuid} ({pool.path}) is not prepared on this host.")
        return found

    def _file(self, disk: p.DiskRef) -> SimFile | None:
        return self._ledger.get("files", disk.pool.uuid, disk.name)

    def _need(self, disk: p.DiskRef) -> SimFile:
        file = self._file(disk)
        if file is None:
            raise p.NoSuchVolume(f"Volume {disk.name} is not on pool {disk.pool.uuid}.")
        return file

    def _image(self, path: p.StorePath) -> p.ImageInfo:
        image: p.ImageInfo | None = self._ledger.get("images", path.store.path, path.name)
        if image is None:
            raise p.NoSuchVolume(f"Image {path.name} is not in store {path.store.path}.")
        return image

    def _need_room(self, ref: p.PoolRef, pool: SimPool, wanted: int) -> None:
        used = self._world.used_bytes(ref.uuid)
        if used + wanted > pool.capacity_bytes:
            raise p.NotEnoughSpace(
                f"Pool {ref.uuid} has {pool.capacity_bytes - used} bytes free, {wanted} wanted."
            )

    def _put(self, disk: p.DiskRef, file: SimFile) -> p.VolumeInfo:
        self._ledger.put("files", disk.pool.uuid, disk.name, file)
        return _info(disk, file)

    def _put_image(
        self, target: p.StorePath, file: SimFile, image_format: str, task: Task
    ) -> p.ImageInfo:
        task(100.0)
        digest = hashlib.sha512(target.name.encode()).hexdigest()
        name = image_format.upper()
        info = p.ImageInfo(file.virtual_bytes, file.physical_bytes, name, f"{{SHA-512}}{digest}")
        self._ledger.put("images", target.store.path, target.name, info)
        return info


class FakeImages:
    """Downloads whose bytes are never fetched: ``web`` says what an address answers.

    An address that is not in ``web`` answers with a sound image of 2 GiB.
    """

    def __init__(self, world: World) -> None:
        self._world = world

    def download(self, wanted: p.DownloadImage, task: Task) -> p.ImageInfo:
        """Fetch, verify and inspect an image and place it in a store, all or nothing.

        Raises DownloadRefused (address against the rules), DownloadFailed (the server),
        ImageRefused (checksum or content), NotEnoughSpace, Cancelled.
        """
        answer = self._world.web.get(wanted.url)
        if isinstance(answer, p.AgentError):
            raise answer
        for percent in (10.0, 50.0, 90.0):
            task(percent)
        digest = hashlib.sha512(wanted.url.encode()).hexdigest()
        checksum = wanted.checksum or f"{{SHA-512}}{digest}"
        info = answer or p.ImageInfo(2 * GIB, GIB // 4, wanted.format.upper(), checksum)
        if wanted.max_virtual_bytes and info.virtual_bytes > wanted.max_virtual_bytes:
            raise p.ImageRefused(f"The image unfolds to {info.virtual_bytes} bytes.")
        self._world.ledger.put("images", wanted.target.store.path, wanted.target.name, info)
        return info

    def delete(self, wanted: p.DeleteImage) -> None:
        """Bring an image to *not there*, whole or partial."""
        target = wanted.target
        self._world.ledger.drop("images", target.store.path, target.name)


class FakeNetwork:
    """Bridges and routers as rows; nothing on the machine changes."""

    def __init__(self, world: World, host: str) -> None:
        self._ledger = world.ledger
        self._host = host

    def apply_bridge(self, bridge: p.BridgeSpec) -> None:
        """Have a bridge of this name, with its uplink joined. Raises NetworkFailed."""
        self._ledger.put("bridges", self._host, bridge.name, bridge)

    def remove_bridge(self, bridge: p.BridgeSpec) -> None:
        """Bring a bridge that we made to *not there*; another's is left alone."""
        self._ledger.drop("bridges", self._host, bridge.name)

    def apply_router(self, spec: p.RouterSpec, task: Task) -> p.RouterState:
        """Bring a router to the wanted state, read it back, and say what differs.

        Raises NetworkFailed for an older version than the one applied, or for values that no
        network has.
        """
        known: p.RouterSpec | None = self._ledger.get("routers", self._host, spec.uuid)
        if known is not None and known.version > spec.version:
            raise p.NetworkFailed(
                f"Router {spec.name} has version {known.version}; {spec.version} is older."
            )
        rendering.render(spec, "/simulated")
        for network in spec.networks:
            self.apply_bridge(network.bridge)
        if spec.public is not None:
            self.apply_bridge(spec.public.bridge)
        self._ledger.put("routers", self._host, spec.uuid, spec)
        return p.RouterState(spec.uuid, spec.version, running=True)

    def router_state(self, router: p.RouterRef) -> p.RouterState:
        """What is really there; ``running`` False and version 0 when nothing is."""
        known: p.RouterSpec | None = self._ledger.get("routers", self._host, router.uuid)
        if known is None:
            return p.RouterState(router.uuid, 0, running=False)
        return p.RouterState(router.uuid, known.version, running=True)

    def remove_router(self, router: p.RouterRef) -> None:
        """Leave nothing of a router: namespace, processes, addresses, files."""
        self._ledger.drop("routers", self._host, router.uuid)


def _info(disk: p.DiskRef, file: SimFile) -> p.VolumeInfo:
    return p.VolumeInfo(
        disk.name, file.virtual_bytes, file.physical_bytes, file.format, file.backing
    )


def _listed(rows: dict[str, Any]) -> p.FileList:
    return p.FileList(
        tuple(p.FoundFile(name, row.physical_bytes) for name, row in sorted(rows.items()))
    )


def _still_there(pool: str, names: list[str]) -> str:
    shown = ", ".join(sorted(names)[:5]) + (" …" if len(names) > 5 else "")
    return f"Pool {pool} still holds {len(names)} files: {shown}"
