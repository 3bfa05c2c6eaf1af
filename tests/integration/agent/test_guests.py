"""Real guests: what they see of their host, and what outlives agents and libvirtd."""

import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from agent import protocol as p
from agent.config import AgentConfig
from agent.drivers.libvirt.domains import FIRMWARE
from agent.network.shaping import TABLE
from agent.operations import local_agent
from tests.integration.agent.conftest import HOST_NETWORK, LibvirtRig, quietly, run
from tests.unit.agent.contract_network import router

pytestmark = pytest.mark.libvirt

MAC = "02:01:00:00:00:01"


class Serial:
    """The guest's shell on its serial line, as the console page has it."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(path)
        self._socket.settimeout(0.2)
        heard, end = "", time.monotonic() + 60
        while not heard.rstrip().endswith("#") and time.monotonic() < end:
            self._socket.sendall(b"\n")
            heard += self._hear()

    def _hear(self) -> str:
        """As a terminal does, it answers the shell that asks where the cursor is."""
        try:
            heard = self._socket.recv(65536).decode(errors="replace")
        except TimeoutError:
            return ""
        if "\x1b[6n" in heard:
            self._socket.sendall(b"\x1b[1;1R")
        return heard.replace("\x1b[6n", "")

    def ask(self, command: str, seconds: float = 20) -> str:
        """What a command prints; the shell echoes the command itself with a quote inside."""
        self._socket.sendall(f"{command}; echo CPT'-'DONE\n".encode())
        heard, end = "", time.monotonic() + seconds
        while "CPT-DONE" not in heard and time.monotonic() < end:
            heard += self._hear()
        return heard

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def serial(rig):
    opened = []

    def connect(spec: p.DomainSpec) -> Serial:
        path = rig.call("domain.console", p.DomainRef(spec.uuid)).serial_path
        opened.append(Serial(path))
        return opened[-1]

    yield connect
    for line in opened:
        line.close()


def wait_ready(rig: LibvirtRig, spec: p.DomainSpec, word: str = "") -> None:
    marker = word or rig._ready_marker
    rig.wait_for(lambda: marker in rig.console_log(spec), 90, marker)


def test_a_guest_sees_its_config_drive_its_disks_and_its_serials(rig, serial):
    data = p.Disk(rig.volume(), 1, serial="data-1")
    spec = rig.spec(bootable=True)
    drive = p.ConfigDrive({
        "openstack/latest/meta_data.json": json.dumps({"local-hostname": "from-drive"}),
        "openstack/latest/user_data": "#!/bin/sh\necho user-data-ran > /run/ran\n",
    })  # fmt: skip
    spec = rig.started(dataclasses.replace(spec, disks=(*spec.disks, data), config_drive=drive))
    wait_ready(rig, spec)
    line = serial(spec)
    assert "from-drive" in line.ask("hostname")
    assert "user-data-ran" in line.ask("cat /run/ran")
    assert "data-1" in line.ask("cat /sys/block/vdb/serial")
    assert "131072" in line.ask("cat /sys/block/vdb/size")


def test_a_guest_sees_disks_come_grow_and_go(rig, serial):
    spec, disk = rig.booted(), p.Disk(rig.volume(), 1)
    line = serial(spec)
    rig.call("domain.attach_disk", p.AttachDisk(spec.uuid, disk))
    rig.wait_for(lambda: "131072" in line.ask("cat /sys/block/vdb/size"), 20)
    wanted = p.ResizeVolume(disk.source, 2**27, domain_uuid=spec.uuid, device_id=1)
    rig.call("volume.resize", wanted)
    rig.wait_for(lambda: "262144" in line.ask("cat /sys/block/vdb/size"), 20)
    rig.call("domain.detach_disk", p.DetachDisk(spec.uuid, disk))
    assert "vdb" not in line.ask("ls /sys/block")


def test_a_snapshot_is_the_disk_as_it_was_at_its_moment(rig, serial):
    spec = rig.booted()
    line = serial(spec)
    line.ask("echo before > /root/mark; sync")
    target = p.StorePath(rig.store, f"snapshots/{rig.fresh_name()}")
    root = spec.disks[0].source
    rig.call("volume.snapshot", p.SnapshotVolume(root, target, spec.uuid, quiesce=True))
    line.ask("echo after > /root/mark; sync")
    rig.call("domain.stop", p.StopDomain(spec.uuid, forced=True, timeout_s=0))
    rig.call("volume.revert", p.RevertVolume(target, root))
    rig.call("domain.start", p.StartDomain(spec))
    log = rig.config.data / "consoles" / f"{spec.uuid}.log"
    began = log.stat().st_size
    rig.wait_for(
        lambda: rig._ready_marker in log.read_text(errors="replace")[began:], 90, "a second boot"
    )
    assert "before" in serial(spec).ask("cat /root/mark")


SNAPSHOT = """
import sys
from pathlib import Path
from agent import protocol as p
from agent.operations import AgentConfig, local_agent
data, run, uri, call = sys.argv[1:5]
import json
agent = local_agent(AgentConfig(Path(data), run=Path(run), libvirt_uri=uri, virt="qemu"))
wanted = p.from_wire(p.SnapshotVolume, json.loads(call))
print("begun", flush=True)
agent.execute(p.Call("volume.snapshot", wanted))
"""


def test_a_portal_killed_while_it_snapshots_repairs_at_the_next_try(rig):
    """The disk is throttled so that the copy surely takes longer than the killing."""
    disk = p.Disk(rig.volume(256 * 2**20), 1, read_bps=4 * 2**20)
    _fill(rig, disk.source)
    spec = rig.spec()
    spec = rig.started(dataclasses.replace(spec, disks=(*spec.disks, disk)))
    target = p.StorePath(rig.store, f"snapshots/{rig.fresh_name()}")
    wanted = p.SnapshotVolume(disk.source, target, domain_uuid=spec.uuid, device_id=1)
    store = Path(rig.store.path) / "snapshots"
    argv = [
        sys.executable, "-c", SNAPSHOT, str(rig.config.data), str(rig.config.run_path),
        rig.config.libvirt_uri, json.dumps(p.to_wire(wanted)),
    ]  # fmt: skip
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as portal:
        assert portal.stdout.readline().strip() == "begun"
        rig.wait_for(lambda: any(_parts(store, target)), 20, "a part of the copy")
        portal.send_signal(signal.SIGKILL)
    info = rig.call("volume.snapshot", wanted)
    assert info.virtual_bytes == 256 * 2**20
    assert not any(_parts(store, target))
    assert rig.power(spec) == "PowerOn"
    rig.call("domain.detach_disk", p.DetachDisk(spec.uuid, p.Disk(rig.disk_ref("cpt-none"), 9)))


def _fill(rig, disk: p.DiskRef) -> None:
    path = Path(disk.pool.path) / disk.name
    subprocess.run(
        ["qemu-io", "-f", "qcow2", "-c", "write -P 7 0 24M", str(path)],
        check=True, capture_output=True,
    )  # fmt: skip


def _parts(store: Path, target: p.StorePath) -> list[Path]:
    return list(store.glob(f".{target.name.split('/')[-1]}.*.part"))


def test_a_cancelled_snapshot_ends_its_job_and_leaves_no_part(rig):
    disk = p.Disk(rig.volume(256 * 2**20), 1)
    _fill(rig, disk.source)
    spec = rig.spec()
    spec = rig.started(dataclasses.replace(spec, disks=(*spec.disks, disk)))
    target = p.StorePath(rig.store, f"snapshots/{rig.fresh_name()}")
    wanted = p.SnapshotVolume(disk.source, target, domain_uuid=spec.uuid, device_id=1)

    def give_up(percent, note=""):
        raise p.Cancelled("enough")

    with pytest.raises(p.Cancelled):
        rig.call("volume.snapshot", wanted, progress=give_up)
    assert not any(_parts(Path(rig.store.path) / "snapshots", target))
    assert rig.call("volume.snapshot", wanted).virtual_bytes == 256 * 2**20


def test_a_restarted_agent_finds_its_guests_and_remembers_fences(rig):
    spec = rig.started()
    rig.call("domain.state", p.DomainRef(spec.uuid), **{f"vm:{spec.uuid}": 9})
    successor = local_agent(rig.config)
    try:
        report = successor.execute(p.Call("host.power", p.Nothing()))
        assert spec.uuid in {state.uuid for state in report.states}
        ours = successor.execute(p.Call("domain.console", p.DomainRef(spec.uuid)))
        assert ours == rig.call("domain.console", p.DomainRef(spec.uuid))
        late = p.Call("domain.state", p.DomainRef(spec.uuid), {f"vm:{spec.uuid}": 8})
        with pytest.raises(p.StaleFence):
            successor.execute(late)
    finally:
        successor.close()
    assert rig.power(spec) == "PowerOn"


def test_domains_of_another_installation_are_not_reported(rig, tmp_path):
    spec = rig.started()
    stranger = local_agent(dataclasses.replace(rig.config, data=tmp_path))
    try:
        report = stranger.execute(p.Call("host.power", p.Nothing()))
        assert spec.uuid not in {state.uuid for state in report.states}
    finally:
        stranger.close()


def test_the_screen_asks_for_the_password(rig):
    spec = rig.started()
    console = rig.call("domain.console", p.DomainRef(spec.uuid))
    assert (console.vnc_host, len(console.vnc_password)) == ("127.0.0.1", 8)
    with socket.create_connection((console.vnc_host, console.vnc_port), 5) as screen:
        version = screen.recv(12)
        assert version.startswith(b"RFB 003.")
        screen.sendall(version)
        kinds = screen.recv(16)
    assert kinds == b"\x01\x02"  # one way in: VNC authentication (RFC 6143, 7.1.2)
    rig.call("domain.stop", p.StopDomain(spec.uuid, forced=True, timeout_s=0))
    rig.call("domain.start", p.StartDomain(spec))
    again = rig.call("domain.console", p.DomainRef(spec.uuid))
    assert again.vnc_password != console.vnc_password


def test_network_rates_are_limited_both_ways_and_gone_with_the_card(rig, guest_bridge):
    nic = p.Nic(MAC, guest_bridge, 0, rate_mbps=20)
    spec = rig.started(nics=(nic,))
    tap = "ct020100000001"
    assert "tbf" in run("tc", "qdisc", "show", "dev", tap)
    assert "limit rate over 2500000 bytes/second" in _policer(tap)
    rig.call("domain.remove", p.RemoveDomain(spec.uuid))
    assert not Path(f"/sys/class/net/{tap}").exists()
    assert tap not in run("nft", "list", "ruleset")
    second = rig.started(nics=(dataclasses.replace(nic, rate_mbps=40),))
    assert "limit rate over 5000000 bytes/second" in _policer(tap)
    assert "40Mbit" in run("tc", "qdisc", "show", "dev", tap)
    rig.call("domain.detach_nic", p.DetachNic(second.uuid, "02:01:00:00:00:77"))


def _policer(tap: str) -> str:
    return (
        run("nft", "list", "chain", "netdev", TABLE, tap)
        .replace("mbytes/second", "000000 bytes/second")
        .replace("kbytes/second", "000 bytes/second")
    )


def test_network_cards_are_plugged_and_unplugged(rig, serial, guest_bridge):
    spec, nic = rig.booted(), p.Nic(MAC, guest_bridge, 1)
    line = serial(spec)
    for _ in range(2):
        rig.call("domain.attach_nic", p.AttachNic(spec.uuid, nic))
    rig.wait_for(lambda: MAC in line.ask("cat /sys/class/net/eth*/address"), 20)
    for _ in range(2):
        rig.call("domain.detach_nic", p.DetachNic(spec.uuid, MAC))
    assert MAC not in line.ask("cat /sys/class/net/*/address")


@pytest.fixture
def routed_bridge(guest_bridge):
    """The guests' bridge of this machine tied to a router's bridge in the tests' namespace."""
    quietly("ip", "link", "del", "cptjoin0")
    run("ip", "link", "add", "cptjoin0", "type", "veth", "peer", "name", "cptjoin1",
        "netns", HOST_NETWORK)  # fmt: skip
    run("ip", "link", "set", "cptjoin0", "master", guest_bridge, "up")
    yield guest_bridge
    quietly("ip", "link", "del", "cptjoin0")


