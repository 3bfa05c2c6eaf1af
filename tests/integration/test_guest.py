"""What the tiny guest promises, asked of a real one under QEMU's emulation."""

import contextlib
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.guests import BareGuest, wait_until

pytestmark = pytest.mark.libvirt


def config_drive(folder: Path, files: dict[str, str]) -> tuple[str, ...]:
    """QEMU arguments for a CD labelled config-2 with these files on it."""
    tree = folder / "tree"
    for name, content in files.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    disc = folder / "config.iso"
    subprocess.run(
        ["genisoimage", "-quiet", "-J", "-r", "-V", "config-2", "-o", str(disc), str(tree)],
        check=True,
    )
    return ("-cdrom", str(disc))


def make_key(folder: Path) -> str:
    key = folder / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    return (folder / "key.pub").read_text().strip()


def cloudstack_drive(folder: Path, name: str = "web-1", user_data: str = "") -> tuple[str, ...]:
    return config_drive(
        folder,
        {
            "cloudstack/metadata/local-hostname.txt": name,
            "cloudstack/metadata/instance-id.txt": "i-1",
            "cloudstack/metadata/public-keys.txt": (folder / "key.pub").read_text(),
            "cloudstack/userdata/user_data.txt": user_data,
            "cloudstack/password/vm_password.txt": "Wq7-unguessed",
        },
    )


def test_guest_json_describes_the_image(guest_image):
    content = guest_image.disk.read_bytes()
    assert guest_image.facts["sha256"] == hashlib.sha256(content).hexdigest()
    assert guest_image.facts["size_bytes"] == len(content)
    shown = subprocess.run(
        ["qemu-img", "info", "--output=json", str(guest_image.disk)],
        capture_output=True,
        check=True,
    )
    info = json.loads(shown.stdout)
    assert info["virtual-size"] == guest_image.facts["virtual_size_bytes"]
    assert "backing-filename" not in info


