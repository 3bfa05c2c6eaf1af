"""Security groups on a real bridge: a guest's card lets through what its rules say."""

import subprocess

import pytest

from agent import protocol as p
from agent.network.filtering import removal, rules
from tests.integration.agent.conftest import quietly, run

pytestmark = pytest.mark.libvirt

HOST, GUEST, PEER = "cpt-sg-host", "cpt-sg-guest", "cpt-sg-peer"
MAC = "02:01:00:00:00:02"
TAP = "ct020100000002"
GUEST4, PEER4, OTHER4 = "10.9.1.10", "10.9.1.20", "10.9.1.21"
GUEST6, PEER6 = "fd09::10", "fd09::20"

ECHO = """
import selectors, socket, sys
chosen = selectors.DefaultSelector()
for family in (socket.AF_INET, socket.AF_INET6):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        for port in (22, 80):
            s = socket.socket(family, kind)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            s.bind(("", port))
            if kind == socket.SOCK_STREAM:
                s.listen()
            chosen.register(s, selectors.EVENT_READ)
print("ready", flush=True)
while True:
    for key, _ in chosen.select():
        if key.fileobj.type == socket.SOCK_STREAM:
            peer, _ = key.fileobj.accept()
            peer.sendall(b"hi")
            peer.close()
        else:
            _, peer = key.fileobj.recvfrom(100)
            key.fileobj.sendto(b"hi", peer)
"""
ASK = """
import socket, sys
kind, address, port, source = sys.argv[1:]
family = socket.AF_INET6 if ":" in address else socket.AF_INET
s = socket.socket(family, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
s.settimeout(0.6)
try:
    if source:
        s.bind((source, 0))
    s.connect((address, int(port)))
    if kind == "udp":
        s.send(b"?")
    print(s.recv(10).decode())
except OSError:
    print("nothing")
"""

PING = """
import socket, struct, sys, time
address = sys.argv[1]
six = ":" in address
family, protocol = (socket.AF_INET6, 58) if six else (socket.AF_INET, 1)
request, reply = (128, 129) if six else (8, 0)
s = socket.socket(family, socket.SOCK_RAW, protocol)
body = struct.pack(">BBHHH", request, 0, 0, 77, 1)
words = sum(struct.unpack(">4H", body))
checksum = ~((words & 0xFFFF) + (words >> 16)) & 0xFFFF
s.sendto(struct.pack(">BBHHH", request, 0, 0 if six else checksum, 77, 1), (address, 0))
end = time.monotonic() + 0.8
while (left := end - time.monotonic()) > 0:
    s.settimeout(left)
    try:
        answer = s.recv(200)
    except TimeoutError:
        break
    if answer[0 if six else 20] == reply:
        print("hi")
        break
"""


@pytest.fixture(scope="module")
def segment():
    """A guest and a neighbour on one bridge, each answering on ports 22 and 80."""
    for space in (HOST, GUEST, PEER):
        quietly("ip", "netns", "del", space)
        run("ip", "netns", "add", space)
    for command in (
        "link add br0 type bridge forward_delay 0",
        "link set br0 up",
        f"link add {TAP} type veth peer name eth0 netns {GUEST}",
        f"link add port type veth peer name eth0 netns {PEER}",
        f"link set {TAP} master br0 up",
        "link set port master br0 up",
    ):
        run("ip", "-n", HOST, *command.split())
    for space, addresses in (
        (GUEST, (f"{GUEST4}/24", f"{GUEST6}/64")),
        (PEER, (f"{PEER4}/24", f"{OTHER4}/24", f"{PEER6}/64")),
    ):
        run("ip", "-n", space, "link", "set", "eth0", "up")
        for address in addresses:
            more = ["nodad"] if ":" in address else []
            run("ip", "-n", space, "addr", "add", address, "dev", "eth0", *more)
    servers = [within(space, "python3", "-c", ECHO) for space in (GUEST, PEER)]
    for server in servers:
        assert server.stdout.readline() == "ready\n"
    yield
    for server in servers:
        server.kill()
        server.wait()
    for space in (HOST, GUEST, PEER):
        quietly("ip", "netns", "del", space)


def within(space: str, *argv: str) -> subprocess.Popen:
    whole = ["nsenter", f"--net=/run/netns/{space}", "--", *argv]
    return subprocess.Popen(whole, stdout=subprocess.PIPE, text=True)