def test_a_guest_gets_address_name_key_and_way_out_from_its_router(rig, serial, routed_bridge):
    wanted = router("cpt-r1")
    metadata = p.GuestMetadata(
        "10.99.0.10",
        {"local-hostname": "web-1", "public-keys": "ssh-ed25519 AAAAtest me", "instance-id": "i"},
        password="s3cret-pass",
    )
    network = dataclasses.replace(wanted.networks[0], metadata=(metadata,), mtu=1400)
    assert rig.call("router.apply", dataclasses.replace(wanted, networks=(network,))).problems == ()
    run("ip", "-n", HOST_NETWORK, "link", "set", "cptjoin1", "master", "cptbr1", "up")
    spec = rig.started(bootable=True, nics=(p.Nic(MAC, routed_bridge, 0),))
    wait_ready(rig, spec)
    line = serial(spec)
    rig.wait_for(lambda: "10.99.0.10/24" in line.ask("ip -4 addr show eth0"), 30, "an address")
    rig.wait_for(lambda: "web-1" in line.ask("hostname"), 30, "the name")
    key = "cat /root/.ssh/authorized_keys"
    rig.wait_for(lambda: "AAAAtest" in line.ask(key), 30, "the SSH key")
    assert "mtu 1400" in line.ask("ip link show eth0")
    assert " 0% packet loss" in line.ask("ping -c 2 -W 5 198.51.100.1")
    assert "10.99.0.10" in line.ask("nslookup web-1.cs.internal")


