"""Real services for the integration tests; scripts/test starts them and says where they are."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class GuestImage:
    """The tiny guest as scripts/lab/build-guest describes it in guest.json."""

    folder: Path
    facts: dict

    @property
    def disk(self) -> Path:
        return self.folder / self.facts["file"]


@pytest.fixture(scope="session")
def guest_image() -> GuestImage:
    folder = Path(os.environ.get("CLOUDPORTAL_TEST_IMAGES") or REPOSITORY / "var" / "images")
    description = folder / "guest.json"
    if not description.exists():
        pytest.skip(f"{description} is missing: run scripts/lab/build-guest")
    return GuestImage(folder, json.loads(description.read_text()))


@pytest.fixture(scope="session")
def libvirt_uri() -> str:
    """A libvirtd of the tests' own, where any domain may be made and destroyed."""
    uri = os.environ.get("CLOUDPORTAL_TEST_LIBVIRT_URI", "")
    if not uri:
        pytest.skip("CLOUDPORTAL_TEST_LIBVIRT_URI is empty: start the tests with scripts/test")
    return uri


@pytest.fixture(scope="session")
def mariadb_url() -> str:
    """mysql://user:password@127.0.0.1:port/name of a server that tests may fill and empty."""
    url = os.environ.get("CLOUDPORTAL_TEST_MARIADB_URL", "")
    if not url:
        pytest.skip("CLOUDPORTAL_TEST_MARIADB_URL is empty: start the tests with scripts/test")
    return url


@pytest.fixture(scope="session")
def redis_url() -> str:
    url = os.environ.get("CLOUDPORTAL_TEST_REDIS_URL", "")
    if not url:
        pytest.skip("CLOUDPORTAL_TEST_REDIS_URL is empty: start the tests with scripts/test")
    return url


@dataclass(frozen=True)
class LabHost:
    """A simulated host: its number, management address, and libvirt as seen from here."""

    number: int
    address: str
    uri: str

    def run(self, *command: str) -> str:
        """Standard output of ``command`` inside the host."""
        return _lab("sh", str(self.number), *command)

    def stop_libvirtd(self) -> None:
        _lab("stop-libvirtd", str(self.number))

    def start_libvirtd(self) -> None:
        _lab("start-libvirtd", str(self.number))

    def crash(self) -> None:
        """Cuts its power: everything that ran in it is gone."""
        _lab("crash", str(self.number))

    def start(self) -> None:
        _lab("start", str(self.number))


def _lab(*arguments: str) -> str:
    """Runs scripts/lab/hosts under a folder, names and addresses that only tests use."""
    tests_own = {
        "CLOUDPORTAL_DATA": str(REPOSITORY / "var" / "test"),
        "LAB_NAME": "cptest",
        "LAB_NET": "10.212.0",
    }
    done = subprocess.run(
        [str(REPOSITORY / "scripts/lab/hosts"), *arguments],
        env=os.environ | tests_own,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"hosts {' '.join(arguments)}: {done.stderr}"
    return done.stdout


@pytest.fixture
def lab_hosts() -> Iterator[Callable[[int], list[LabHost]]]:
    """``lab_hosts(2)`` starts two simulated hosts; they vanish with the test."""
    if os.geteuid() != 0:
        pytest.skip("simulated hosts need root")

    def start(count: int) -> list[LabHost]:
        _lab("down")  # what a killed run left behind
        _lab("up", str(count))
        return [
            LabHost(number, f"10.212.0.{10 + number}", _lab("uri", str(number)).strip())
            for number in range(1, count + 1)
        ]

    yield start
    _lab("down")


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder whose path leaves room for socket names: they end at 107 characters."""
    made = subprocess.run(["mktemp", "-d"], capture_output=True, text=True, check=True)
    folder = Path(made.stdout.strip())
    yield folder
    shutil.rmtree(folder)
