"""What every driver must do with domains; runs on the simulator and on real libvirt."""

import dataclasses
import uuid

import pytest

from agent import protocol as p

PNG = b"\x89PNG\r\n\x1a\n"


class DomainContract:
    def test_a_started_domain_runs_under_its_name(self, rig):
        spec = rig.spec()
        state = rig.call("domain.start", p.StartDomain(rig.started(spec)))
        assert (state.uuid, state.power, state.name) == (spec.uuid, "PowerOn", spec.name)

    def test_starting_twice_leaves_the_first_running(self, rig):
        spec = rig.started()
        again = rig.call("domain.start", p.StartDomain(spec))
        assert again.power == "PowerOn"
        report = rig.call("host.power")
        assert [s.uuid for s in report.states].count(spec.uuid) == 1

    def test_a_missing_disk_is_named_and_nothing_stays_behind(self, rig):
        spec = rig.spec(disks=(p.Disk(rig.disk_ref("cpt-nowhere"), 0),))
        with pytest.raises(p.NoSuchVolume, match="cpt-nowhere"):
            rig.call("domain.start", p.StartDomain(spec))
        assert rig.power(spec) == "PowerMissing"
        assert rig.leftovers(spec) == []

    def test_a_disk_that_another_domain_has_refuses_the_start(self, rig):
        first = rig.started()
        second = rig.spec(disks=first.disks)
        with pytest.raises(p.OperationFailed):
            rig.call("domain.start", p.StartDomain(second))
        assert rig.power(second) == "PowerMissing"
        assert rig.leftovers(second) == []
        assert rig.power(first) == "PowerOn"

    def test_stopping_what_is_not_there_finds_it_missing(self, rig):
        state = rig.call("domain.stop", p.StopDomain(str(uuid.uuid4())))
        assert state.power == "PowerMissing"

    def test_a_forced_stop_without_patience_cuts_the_power(self, rig):
        spec = rig.started(rig.deaf_spec())
        stop = p.StopDomain(spec.uuid, forced=True, timeout_s=0)
        assert rig.call("domain.stop", stop).power == "PowerOff"
        assert rig.call("domain.stop", stop).power == "PowerOff"

    def test_a_deaf_guest_is_left_running_unless_forced(self, rig):
        spec = rig.started(rig.deaf_spec())
        with pytest.raises(p.GuestIgnoredShutdown, match=spec.name):
            rig.call("domain.stop", p.StopDomain(spec.uuid, timeout_s=1))
        assert rig.power(spec) == "PowerOn"
        forced = p.StopDomain(spec.uuid, forced=True, timeout_s=1)
        assert rig.call("domain.stop", forced).power == "PowerOff"

    def test_a_listening_guest_shuts_down_when_asked(self, rig):
        spec = rig.booted()
        state = rig.call("domain.stop", p.StopDomain(spec.uuid, timeout_s=40))
        assert (state.power, state.reason) == ("PowerOff", "shutdown")

    def test_a_stopped_domain_starts_again_with_its_new_spec(self, rig):
        spec = rig.started()
        rig.call("domain.stop", p.StopDomain(spec.uuid, forced=True, timeout_s=0))
        larger = dataclasses.replace(spec, memory_mb=192, disks=(p.Disk(rig.volume(), 0),))
        assert rig.call("domain.start", p.StartDomain(larger)).power == "PowerOn"
        with pytest.raises(p.VolumeInUse):
            rig.call("volume.delete", p.VolumeRef(larger.disks[0].source))
        rig.call("volume.delete", p.VolumeRef(spec.disks[0].source))

    def test_removing_leaves_nothing_and_may_be_repeated(self, rig):
        spec = rig.started(config_drive=p.ConfigDrive({"openstack/latest/meta_data.json": "{}"}))
        for _ in range(2):
            rig.call("domain.remove", p.RemoveDomain(spec.uuid))
            assert rig.power(spec) == "PowerMissing"
            assert rig.leftovers(spec) == []

    def test_the_power_report_has_running_and_stopped_domains(self, rig):
        running, stopped = rig.started(), rig.started()
        rig.call("domain.stop", p.StopDomain(stopped.uuid, forced=True, timeout_s=0))
        states = {s.uuid: (s.power, s.name) for s in rig.call("host.power").states}
        assert states[running.uuid] == ("PowerOn", running.name)
        assert states[stopped.uuid] == ("PowerOff", stopped.name)

    def test_a_guest_that_dies_is_reported_and_announced(self, rig):
        spec = rig.started()
        rig.kill(spec)
        rig.wait_for(lambda: rig.power(spec) == "PowerOff", what="PowerOff")
        rig.wait_for(lambda: rig.saw(spec, "PowerOff"), what="an event")
        state = rig.call("domain.state", p.DomainRef(spec.uuid))
        assert state.reason in ("crashed", "failed")

    def test_start_stop_and_removal_are_announced(self, rig):
        spec = rig.started()
        rig.wait_for(lambda: rig.saw(spec, "PowerOn", "started"))
        rig.call("domain.stop", p.StopDomain(spec.uuid, forced=True, timeout_s=0))
        rig.wait_for(lambda: rig.saw(spec, "PowerOff", "destroyed"))
        rig.call("domain.remove", p.RemoveDomain(spec.uuid))
        rig.wait_for(lambda: rig.saw(spec, "PowerMissing", "removed"))

    def test_a_booted_guest_reboots(self, rig):
        spec = rig.booted()
        state = rig.call("domain.reboot", p.RebootDomain(spec.uuid, timeout_s=40))
        assert state.power == "PowerOn"

    def test_a_forced_reboot_resets_a_deaf_guest(self, rig):
        spec = rig.started(rig.deaf_spec())
        reboot = p.RebootDomain(spec.uuid, forced=True, timeout_s=1)
        assert rig.call("domain.reboot", reboot).power == "PowerOn"

    def test_what_is_off_or_missing_cannot_reboot(self, rig):
        with pytest.raises(p.NoSuchDomain):
            rig.call("domain.reboot", p.RebootDomain(str(uuid.uuid4())))
        spec = rig.started()
        rig.call("domain.stop", p.StopDomain(spec.uuid, forced=True, timeout_s=0))
        with pytest.raises(p.OperationFailed, match="off"):
            rig.call("domain.reboot", p.RebootDomain(spec.uuid))

    def test_a_running_domain_has_a_screen(self, rig):
        spec = rig.started()
        rig.call("domain.console", p.DomainRef(spec.uuid))
        assert rig.call("domain.screenshot", p.DomainRef(spec.uuid)).png.startswith(PNG)

    @pytest.mark.parametrize("operation", ["domain.console", "domain.screenshot"])
    def test_off_or_missing_domains_show_nothing(self, rig, operation):
        with pytest.raises(p.NoSuchDomain):
            rig.call(operation, p.DomainRef(str(uuid.uuid4())))
        spec = rig.started()
        rig.call("domain.stop", p.StopDomain(spec.uuid, forced=True, timeout_s=0))
        with pytest.raises(p.OperationFailed, match="off"):
            rig.call(operation, p.DomainRef(spec.uuid))

    def test_statistics_are_of_running_domains(self, rig):
        running, stopped = rig.started(), rig.started()
        rig.call("domain.stop", p.StopDomain(stopped.uuid, forced=True, timeout_s=0))
        stats = rig.call("host.stats")
        assert stats.domains[running.uuid].vcpus == 1
        assert stats.domains[running.uuid].memory_target_kb == 128 * 1024
        assert stopped.uuid not in stats.domains

    def test_facts_and_preflight_describe_the_host(self, rig):
        facts = rig.call("host.facts")
        assert facts.cpus > 0
        assert facts.memory_mb > 0
        assert facts.uuid
        report = rig.call("host.preflight", p.Preflight())
        assert report.checks
        assert all(check.cure for check in report.checks if not check.passed)


