"""Network namespaces that play guests and the world outside."""

import json
import subprocess
import sys
from contextlib import contextmanager

from tests.integration.agent.conftest import HOST_NETWORK, quietly, run


def inside(space: str, code: str, *arguments: str, timeout: float = 20) -> str:
    """Run Python ``code`` in a namespace; what it prints, or AssertionError."""
    argv = ["nsenter", f"--net=/run/netns/{space}", "--", sys.executable, "-c", code, *arguments]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=timeout, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def fails_inside(space: str, code: str, *arguments: str) -> bool:
    try:
        inside(space, code, *arguments)
    except AssertionError:
        return True
    return False


FETCH = """
import sys, urllib.request
headers = {"DomU_Request": sys.argv[2]} if len(sys.argv) > 2 else {}
request = urllib.request.Request(sys.argv[1], headers=headers)
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
print(opener.open(request, timeout=3).read().decode())
"""

CONNECT = """
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2])), 2) as connection:
    print(connection.recv(100).decode())
"""

RESOLVE = """
import random, socket, struct, sys
server, name, kind = sys.argv[1:4]
number = random.randrange(65536)
labels = b"".join(bytes([len(p)]) + p.encode() for p in name.split(".")) + b"\\0"
question = labels + struct.pack(">HH", {"A": 1, "AAAA": 28}[kind], 1)
family = socket.AF_INET6 if ":" in server else socket.AF_INET
with socket.socket(family, socket.SOCK_DGRAM) as sock:
    sock.settimeout(3)
    sock.sendto(struct.pack(">HHHHHH", number, 0x100, 1, 0, 0, 0) + question, (server, 53))
    answer = sock.recv(4096)
count = struct.unpack(">H", answer[6:8])[0]
at = 12 + len(question)
for _ in range(count):
    length = struct.unpack(">H", answer[at + 10 : at + 12])[0]
    data = answer[at + 12 : at + 12 + length]
    print(socket.inet_ntop(socket.AF_INET if length == 4 else socket.AF_INET6, data))
    at += 12 + length
"""

# Says to each caller from which address it came.
GREETER = """
import socket, sys
server = socket.create_server(("", int(sys.argv[1])))
print("ready", flush=True)
while True:
    connection, address = server.accept()
    connection.sendall(address[0].encode())
    connection.close()
"""


@contextmanager
def greeter(space: str, port: int):
    argv = ["nsenter", f"--net=/run/netns/{space}", "--", sys.executable, "-c", GREETER, str(port)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline().strip() == "ready"
            yield
        finally:
            process.kill()


@contextmanager
def guest(name: str, bridge: str, mac: str, address: str, gateway: str):
    """A guest's network card as a namespace on a bridge of the host's namespace."""
    quietly("ip", "netns", "del", name)
    run("ip", "netns", "add", name)
    try:
        port = f"g{name[-6:]}"
        peer = ("peer", "name", "eth0", "netns", name)
        run("ip", "-n", HOST_NETWORK, "link", "add", port, "type", "veth", *peer)
        run("ip", "-n", HOST_NETWORK, "link", "set", port, "master", bridge, "up")
        run("ip", "-n", name, "link", "set", "eth0", "address", mac)
        run("ip", "-n", name, "addr", "add", address, "dev", "eth0")
        for device in ("lo", "eth0"):
            run("ip", "-n", name, "link", "set", device, "up")
        run("ip", "-n", name, "route", "add", "default", "via", gateway)
        yield name
    finally:
        quietly("ip", "-n", HOST_NETWORK, "link", "del", f"g{name[-6:]}")
        quietly("ip", "netns", "del", name)


def links(space: str) -> dict[str, dict]:
    return {entry["ifname"]: entry for entry in json.loads(run("ip", "-n", space, "-j", "link"))}
