"""Stock websockify with the portal's token plugin, in front of a real machine's screen."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import time

import pytest
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import connect

from tests.integration.portal import REPOSITORY, LabHost, LabPortal, wait_until

pytestmark = pytest.mark.libvirt

SECRET = "a secret of the tests' gateway"


@pytest.fixture(scope="module")
def host(libvirt_uri):
    made = LabHost("cpgw")
    made("down")
    made("up", "1")
    yield made
    made("down")


@pytest.fixture(scope="module")
def portal(host, guest_image):
    made = LabPortal(host, guest_image.folder, CLOUDPORTAL_GATEWAY_SECRET=SECRET)
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def client(portal):
    return portal.client()


@pytest.fixture(scope="module")
def machine(client):
    template = wait_until(
        lambda: client.listTemplates(templatefilter="executable").get("template"), "a template"
    )[0]
    return client.deployVirtualMachine(
        zoneid=client.listZones()["zone"][0]["id"], templateid=template["id"],
        serviceofferingid=client.listServiceOfferings()["serviceoffering"][0]["id"],
        fetch_result=True,
    )["virtualmachine"]  # fmt: skip


class Gateway:
    """websockify on the machine's host, listening to the world."""

    def __init__(self, host: LabHost, portal: LabPortal, port: int, secret: str) -> None:
        self.url = f"ws://{host.address}:{port}/websockify"
        self.process = subprocess.Popen(
            [
                *host.enter(), sys.executable, "-m", "websockify",
                "--token-plugin", "consoleproxy.websockify_tokens.PortalTokens",
                "--token-source", portal.url, f"{host.address}:{port}",
            ],
            stderr=subprocess.DEVNULL,
            env={
                **os.environ, "PYTHONPATH": str(REPOSITORY), "CLOUDPORTAL_GATEWAY_SECRET": secret,
            },
        )  # fmt: skip

    def open(self, ticket: str):
        return connect(f"{self.url}?token={ticket}", subprotocols=["binary"], max_size=None)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)


@pytest.fixture(scope="module")
def gateway(host, portal):
    made = Gateway(host, portal, 6080, SECRET)
    wait_until(lambda: refuses(made, "nonsense"), "websockify")
    yield made
    made.stop()


def refuses(gateway: Gateway, ticket: str) -> bool:
    """It answers, and not with a screen."""
    try:
        with gateway.open(ticket):
            return False
    except ConnectionRefusedError:
        return False
    except (InvalidHandshake, OSError, EOFError):
        return True


def new_ticket(client, machine) -> str:
    made = client.createConsoleEndpoint(virtualmachineid=machine["id"])["consoleendpoint"]
    return made["websocket"]["token"]


def open_sessions(client) -> list[dict]:
    found = client.listConsoleSessions(activeonly="true", listall="true")
    return found.get("consolesession", [])


def read(line, count: int) -> bytes:
    data = b""
    while len(data) < count:
        data += line.recv(10)
    return data


def greet(line) -> tuple[int, int]:
    """Width and height of the screen; no password was asked for."""
    assert read(line, 12) == b"RFB 003.008\n"
    line.send(b"RFB 003.008\n")
    assert read(line, 2) == b"\1\1"
    line.send(b"\1")
    assert read(line, 4) == bytes(4)
    line.send(b"\1")
    return struct.unpack("!HH", read(line, 24)[:4])


def test_a_ticket_opens_the_screen_once(client, machine, gateway):
    ticket = new_ticket(client, machine)
    with gateway.open(ticket) as line:
        width, height = greet(line)
        assert width > 300
        assert height > 200
        (session,) = open_sessions(client)
        assert session["virtualmachineid"] == machine["id"]
        assert refuses(gateway, ticket), "a second time"
    wait_until(lambda: not open_sessions(client), "the end of the session", 10)


def test_screens_listen_on_the_loopback_alone(host, machine):
    listening = [line.split()[3] for line in host.run("ss", "-Hltn").stdout.splitlines()]
    screens = [where for where in listening if where.rpartition(":")[2].startswith("59")]
    assert screens
    assert all(where.startswith("127.0.0.1:") for where in screens)


def test_an_administrator_ends_it(client, machine, gateway):
    with gateway.open(new_ticket(client, machine)) as line:
        greet(line)
        (session,) = open_sessions(client)
        client.endConsoleSession(id=session["id"])
        began = time.monotonic()
        with pytest.raises(ConnectionClosed):
            read(line, 10**9)
        assert time.monotonic() - began < 5
    wait_until(lambda: not open_sessions(client), "the end of the session", 10)


@pytest.mark.parametrize("secret", ["another secret", ""])
def test_a_gateway_that_the_portal_does_not_know_opens_nothing(
    host, portal, client, machine, gateway, secret
):
    stranger = Gateway(host, portal, 6081, secret)
    try:
        wait_until(lambda: refuses(stranger, "nonsense"), "websockify")
        ticket = new_ticket(client, machine)
        assert refuses(stranger, ticket)
        assert open_sessions(client) == []
        with gateway.open(ticket) as line:
            greet(line)  # the stranger has not used it up
    finally:
        stranger.stop()
