"""Downloads: all of an image, or nothing of it."""

import gzip
import hashlib
import os

import pytest

from agent import protocol as p
from agent.images.downloads import Downloads
from agent.images.egress import Egress
from agent.tasks import Task, unhurried
from tests.unit.agent import images
from tests.unit.agent.web import LyingServer


@pytest.fixture
def server():
    made = LyingServer()
    yield made
    made.close()


@pytest.fixture
def store(tmp_path):
    (tmp_path / "store").mkdir()
    return p.StoreRef("s", str(tmp_path / "store"))


def download(url, store, server=None, task=None, name="template/1/image", **changes):
    rules = changes.pop("rules", None) or (server.rules() if server else p.EgressRules())
    wanted = p.DownloadImage(
        url, p.StorePath(store, name), changes.pop("format", "QCOW2"), rules=rules, **changes
    )
    return Downloads(Egress()).download(wanted, task or unhurried())


def files_in(store) -> list[str]:
    found = [name for _, _, names in os.walk(store.path) for name in names]
    return sorted(found)


def test_an_image_is_placed_with_its_description(server, store, tmp_path):
    data = images.qcow2(tmp_path / "a").read_bytes()
    info = download(server.serve("/a", data), store, server)
    assert info.virtual_bytes == 8 * 2**20
    assert info.checksum == "{SHA-512}" + hashlib.sha512(data).hexdigest()
    assert files_in(store) == ["image", "image.about.json"]


def test_a_compressed_image_is_unfolded_and_its_checksum_is_of_what_came(server, store, tmp_path):
    data = gzip.compress(images.raw_disk(tmp_path / "a").read_bytes())
    md5 = hashlib.md5(data).hexdigest()
    info = download(server.serve("/a.gz", data), store, server, format="RAW", checksum=md5)
    assert (info.virtual_bytes, info.checksum) == (2**20, f"{{MD5}}{md5}")
    placed = os.path.join(store.path, "template/1/image")
    with open(placed, "rb") as file:
        assert file.read() == gzip.decompress(data)


def test_empty_parts_of_a_raw_disk_take_no_room(server, store, tmp_path):
    path = images.raw_disk(tmp_path / "a", 32 * 2**20)
    info = download(server.serve("/a", path.read_bytes()), store, server, format="RAW")
    assert info.virtual_bytes == 32 * 2**20
    assert info.physical_bytes < 2**20


@pytest.mark.parametrize(
    "body, changes, error",
    [
        (b"<html>sign in</html>", {}, "web page"),
        (b"QFI\xfb" + b"\0" * 100, {}, None),
        (b"x" * 4096, {"checksum": "0" * 32}, "checksum"),
        (b"x" * 4096, {"format": "OVA"}, "do not run here"),
        (b"x" * 4096, {"checksum": "{MD5}zz"}, "not a checksum"),
    ],
)
def test_a_download_that_lies_leaves_nothing(server, store, body, changes, error):
    with pytest.raises(p.ImageRefused, match=error):
        download(server.serve("/a", body), store, server, **changes)
    assert files_in(store) == []


def test_a_backing_file_is_refused_with_the_reason(server, store, tmp_path):
    data = images.qcow2_over(tmp_path / "a", "/etc/passwd").read_bytes()
    with pytest.raises(p.ImageRefused, match="another file as its base"):
        download(server.serve("/a", data), store, server)
    assert files_in(store) == []


def test_a_connection_that_breaks_leaves_nothing(server, store, tmp_path):
    data = images.qcow2(tmp_path / "a").read_bytes()
    url = server.serve("/a", data, Content_Length=str(len(data) + 1))
    with pytest.raises(p.DownloadFailed):
        download(url, store, server)
    assert files_in(store) == []


def test_a_caller_that_gives_up_leaves_nothing(server, store):
    def give_up(percent, note=""):
        raise p.Cancelled("enough")

    with pytest.raises(p.Cancelled):
        download(server.serve("/a", b"x" * 10**6), store, server, Task(60, give_up))
    assert files_in(store) == []


def test_what_a_killed_predecessor_left_is_swept(server, store, tmp_path):
    folder = tmp_path / "store/template/1"
    folder.mkdir(parents=True)
    (folder / ".image.0123456789ab.part").write_bytes(b"half")
    download(server.serve("/a", images.qcow2(tmp_path / "a").read_bytes()), store, server)
    assert files_in(store) == ["image", "image.about.json"]


def test_a_finished_download_is_not_repeated(server, store, tmp_path):
    url = server.serve("/a", images.qcow2(tmp_path / "a").read_bytes())
    assert download(url, store, server) == download(url, store, server)
    assert len(server.seen) == 1


def test_a_store_without_room_says_so_before_the_first_byte(server, store):
    url = server.serve("/a", b"x", Content_Length=str(2**55))
    with pytest.raises(p.NotEnoughSpace, match="MiB free"):
        download(url, store, server, rules=server.rules(max_bytes=2**56))
    assert files_in(store) == []


def test_files_are_for_administrators(store, tmp_path):
    url = f"file://{images.qcow2(tmp_path / 'a')}"
    with pytest.raises(p.DownloadRefused, match="administrators"):
        download(url, store)
    info = download(url, store, rules=p.EgressRules(allow_file=True))
    assert info.format == "QCOW2"


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_only_plain_files_are_read(store, tmp_path, make):
    make(tmp_path / "odd")
    with pytest.raises(p.DownloadRefused, match="not a plain file"):
        download(f"file://{tmp_path}/odd", store, rules=p.EgressRules(allow_file=True))


@pytest.mark.parametrize("name", ["../escape", "/etc/x", "a/../../b"])
def test_a_target_outside_the_store_is_refused(server, store, name):
    with pytest.raises(p.OperationFailed):
        download(server.serve("/a", b"x"), store, server, name=name)
