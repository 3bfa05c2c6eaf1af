"""A host of the tests' own: real libvirt, a pool in a temporary folder, a network namespace."""

import os
import shutil
import signal
import subprocess
import uuid
from pathlib import Path

import pytest

from agent import protocol as p
from agent.operations import AgentConfig, local_agent
from tests.unit.agent.contract_network import router
from tests.unit.agent.rigs import Rig

HOST_NETWORK = "cpt-host"
BRIDGE = "cptguest0"


def run(*argv: str) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(argv)}: {done.stderr}"
    return done.stdout


def quietly(*argv: str) -> None:
    subprocess.run(argv, capture_output=True, check=False)


class LibvirtRig(Rig):
    def __init__(self, agent, config, image: Path, ready_marker: str) -> None:
        self._image = image
        self._ready_marker = ready_marker
        self.config = config
        super().__init__(
            agent,
            p.PoolRef(str(uuid.uuid4()), "Filesystem", str(config.data / "pool")),
            p.StoreRef(str(uuid.uuid4()), str(config.data / "store")),
        )

    def image(self) -> p.StorePath:
        path = p.StorePath(self.store, "tiny")
        if not (self.config.data / "store" / "tiny").exists():
            rules = p.EgressRules(allow_file=True)
            url = f"file://{self._image}"
            self.call("image.download", p.DownloadImage(url, path, "QCOW2", rules=rules))
        return path

    def booted(self) -> p.DomainSpec:
        spec = self.started(bootable=True)
        self.wait_for(
            lambda: self._ready_marker in self.console_log(spec), 90, "the guest's ready marker"
        )
        return spec

    def console_log(self, spec: p.DomainSpec) -> str:
        path = self.config.data / "consoles" / f"{spec.uuid}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def qemu_pid(self, spec: p.DomainSpec) -> int:
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal():
                try:
                    words = (entry / "cmdline").read_bytes()
                except OSError:
                    continue
                if b"qemu-system" in words and spec.uuid.encode() in words:
                    return int(entry.name)
        raise AssertionError(f"{spec.name} has no QEMU process")

    def kill(self, spec: p.DomainSpec) -> None:
        os.kill(self.qemu_pid(spec), signal.SIGKILL)

    def leftovers(self, spec: p.DomainSpec) -> list[str]:
        found = [str(path) for path in self.config.data.rglob(f"*{spec.uuid}*")]
        return found + [str(path) for path in self.config.run_path.rglob(f"*{spec.uuid}*")]

    def clean_up(self) -> None:
        super().clean_up()
        spec = router("cpt-r1")
        self.call("router.remove", p.RouterRef(spec.uuid, spec.name))
        for bridge in ("cptbr1", "cptbr2"):
            self.call("bridge.remove", p.BridgeSpec(bridge))


@pytest.fixture(scope="session")
def agent_config(libvirt_uri, guest_image, tmp_path_factory) -> AgentConfig:
    run_folder = Path("/run/cptest")
    run_folder.mkdir(parents=True, exist_ok=True)
    yield AgentConfig(
        data=tmp_path_factory.mktemp("agent"),
        run=run_folder,
        libvirt_uri=libvirt_uri,
        images=guest_image.folder,
        network_namespace=HOST_NETWORK,
    )
    shutil.rmtree(run_folder, ignore_errors=True)


@pytest.fixture(scope="session")
def host_network():
    """A namespace that plays the machine's own network, with a way out to another one."""
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    outside = "cpt-outside"
    for name in (HOST_NETWORK, outside):
        quietly("ip", "netns", "del", name)
        run("ip", "netns", "add", name)
        run("ip", "-n", name, "link", "set", "lo", "up")
    peer = ("peer", "name", "eth0", "netns", outside)
    run("ip", "-n", HOST_NETWORK, "link", "add", "eth0", "type", "veth", *peer)
    for name, address in ((HOST_NETWORK, "198.51.100.2/24"), (outside, "198.51.100.1/24")):
        run("ip", "-n", name, "addr", "add", address, "dev", "eth0")
        run("ip", "-n", name, "link", "set", "eth0", "up")
    run("ip", "-n", HOST_NETWORK, "route", "add", "default", "via", "198.51.100.1")
    yield HOST_NETWORK
    for name in (HOST_NETWORK, outside):
        quietly("ip", "netns", "del", name)


@pytest.fixture(scope="session")
def guest_bridge():
    """A bridge that leads nowhere, where libvirt plugs the guests of these tests."""
    if os.geteuid() != 0:
        pytest.skip("bridges need root")
    quietly("ip", "link", "del", BRIDGE)
    run("ip", "link", "add", BRIDGE, "type", "bridge")
    run("ip", "link", "set", BRIDGE, "up")
    yield BRIDGE
    quietly("ip", "link", "del", BRIDGE)


@pytest.fixture(scope="session")
def session_agent(agent_config, host_network):
    agent = local_agent(agent_config)
    yield agent
    agent.close()


@pytest.fixture
def rig(session_agent, agent_config, guest_image):
    made = LibvirtRig(
        session_agent, agent_config, guest_image.disk, guest_image.facts["ready_marker"]
    )
    yield made
    made.clean_up()
    shutil.rmtree(agent_config.data / "pool", ignore_errors=True)
