"""A guest that lies about who it is, in a namespace of its own: its frames do not arrive."""

import json
import struct
import subprocess

import pytest

from agent import protocol as p
from agent.network.shaping import nft_rules
from tests.integration.agent.conftest import quietly, run
from tests.integration.agent.spaces import inside

pytestmark = pytest.mark.libvirt

HOST = "cpt-guard-host"
LIAR = "cpt-guard-liar"
NIC = p.Nic("02:01:00:00:00:01", "br0", 0, ip4="10.9.0.10", guarded=True)

#: Sends one frame of each kind, and prints the names of those that came out at the other end.
PLAY = """
import json, socket, struct, sys
frames = json.loads(sys.argv[1])
out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
out.bind(("liar", 0))
for frame in frames.values():
    out.send(bytes.fromhex(frame))
"""
LISTEN = """
import socket, sys
ear = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
ear.bind(("victim", 0))
ear.settimeout(1.5)
print("ready", flush=True)
heard = set()
try:
    while True:
        frame = ear.recv(2048)
        if b"<<" in frame:
            heard.add(frame.split(b"<<")[1].split(b">>")[0].decode())
except TimeoutError:
    print(" ".join(sorted(heard)))
"""


def ip4(source: str, port: int, name: str) -> str:
    data = f"<<{name}>>".encode().hex()
    size = len(data) // 2
    address = "".join(f"{int(x):02x}" for x in source.split("."))
    udp = f"{port:04x}{9999:04x}{8 + size:04x}0000"
    head = f"4500{28 + size:04x}0000000040110000{address}0a090001"
    total = sum(struct.unpack(">10H", bytes.fromhex(head)))
    checksum = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF  # bridges drop what has none
    return f"{head[:20]}{checksum:04x}{head[24:]}{udp}{data}"


def frames() -> dict[str, str]:
    """Name → a whole Ethernet frame in hexadecimal digits."""
    own, false, all_ = "020100000001", "020100000077", "ff" * 6

    def arp(mac: str, address: str, name: str) -> str:
        mark = f"<<{name}>>".encode().hex()
        return f"0001080006040002{mac}{address}{'00' * 6}0a090001{mark}"

    return {
        "honest": f"{all_}{own}0800{ip4('10.9.0.10', 5000, 'honest')}",
        "asks-dhcp": f"{all_}{own}0800{ip4('0.0.0.0', 68, 'asks-dhcp')}",
        "honest-arp": f"{all_}{own}0806{arp(own, '0a09000a', 'honest-arp')}",
        "arp-probe": f"{all_}{own}0806{arp(own, '00000000', 'arp-probe')}",
        "false-mac": f"{all_}{false}0800{ip4('10.9.0.10', 5000, 'false-mac')}",
        "false-ip": f"{all_}{own}0800{ip4('10.9.0.66', 5000, 'false-ip')}",
        "false-arp": f"{all_}{own}0806{arp(own, '0a090042', 'false-arp')}",
        "false-arp-mac": f"{all_}{own}0806{arp(false, '0a09000a', 'false-arp-mac')}",
        "plays-dhcp": f"{all_}{own}0800{ip4('10.9.0.10', 67, 'plays-dhcp')}",
        "tagged": f"{all_}{own}810000050800{ip4('10.9.0.10', 5000, 'tagged')}",
    }


@pytest.fixture
def segment():
    """A bridge with a guest's card on it, and somebody else's."""
    for space in (HOST, LIAR):
        quietly("ip", "netns", "del", space)
        run("ip", "netns", "add", space)
    tap = "ct020100000001"
    for command in (
        "link add br0 type bridge forward_delay 0",
        f"link add {tap} type veth peer name liar netns {LIAR}",
        "link add port type veth peer name victim",
        f"link set {tap} master br0 up",
        "link set port master br0 up",
        "link set victim up",
        "link set br0 up",
    ):
        run("ip", "-n", HOST, *command.split())
    run("ip", "-n", LIAR, "link", "set", "liar", "up")
    yield
    for space in (HOST, LIAR):
        quietly("ip", "netns", "del", space)


def arrived() -> set[str]:
    argv = ["nsenter", f"--net=/run/netns/{HOST}", "--", "python3", "-c", LISTEN]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as ear:
        assert ear.stdout.readline() == "ready\n"
        inside(LIAR, PLAY, json.dumps(frames()))
        return set(ear.stdout.read().split())


def test_a_guarded_card_sends_under_its_own_addresses_only(segment):
    assert arrived() == set(frames())  # without a guard each of them gets through
    done = subprocess.run(
        ["nsenter", f"--net=/run/netns/{HOST}", "--", "nft", "-f", "-"],
        input=nft_rules([NIC]), text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert arrived() == {"honest", "asks-dhcp", "honest-arp", "arp-probe"}