@pytest.fixture
def short_folder():
    """A socket's path may not be longer than 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="cpt-", dir="/tmp") as folder:
        yield Path(folder)


def test_libvirtd_gone_is_said_and_its_return_announced(
    lab_hosts, guest_image, tmp_path, short_folder
):
    # A lab host has a /run of its own, so its sockets lie elsewhere.
    (host,) = lab_hosts(1)
    config = AgentConfig(tmp_path / "agent", run=short_folder, libvirt_uri=host.uri, virt="qemu")
    agent = local_agent(config)
    rig = LibvirtRig(agent, config, guest_image.disk, "READY")
    spec = rig.started()
    host.stop_libvirtd()
    with pytest.raises(p.HypervisorUnavailable):
        rig.call("domain.state", p.DomainRef(spec.uuid))
    report = rig.call("host.preflight", p.Preflight())
    assert not next(check for check in report.checks if check.name == "libvirt").passed
    rig.events.clear()
    host.start_libvirtd()
    rig.wait_for(lambda: any(e.reason == "resync" for e in rig.events), 20, "resync")
    assert rig.power(spec) == "PowerOn"
    rig.call("domain.remove", p.RemoveDomain(spec.uuid))
    rig.wait_for(lambda: rig.saw(spec, "PowerMissing"), 10, "events after the return")
    agent.close()


def test_uefi_machines_start_and_leave_no_variables_behind(rig):
    if not any(path.exists() for path in FIRMWARE):
        with pytest.raises(p.OperationFailed, match="Install the package ovmf"):
            rig.started(uefi=True)
        return
    spec = rig.started(uefi=True)
    assert rig.power(spec) == "PowerOn"
    rig.call("domain.remove", p.RemoveDomain(spec.uuid))
    left = [name for name in os.listdir("/var/lib/libvirt/qemu/nvram") if spec.name in name]
    assert left == []