def nft(text: str) -> None:
    argv = ["nsenter", f"--net=/run/netns/{HOST}", "--", "nft", "-f", "-"]
    done = subprocess.run(argv, input=text, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def put(**wanted) -> None:
    nft(rules([p.Nic(MAC, "br0", 0, ip4=GUEST4, rules=p.NicRules(**wanted))]))


@pytest.fixture
def afresh(segment):
    """No rules, and nothing remembered of earlier flows."""
    yield
    nft("add table bridge cloudportal_groups\ndelete table bridge cloudportal_groups\n")


def passes(space: str, kind: str, address: str, port: int, source: str = "") -> bool:
    with within(space, "python3", "-c", ASK, kind, address, str(port), source) as asked:
        return asked.stdout.read() == "hi\n"


def tcp(*ports: int, cidr: str = "0.0.0.0/0") -> tuple[p.SecurityRule, ...]:
    return tuple(p.SecurityRule("tcp", port, port, cidrs=(cidr,)) for port in ports)


def test_nothing_comes_in_but_answers_do(afresh):
    assert passes(PEER, "tcp", GUEST4, 22)  # without rules everything passes
    put()
    assert not passes(PEER, "tcp", GUEST4, 22)
    assert not passes(PEER, "udp", GUEST4, 80)
    assert not passes(PEER, "tcp", GUEST6, 22)
    for kind in ("tcp", "udp"):
        assert passes(GUEST, kind, PEER4, 80)
        assert passes(GUEST, kind, PEER6, 80)


def test_what_is_allowed_comes_in_and_nothing_beside_it(afresh):
    put(ingress=tcp(22))
    assert passes(PEER, "tcp", GUEST4, 22)
    assert not passes(PEER, "tcp", GUEST4, 80)
    assert not passes(PEER, "udp", GUEST4, 22)
    assert not passes(PEER, "tcp", GUEST6, 22)  # the rule was for IPv4
    put(ingress=(*tcp(80), *tcp(22, cidr="::/0")))  # and from now on another
    assert not passes(PEER, "tcp", GUEST4, 22)
    assert passes(PEER, "tcp", GUEST4, 80)
    assert passes(PEER, "tcp", GUEST6, 22)


def test_only_from_the_addresses_named(afresh):
    overlapping = p.SecurityRule("tcp", 1, 65535, cidrs=(f"{OTHER4}/32", "10.9.1.21/32"))
    put(ingress=(overlapping,))
    assert passes(PEER, "tcp", GUEST4, 22, source=OTHER4)
    assert not passes(PEER, "tcp", GUEST4, 22, source=PEER4)


def test_egress_rules_shut_all_else_in(afresh):
    put(ingress=tcp(22), egress=tcp(80), egress_limited=True)
    assert passes(GUEST, "tcp", PEER4, 80)
    assert not passes(GUEST, "tcp", PEER4, 22)
    assert not passes(GUEST, "udp", PEER4, 80)
    assert passes(PEER, "tcp", GUEST4, 22)  # its answers go out
    put(egress_limited=True, routers=(PEER4,))
    assert passes(GUEST, "udp", PEER4, 22)  # what the network itself gives
    assert not passes(GUEST, "tcp", PEER6, 80)


def test_every_protocol_can_be_named(afresh):
    def pings(space: str, address: str) -> bool:
        with within(space, "python3", "-c", PING, address) as ping:
            return ping.stdout.read() == "hi\n"

    put()
    assert not pings(PEER, GUEST4)
    assert pings(GUEST, PEER4)
    put(ingress=(p.SecurityRule("icmp", icmp_type=8, icmp_code=0, cidrs=("0.0.0.0/0",)),))
    assert pings(PEER, GUEST4)
    put(
        ingress=(
            p.SecurityRule("47", cidrs=("10.0.0.0/8",)),
            p.SecurityRule("all", cidrs=("::/0",)),
        )
    )
    assert not pings(PEER, GUEST4)
    assert pings(PEER, GUEST6)
    assert passes(PEER, "udp", GUEST6, 80)


def test_rules_go_without_a_trace(afresh):
    put(ingress=tcp(22), egress=tcp(80), egress_limited=True)
    nft(removal([TAP]))
    assert passes(PEER, "tcp", GUEST4, 80)
    argv = ["nsenter", f"--net=/run/netns/{HOST}", "--", "nft", "list", "ruleset"]
    assert TAP not in subprocess.run(argv, capture_output=True, text=True, check=True).stdout