class DeviceContract:
    def test_a_disk_is_plugged_and_unplugged(self, rig):
        spec, disk = rig.booted(), p.Disk(rig.volume(), 1, serial="data1")
        for _ in range(2):
            rig.call("domain.attach_disk", p.AttachDisk(spec.uuid, disk))
        with pytest.raises(p.VolumeInUse):
            rig.call("volume.delete", p.VolumeRef(disk.source))
        for _ in range(2):
            rig.call("domain.detach_disk", p.DetachDisk(spec.uuid, disk))
        rig.call("volume.delete", p.VolumeRef(disk.source))

    def test_a_place_that_is_taken_refuses_another_disk(self, rig):
        spec = rig.started()
        rig.call("domain.attach_disk", p.AttachDisk(spec.uuid, p.Disk(rig.volume(), 1)))
        with pytest.raises(p.OperationFailed, match="device 1"):
            rig.call("domain.attach_disk", p.AttachDisk(spec.uuid, p.Disk(rig.volume(), 1)))

    def test_a_guest_that_holds_on_to_its_disk_is_named(self, rig):
        spec, disk = rig.deaf_spec(), p.Disk(rig.volume(), 1)
        spec = rig.started(dataclasses.replace(spec, disks=(*spec.disks, disk)))
        with pytest.raises(p.OperationFailed, match=disk.source.name):
            rig.call("domain.detach_disk", p.DetachDisk(spec.uuid, disk, timeout_s=1))

    def test_plugging_into_nothing_says_so_and_unplugging_does_not(self, rig):
        nowhere, disk = str(uuid.uuid4()), p.Disk(rig.volume(), 1)
        with pytest.raises(p.NoSuchDomain):
            rig.call("domain.attach_disk", p.AttachDisk(nowhere, disk))
        with pytest.raises(p.NoSuchDomain):
            rig.call("domain.change_cdrom", p.ChangeCdrom(nowhere, p.Cdrom()))
        rig.call("domain.detach_disk", p.DetachDisk(nowhere, disk))
        rig.call("domain.detach_nic", p.DetachNic(nowhere, "02:00:00:00:00:01"))

    def test_a_stopped_domain_needs_no_plugging(self, rig):
        spec, disk = rig.started(), p.Disk(rig.volume(), 1)
        rig.call("domain.stop", p.StopDomain(spec.uuid, forced=True, timeout_s=0))
        rig.call("domain.attach_disk", p.AttachDisk(spec.uuid, disk))
        rig.call("volume.delete", p.VolumeRef(disk.source))

    def test_rules_are_for_domains_that_are_there(self, rig):
        spec = rig.started()
        nic = p.Nic("02:01:00:00:00:0c", "br0", 0, rules=p.NicRules())
        rig.call("domain.filter", p.FilterDomain(spec.uuid, (nic,)))
        rig.call("domain.filter", p.FilterDomain(spec.uuid, (nic,)))
        rig.call("domain.stop", p.StopDomain(spec.uuid, forced=True, timeout_s=0))
        rig.call("domain.filter", p.FilterDomain(spec.uuid, (nic,)))
        rig.call("domain.remove", p.RemoveDomain(spec.uuid))
        with pytest.raises(p.NoSuchDomain):
            rig.call("domain.filter", p.FilterDomain(spec.uuid, (nic,)))

    def test_a_missing_volume_is_not_plugged(self, rig):
        spec, disk = rig.started(), p.Disk(rig.disk_ref("cpt-nowhere"), 1)
        with pytest.raises(p.NoSuchVolume):
            rig.call("domain.attach_disk", p.AttachDisk(spec.uuid, disk))

    def test_a_cd_is_laid_in_and_taken_out(self, rig):
        spec, iso = rig.started(), rig.disk_ref(image_format="raw")
        rig.call("volume.create", p.CreateVolume(iso, 2**20))
        for cdrom in (p.Cdrom(iso), p.Cdrom(iso), p.Cdrom(), p.Cdrom()):
            rig.call("domain.change_cdrom", p.ChangeCdrom(spec.uuid, cdrom))

    def test_a_running_domains_disk_grows(self, rig):
        spec = rig.started()
        disk = spec.disks[0].source
        info = rig.call(
            "volume.resize", p.ResizeVolume(disk, 2**27, domain_uuid=spec.uuid, device_id=0)
        )
        assert info.virtual_bytes == 2**27
        with pytest.raises(p.OperationFailed, match="shrink"):
            rig.call(
                "volume.resize",
                p.ResizeVolume(disk, 2**26, shrink_ok=True, domain_uuid=spec.uuid),
            )

    def test_a_running_domains_disk_is_copied(self, rig):
        spec = rig.started()
        target = p.StorePath(rig.store, f"snapshots/{rig.fresh_name()}")
        wanted = p.SnapshotVolume(spec.disks[0].source, target, domain_uuid=spec.uuid)
        first = rig.call("volume.snapshot", wanted)
        assert (first.virtual_bytes, first.format) == (64 * 2**20, "QCOW2")
        assert rig.call("volume.snapshot", wanted) == first
        assert rig.power(spec) == "PowerOn"
