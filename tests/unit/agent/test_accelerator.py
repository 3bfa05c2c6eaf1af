"""KVM or not: decided by a guest that boots, remembered until the machine changes."""

import json
import sys
import time

import pytest

from agent import protocol as p
from agent.config import AgentConfig
from agent.drivers.libvirt import accelerator
from agent.drivers.libvirt.accelerator import Accelerator

BOOTS = "print('Linux version'); print('PROBE-UP 6.1')"
HANGS = "import time; print('early console', flush=True); time.sleep(60)"
DIES = "import sys; sys.exit('kvm_buf_set_msrs: Assertion failed')"


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A data folder with a probe guest, a /dev/kvm, and an emulator that does as told."""
    images = tmp_path / "images"
    images.mkdir()
    (images / "vmlinuz").touch()
    (images / "initrd.img").touch()
    about = {"kernel": "vmlinuz", "initrd": "initrd.img",
             "probe": {"kernel_options": "probe", "marker": "PROBE-UP"}}  # fmt: skip
    (images / "guest.json").write_text(json.dumps(about))
    (tmp_path / "kvm").touch()
    monkeypatch.setattr(accelerator, "KVM", tmp_path / "kvm")
    monkeypatch.setattr(accelerator, "PROBE_TIMEOUT_S", 0.5)
    return tmp_path


def decide(folder, does: str, virt: str = "auto", name: str = "qemu"):
    emulator = folder / name
    if not emulator.exists():
        emulator.write_text(f"#!{sys.executable}\n{does}\n")
        emulator.chmod(0o755)
    config = AgentConfig(folder, images=folder / "images", virt=virt)
    return Accelerator(config, str(emulator)).choice()


def test_kvm_is_taken_once_a_guest_has_booted_under_it(machine):
    choice = decide(machine, BOOTS)
    assert choice.accelerated
    assert "booted in" in choice.reason


@pytest.mark.parametrize("does, said", [(HANGS, "early console"), (DIES, "Assertion failed")])
def test_a_kvm_that_boots_nothing_is_not_taken_and_its_last_words_are_kept(machine, does, said):
    began = time.monotonic()
    choice = decide(machine, does)
    assert not choice.accelerated
    assert said in choice.reason
    assert time.monotonic() - began < 20


def test_the_answer_is_remembered_until_the_emulator_changes(machine):
    assert not decide(machine, DIES).accelerated
    (machine / "qemu").touch()  # another time stamp: an upgrade
    (machine / "qemu").write_text(f"#!{sys.executable}\n{BOOTS}\n")
    assert decide(machine, BOOTS).accelerated
    (machine / "images" / "guest.json").read_text()
    kept = json.loads((machine / "accelerator.json").read_text())
    kept["reason"] = "as remembered"
    (machine / "accelerator.json").write_text(json.dumps(kept))
    assert decide(machine, BOOTS).reason == "as remembered"


@pytest.mark.parametrize("damage", ["", "{", '{"machine": 1}', "[]"])
def test_a_damaged_memory_is_asked_again(machine, damage):
    (machine / "accelerator.json").write_text(damage)
    assert decide(machine, BOOTS).accelerated


def test_without_a_device_or_a_probe_guest_the_reason_is_said(machine):
    (machine / "kvm").unlink()
    assert "missing" in decide(machine, BOOTS).reason
    (machine / "kvm").touch()
    (machine / "images" / "vmlinuz").unlink()
    choice = decide(machine, BOOTS)
    assert not choice.accelerated
    assert "no probe guest" in choice.reason
    assert not (machine / "accelerator.json").exists()


def test_a_configured_mode_is_obeyed_unasked(machine):
    assert decide(machine, DIES, virt="kvm").accelerated
    assert not decide(machine, BOOTS, virt="qemu").accelerated
    with pytest.raises(p.OperationFailed, match="auto, kvm or qemu"):
        decide(machine, BOOTS, virt="xen")