def test_the_probe_kernel_prints_its_marker_and_powers_off(guest_image):
    facts = guest_image.facts
    done = subprocess.run(
        ["qemu-system-x86_64", "-accel", "tcg", "-m", "128", "-nodefaults", "-no-reboot"]
        + ["-display", "none", "-serial", "stdio"]
        + ["-kernel", str(guest_image.folder / facts["kernel"])]
        + ["-initrd", str(guest_image.folder / facts["initrd"])]
        + ["-append", facts["probe"]["kernel_options"]],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert facts["probe"]["marker"].encode() in done.stdout


def test_a_cloudstack_config_drive_gives_name_key_password_and_user_data(guest_image, short_folder):
    make_key(short_folder)
    drive = cloudstack_drive(short_folder, user_data="#!/bin/sh\necho ran >> /root/runs\n")
    with BareGuest(guest_image.disk, short_folder, *drive) as guest:
        guest.wait_for(f"{guest_image.facts['ready_marker']} web-1")
        assert guest.run("hostname; cat /root/runs").splitlines() == ["web-1", "ran"]
        assert guest.ssh_with_password("Wq7-unguessed", "echo in").stdout.strip() == "in"
        assert guest.ssh_with_password("Wq7-guessed", "echo in").stdout.strip() == ""
        guest.run("sync")
    with BareGuest(guest_image.disk, short_folder, *drive) as guest:
        assert guest.run("cat /root/runs") == "ran", "user data ran again for the same instance"


def test_an_openstack_config_drive_gives_name_keys_and_user_data(guest_image, short_folder):
    key = make_key(short_folder)
    meta = {"uuid": "7", "hostname": "db-2", "public_keys": {"a": "ssh-rsa AAAA other", "b": key}}
    drive = config_drive(
        short_folder,
        {
            "openstack/latest/meta_data.json": json.dumps(meta),
            "openstack/latest/user_data": "#cloud-config\nruncmd:\n  - echo ran > /root/runs\n",
        },
    )
    with BareGuest(guest_image.disk, short_folder, *drive) as guest:
        assert guest.run("hostname; cat /root/runs").splitlines() == ["db-2", "ran"]
        assert guest.run("wc -l < /root/.ssh/authorized_keys") == "2"


@pytest.fixture
def router(short_folder):
    """A network namespace with a router at 10.9.9.1 that leases 10.9.9.50; its name."""
    name = f"guest-test-{os.getpid()}"
    inside = ["ip", "netns", "exec", name]
    subprocess.run(["ip", "netns", "add", name], check=True)
    with contextlib.ExitStack() as undo:
        undo.callback(subprocess.run, ["ip", "netns", "del", name], check=True)
        for command in (
            "ip link set lo up",
            "ip tuntap add dev tap0 mode tap",
            "ip address add 10.9.9.1/24 dev tap0",
            "ip link set tap0 up",
        ):
            subprocess.run([*inside, *command.split()], check=True)
        for server in (
            ["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0"]
            + ["--interface=tap0", "--bind-interfaces", "--no-ping", "--dhcp-authoritative"]
            + ["--dhcp-range=10.9.9.50,10.9.9.50,1h", f"--dhcp-leasefile={short_folder}/leases"],
            [sys.executable, str(Path(__file__).parent / "fake_router.py")]
            + ["10.9.9.1", str(short_folder)],
        ):
            process = subprocess.Popen([*inside, *server], stderr=subprocess.DEVNULL)
            undo.callback(process.wait)
            undo.callback(process.kill)
        yield name


def test_the_metadata_and_password_servers_are_asked(guest_image, short_folder, router):
    key = make_key(short_folder)
    for name, content in {
        "latest_meta-data_instance-id": "i-2-9-VM",
        "latest_meta-data_local-hostname": "app-3",
        "latest_meta-data_public-keys": key,
        "latest_user-data": "#!/bin/sh\necho ran > /root/runs\n",
        "password": "Zk3-unguessed\n",
    }.items():
        (short_folder / name).write_text(content)
    with BareGuest(guest_image.disk, short_folder, netns=router, address="10.9.9.50") as guest:
        wait_until(lambda: guest.run("hostname") == "app-3", "the name from the metadata", 30)
        wait_until(lambda: guest.run("cat /root/runs") == "ran", "the user data to run", 30)
        wait_until((short_folder / "password.saved").exists, "the password to be confirmed", 30)
        assert guest.ssh_with_password("Zk3-unguessed", "echo in").stdout.strip() == "in"


def test_a_changed_key_and_password_replace_the_old_ones(guest_image, short_folder):
    make_key(short_folder)
    with BareGuest(guest_image.disk, short_folder, *cloudstack_drive(short_folder)) as guest:
        guest.run("true")
        guest.run("echo root:my-own-choice | chpasswd; sync")
    (short_folder / "key").rename(short_folder / "old")
    make_key(short_folder)
    with BareGuest(guest_image.disk, short_folder, *cloudstack_drive(short_folder)) as guest:
        assert guest.run("wc -l < /root/.ssh/authorized_keys") == "1"
        assert guest.ssh_with_password("my-own-choice", "echo in").stdout.strip() == "in"


def test_without_settings_nobody_gets_in_over_the_network(guest_image, short_folder):
    with BareGuest(guest_image.disk, short_folder) as guest:
        guest.wait_for("address 10.0.2.15")
        assert wait_until(lambda: "denied" in guest.ssh("id").stderr, "SSH's refusal", 30)
        for password in ("", "root", "tiny", "*"):
            assert guest.ssh_with_password(password, "echo in").stdout.strip() == ""


def test_the_serial_console_echoes_and_answers(guest_image, short_folder):
    with BareGuest(guest_image.disk, short_folder) as guest:
        guest.wait_for("root@tiny:~# ")
        guest.type_on_serial("echo six times seven is $((6 * 7))\n")
        answered = guest.wait_for("six times seven is 42", 20)
        assert "echo six times seven is $((6 * 7))" in answered, "typing is not echoed"


def test_the_power_button_shuts_it_down(guest_image, short_folder):
    with BareGuest(guest_image.disk, short_folder) as guest:
        guest.wait_for(guest_image.facts["ready_marker"])
        guest.qmp("system_powerdown")
        wait_until(guest.has_ended, "power off after the power button", 30)


def test_disk_nic_processor_and_memory_can_be_added_while_it_runs(guest_image, short_folder):
    make_key(short_folder)
    disk = short_folder / "data.raw"
    disk.touch()
    disk.open("r+b").truncate(64 << 20)
    arguments = (
        *cloudstack_drive(short_folder),
        *("-smp", "1,maxcpus=2", "-netdev", "user,id=second,net=10.0.3.0/24"),
    )
    with BareGuest(
        guest_image.disk, short_folder, *arguments, memory="128,slots=2,maxmem=1G"
    ) as guest:
        before_kb = int(guest.run("sed -n 's/MemTotal: *\\([0-9]*\\).*/\\1/p' /proc/meminfo"))
        guest.qmp(
            "blockdev-add", driver="raw", node_name="data",
            file={"driver": "file", "filename": str(disk)},
        )  # fmt: skip
        guest.qmp("device_add", driver="virtio-blk-pci", drive="data", id="data")
        guest.qmp("device_add", driver="virtio-net-pci", netdev="second", id="second")
        guest.qmp("object-add", qom_type="memory-backend-ram", id="more", size=128 << 20)
        guest.qmp("device_add", driver="pc-dimm", id="dimm", memdev="more")
        free = [slot for slot in guest.qmp("query-hotpluggable-cpus") if "qom-path" not in slot]
        guest.qmp("device_add", driver=free[0]["type"], id="cpu1", **free[0]["props"])

        wait_until(lambda: guest.run("cat /sys/block/vdb/size") == str(64 << 11), "the disk", 20)
        assert guest.run("mke2fs /dev/vdb >/dev/null && mount /dev/vdb /data && echo ok") == "ok"
        wait_until(lambda: "10.0.3.15/24" in guest.run("ip -4 addr show eth1"), "the NIC", 20)
        wait_until(lambda: guest.run("nproc") == "2", "the processor", 20)
        after_kb = int(guest.run("sed -n 's/MemTotal: *\\([0-9]*\\).*/\\1/p' /proc/meminfo"))
        assert after_kb - before_kb > 120 << 10
