"""The integration port is bound when the operator says so, on loopback, and not before."""

from __future__ import annotations

import socket

import psutil
import pytest
import requests
from cs import CloudStack

from tests.compat.conftest import Running, free_port

pytestmark = pytest.mark.compat


def listeners(pid: int) -> set[tuple[str, int]]:
    connections = psutil.Process(pid).net_connections("inet")
    return {tuple(c.laddr) for c in connections if c.status == psutil.CONN_LISTEN}


def test_it_is_bound_by_the_setting_only(tmp_path):
    port = free_port()
    running = Running(tmp_path)
    with running.start() as portal:
        assert listeners(running.pid) == {("127.0.0.1", portal.port)}
        api = CloudStack(endpoint=portal.url, key=portal.key, secret=portal.secret)
        api.updateConfiguration(name="integration.api.port", value=str(port))
        assert listeners(running.pid) == {("127.0.0.1", portal.port)}
    with running.start() as portal:
        assert listeners(running.pid) == {("127.0.0.1", portal.port), ("127.0.0.1", port)}
        unsigned = CloudStack(endpoint=f"http://127.0.0.1:{port}/client/api")
        assert unsigned.listZones()["count"] == 1
        assert unsigned.listUsers(listall=True)["count"] >= 1
        page = requests.get(f"http://127.0.0.1:{port}/login", timeout=10)
        assert page.status_code == 432  # no pages there, only calls
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
