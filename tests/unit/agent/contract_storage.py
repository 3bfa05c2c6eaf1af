"""What every storage must do; runs on the simulator's and on real directories."""

import uuid

import pytest

from agent import protocol as p

MIB = 2**20


class StorageContract:
    def test_a_pool_may_be_prepared_again(self, rig):
        stats = rig.call("pool.prepare", p.PreparePool(rig.pool))
        assert stats.capacity_bytes > 0
        assert rig.call("pool.stats", p.PreparePool(rig.pool)).capacity_bytes > 0

    def test_a_pool_that_was_not_prepared_takes_nothing(self, rig):
        other = p.PoolRef(str(uuid.uuid4()), "Filesystem", f"{rig.pool.path}-other")
        with pytest.raises(p.NoSuchPool, match=other.uuid):
            rig.call("pool.stats", p.PreparePool(other))
        with pytest.raises(p.NoSuchPool):
            rig.call("volume.create", p.CreateVolume(p.DiskRef(other, "cpt-v"), MIB))

    def test_a_pool_with_files_is_not_removed(self, rig):
        disk = rig.volume()
        with pytest.raises(p.VolumeInUse, match=disk.name):
            rig.call("pool.remove", p.RemovePool(rig.pool))
        assert rig.call("volume.info", p.VolumeRef(disk)).name == disk.name

    def test_an_empty_pool_is_removed_and_may_be_so_again(self, rig):
        other = p.PoolRef(str(uuid.uuid4()), "Filesystem", f"{rig.pool.path}-other")
        rig.call("pool.prepare", p.PreparePool(other))
        for _ in range(2):
            rig.call("pool.remove", p.RemovePool(other))
        with pytest.raises(p.NoSuchPool):
            rig.call("pool.stats", p.PreparePool(other))

    @pytest.mark.parametrize("provisioning", ["thin", "sparse", "fat"])
    def test_an_empty_volume_has_the_size_asked(self, rig, provisioning):
        disk = rig.disk_ref()
        wanted = p.CreateVolume(disk, 8 * MIB, provisioning=provisioning)
        info = rig.call("volume.create", wanted)
        assert (info.name, info.virtual_bytes) == (disk.name, 8 * MIB)
        assert info.backing == ""
        assert rig.call("volume.create", wanted) == info

    def test_an_overlay_names_its_base_and_may_be_larger(self, rig):
        base = rig.template()
        disk = rig.disk_ref()
        info = rig.call("volume.create", p.CreateVolume(disk, 256 * MIB, base))
        assert (info.backing, info.virtual_bytes) == (base.name, 256 * MIB)

    def test_a_full_copy_has_no_base(self, rig):
        disk = rig.disk_ref()
        wanted = p.CreateVolume(disk, 256 * MIB, rig.template(), full_copy=True)
        info = rig.call("volume.create", wanted)
        assert (info.backing, info.virtual_bytes) == ("", 256 * MIB)

    def test_a_volume_is_not_smaller_than_its_template(self, rig):
        disk = rig.disk_ref()
        with pytest.raises(p.OperationFailed, match="smaller"):
            rig.call("volume.create", p.CreateVolume(disk, MIB, rig.template()))
        with pytest.raises(p.NoSuchVolume):
            rig.call("volume.info", p.VolumeRef(disk))

    def test_a_missing_base_is_named(self, rig):
        wanted = p.CreateVolume(rig.disk_ref(), MIB, rig.disk_ref("cpt-nobase"))
        with pytest.raises(p.NoSuchVolume, match="cpt-nobase"):
            rig.call("volume.create", wanted)

    def test_deleting_may_be_repeated(self, rig):
        disk = rig.volume()
        for _ in range(2):
            rig.call("volume.delete", p.VolumeRef(disk))
        with pytest.raises(p.NoSuchVolume):
            rig.call("volume.info", p.VolumeRef(disk))

    def test_a_base_with_overlays_is_not_deleted(self, rig):
        base = rig.disk_ref()
        rig.call("volume.install_template", p.InstallTemplate(rig.image(), base))
        overlay = rig.volume(256 * MIB, base)
        with pytest.raises(p.VolumeInUse, match="base of 1"):
            rig.call("volume.delete", p.VolumeRef(base))
        rig.call("volume.delete", p.VolumeRef(overlay))
        rig.call("volume.delete", p.VolumeRef(base))

    def test_growing_may_be_repeated_and_shrinking_must_be_meant(self, rig):
        disk = rig.volume(16 * MIB)
        for _ in range(2):
            info = rig.call("volume.resize", p.ResizeVolume(disk, 32 * MIB))
            assert info.virtual_bytes == 32 * MIB
        with pytest.raises(p.OperationFailed, match="shrink"):
            rig.call("volume.resize", p.ResizeVolume(disk, 8 * MIB))
        shrunk = rig.call("volume.resize", p.ResizeVolume(disk, 8 * MIB, shrink_ok=True))
        assert shrunk.virtual_bytes == 8 * MIB

    def test_a_template_is_installed_once(self, rig):
        base = rig.disk_ref()
        wanted = p.InstallTemplate(rig.image(), base)
        assert rig.call("volume.install_template", wanted) == rig.call(
            "volume.install_template", wanted
        )

    def test_a_missing_image_is_named(self, rig):
        source = p.StorePath(rig.store, "cpt-noimage")
        for operation, argument in (
            ("volume.install_template", p.InstallTemplate(source, rig.disk_ref())),
            ("volume.copy_to_pool", p.CopyToPool(source, rig.disk_ref())),
            ("volume.revert", p.RevertVolume(source, rig.volume())),
        ):
            with pytest.raises(p.NoSuchVolume, match="cpt-noimage"):
                rig.call(operation, argument)

    def test_a_snapshot_goes_to_the_store_and_back(self, rig):
        disk = rig.volume(256 * MIB, rig.template())
        target = p.StorePath(rig.store, f"snapshots/{rig.fresh_name()}")
        image = rig.call("volume.snapshot", p.SnapshotVolume(disk, target))
        assert (image.virtual_bytes, image.format) == (256 * MIB, "QCOW2")
        assert image.checksum.startswith("{SHA-512}")
        reverted = rig.call("volume.revert", p.RevertVolume(target, disk))
        assert (reverted.virtual_bytes, reverted.backing) == (256 * MIB, "")

    def test_a_volume_becomes_an_image_and_a_larger_volume(self, rig):
        disk = rig.volume(256 * MIB, rig.template())
        target = p.StorePath(rig.store, f"templates/{rig.fresh_name()}")
        image = rig.call("volume.copy_to_store", p.CopyToStore(disk, target))
        assert image.virtual_bytes == 256 * MIB
        wanted = p.CopyToPool(target, rig.disk_ref(), size_bytes=512 * MIB)
        volume = rig.call("volume.copy_to_pool", wanted)
        assert (volume.virtual_bytes, volume.backing) == (512 * MIB, "")
        assert rig.call("volume.copy_to_pool", wanted) == volume

    def test_a_volume_in_use_is_not_reverted_or_copied(self, rig):
        spec = rig.started()
        disk = spec.disks[0].source
        source = p.StorePath(rig.store, f"snapshots/{rig.fresh_name()}")
        other = rig.volume()
        rig.call("volume.snapshot", p.SnapshotVolume(other, source))
        with pytest.raises(p.VolumeInUse):
            rig.call("volume.revert", p.RevertVolume(source, disk))
        target = p.StorePath(rig.store, rig.fresh_name())
        with pytest.raises(p.VolumeInUse):
            rig.call("volume.copy_to_store", p.CopyToStore(disk, target))

    def test_a_stopping_caller_leaves_no_half_volume(self, rig):
        disk, asked = rig.disk_ref(), []

        def give_up(percent, note=""):
            asked.append(percent)
            raise p.Cancelled("enough")

        with pytest.raises(p.Cancelled):
            rig.call(
                "volume.install_template", p.InstallTemplate(rig.image(), disk), progress=give_up
            )
        assert asked
        with pytest.raises(p.NoSuchVolume):
            rig.call("volume.info", p.VolumeRef(disk))

    def test_an_image_is_deleted_and_may_be_so_again(self, rig):
        target = p.StorePath(rig.store, f"snapshots/{rig.fresh_name()}")
        rig.call("volume.snapshot", p.SnapshotVolume(rig.volume(), target))
        for _ in range(2):
            rig.call("image.delete", p.DeleteImage(target))
        with pytest.raises(p.NoSuchVolume):
            rig.call("volume.copy_to_pool", p.CopyToPool(target, rig.disk_ref()))

    def test_a_store_says_how_full_it_is(self, rig):
        assert rig.call("store.stats", p.PrepareStore(rig.store)).capacity_bytes > 0
        with pytest.raises(p.OperationFailed, match="/nowhere"):
            rig.call("store.stats", p.PrepareStore(p.StoreRef("x", "/nowhere")))

    def test_a_pool_lists_its_files_and_nothing_else(self, rig):
        other = p.PoolRef(str(uuid.uuid4()), "Filesystem", f"{rig.pool.path}-other")
        with pytest.raises(p.NoSuchPool):
            rig.call("pool.list", p.PreparePool(other))
        disk = rig.volume()
        names = {f.name for f in rig.call("pool.list", p.PreparePool(rig.pool)).files}
        assert disk.name in names
        assert not [n for n in names if n.startswith(".")]
        rig.call("volume.delete", p.VolumeRef(disk))
        found = rig.call("pool.list", p.PreparePool(rig.pool)).files
        assert disk.name not in {f.name for f in found}

    def test_a_store_lists_its_images_and_nothing_else(self, rig):
        target = p.StorePath(rig.store, rig.fresh_name())
        rig.call("volume.snapshot", p.SnapshotVolume(rig.volume(), target))
        names = [f.name for f in rig.call("store.list", p.PrepareStore(rig.store)).files]
        assert [n for n in names if n.startswith(target.name)] == [target.name]

    def test_an_image_is_copied_once_and_the_copy_stands_alone(self, rig):
        source, target = (p.StorePath(rig.store, rig.fresh_name()) for _ in range(2))
        with pytest.raises(p.NoSuchVolume):
            rig.call("image.copy", p.CopyImage(source, target))
        first = rig.call("volume.snapshot", p.SnapshotVolume(rig.volume(), source))
        for _ in range(2):
            copy = rig.call("image.copy", p.CopyImage(source, target))
            assert (copy.virtual_bytes, copy.format) == (first.virtual_bytes, first.format)
        rig.call("image.delete", p.DeleteImage(source))
        volume = rig.call("volume.copy_to_pool", p.CopyToPool(target, rig.disk_ref()))
        assert volume.virtual_bytes == first.virtual_bytes
