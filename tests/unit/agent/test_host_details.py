"""Small conversions of the libvirt driver and of traffic limits."""

import struct
import zlib

import pytest

from agent import protocol as p
from agent.drivers.libvirt.console import png_from_ppm
from agent.drivers.libvirt.consolelogs import ConsoleLogs
from agent.drivers.libvirt.host import CpuMeter, domain_stats, dotted
from agent.network import shaping


def test_a_talkative_guest_does_not_fill_the_disk(tmp_path):
    short, long = tmp_path / "a.log", tmp_path / "b.log"
    short.write_bytes(b"x" * 1000)
    with long.open("ab") as writer:
        writer.write(b"x" * (5 * 2**20) + b"last words")
        writer.flush()
        ConsoleLogs(tmp_path).trim()
        writer.write(b"more")
    assert short.stat().st_size == 1000
    assert long.read_bytes() == b"more"
    assert (tmp_path / "b.log.0").read_bytes().endswith(b"last words")
    ConsoleLogs(tmp_path / "nothing").trim()


def test_versions_are_written_with_dots():
    assert dotted(7_002_022) == "7.2.22"


def test_libvirts_flat_counters_are_summed_over_devices():
    stats = domain_stats({
        "cpu.time": 5, "vcpu.current": 2, "balloon.current": 1000, "balloon.usable": 400,
        "block.count": 2, "block.0.rd.bytes": 1, "block.1.rd.bytes": 2, "block.1.wr.reqs": 7,
        "net.count": 1, "net.0.rx.bytes": 9, "net.0.tx.bytes": 8,
    })  # fmt: skip
    assert stats == p.DomainStats(
        cpu_time_ns=5, vcpus=2, memory_kb=600, memory_target_kb=1000, disk_read_bytes=3,
        disk_write_ops=7, network_read_bytes=9, network_write_bytes=8,
    )  # fmt: skip


def test_a_domain_without_a_balloon_driver_uses_all_it_has():
    assert domain_stats({"balloon.current": 1000, "balloon.unused": 0}).memory_kb == 1000


def test_the_cpu_meter_stays_between_nothing_and_all():
    assert 0 <= CpuMeter().used_percent() <= 100


def test_an_old_qemus_picture_becomes_png():
    pixels = bytes(range(12))
    png = png_from_ppm(b"P6\n2 2\n255\n" + pixels)
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    at = png.index(b"IDAT")
    (length,) = struct.unpack(">I", png[at - 4 : at])
    rows = zlib.decompress(png[at + 4 : at + 4 + length])
    assert rows == b"\0" + pixels[:6] + b"\0" + pixels[6:]


@pytest.mark.parametrize("data", [b"", b"P5\n2 2\n255\nxx", b"GIF89a"])
def test_other_pictures_are_refused(data):
    with pytest.raises(p.OperationFailed):
        png_from_ppm(data)


NICS = (p.Nic("02:00:00:00:00:01", "b", 0, rate_mbps=200), p.Nic("02:00:00:00:00:02", "b", 1))


def test_limits_are_in_the_units_of_each_tool():
    assert "rate 200mbit burst 1250000 " in shaping.tc_batch(NICS[:1])
    rules = shaping.nft_rules(NICS[:1])
    assert "limit rate over 25000000 bytes/second burst 1250000 bytes drop" in rules
    assert 'device "ct020000000001"' in rules


def test_a_small_rate_still_lets_full_frames_through():
    assert shaping.burst_bytes(1) >= 9000


def test_cards_without_a_limit_cost_nothing(monkeypatch):
    monkeypatch.setattr(shaping.processes, "run", lambda *_, **__: pytest.fail("ran a program"))
    shaping.Shaping().apply(NICS[1:])
    with shaping.Shaping().as_taps_appear(NICS[1:]):
        pass


def test_a_start_that_fails_is_not_waited_for():
    with (
        pytest.raises(ZeroDivisionError),
        shaping.Shaping().as_taps_appear(NICS[:1]),
    ):
        raise ZeroDivisionError
