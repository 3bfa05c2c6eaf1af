"""The metadata server on a loopback port: CloudStack's paths, passwords once, hostile guests."""

import asyncio
import base64
import json

import pytest

from agent.network import metadata_server
from agent.network.metadata_server import Server

GUEST = {
    "mac": "", "user_data": base64.b64encode(b"#!/bin/sh\n\xff").decode(), "password": "s3cret",
    "entries": {"local-hostname": "web-1", "public-keys": "ssh-rsa AAA 名", "instance-id": "i"},
}  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "taken").mkdir()
    write(tmp_path, GUEST)
    return tmp_path


def write(folder, guest) -> None:
    fresh = folder / "metadata.new"
    fresh.write_text(json.dumps({"guests": {"127.0.0.1": guest}}))
    fresh.replace(folder / "metadata.json")


def talk(folder, *requests: bytes, service: str = "web") -> list[bytes]:
    """The answers of one server to several connections, one after the other."""

    async def go() -> list[bytes]:
        server = Server(str(folder))
        handler = getattr(server, service)
        listener = await asyncio.start_server(handler, "127.0.0.1", 0, limit=8192)
        port = listener.sockets[0].getsockname()[1]
        answers = []
        for request in requests:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request)
            try:
                answers.append(await asyncio.wait_for(reader.read(), 5))
            except ConnectionError:
                answers.append(b"")
            writer.close()
        listener.close()
        return answers

    return asyncio.run(go())


def get(folder, path: str, method: str = "GET") -> tuple[int, bytes]:
    (answer,) = talk(folder, f"{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


def ask(request: str) -> bytes:
    return f"GET / HTTP/1.1\r\nDomU_Request: {request}\r\n\r\n".encode()


@pytest.mark.parametrize("prefix", ["/latest", "", "/2009-04-04", "/1.0"])
def test_cloudstacks_paths(folder, prefix):
    assert get(folder, f"{prefix}/meta-data/local-hostname") == (200, b"web-1")
    assert get(folder, f"{prefix}/meta-data/public-keys") == (200, "ssh-rsa AAA 名".encode())
    assert get(folder, f"{prefix}/meta-data/")[1].split() == [
        b"instance-id", b"local-hostname", b"public-keys",
    ]  # fmt: skip
    assert get(folder, f"{prefix}/user-data") == (200, b"#!/bin/sh\n\xff")


@pytest.mark.parametrize(
    "path", ["/latest/meta-data/nothing", "/x", "/latest/../../etc/passwd", "/latest/user-data/x"]
)
def test_other_paths_are_not_there(folder, path):
    assert get(folder, path)[0] == 404


def test_only_reading_is_allowed(folder):
    assert get(folder, "/latest/user-data", "POST")[0] == 405
    assert get(folder, "/latest/user-data", "HEAD") == (200, b"")


def test_a_stranger_finds_nothing(folder):
    (folder / "metadata.json").write_text('{"guests": {"10.0.0.1": {}}}')
    assert get(folder, "/latest/user-data")[0] == 404


def test_an_address_with_another_card_is_turned_away(folder, monkeypatch):
    write(folder, {**GUEST, "mac": "02:00:00:00:00:01"})
    monkeypatch.setattr(metadata_server, "neighbour", lambda _address: "02:00:00:00:00:99")
    assert get(folder, "/latest/user-data")[0] == 403
    monkeypatch.setattr(metadata_server, "neighbour", lambda _address: "02:00:00:00:00:01")
    assert get(folder, "/latest/user-data")[0] == 200


def test_a_password_is_given_until_it_is_confirmed(folder):
    answers = talk(
        folder, ask("send_my_password"), ask("send_my_password"), ask("saved_password"),
        ask("send_my_password"), ask("nonsense"), service="password",
    )  # fmt: skip
    bodies = [answer.partition(b"\r\n\r\n")[2] for answer in answers]
    assert bodies == [b"s3cret", b"s3cret", b"saved_password", b"saved_password", b"bad_request"]
    # Also for the next process, and although the file still holds it.
    (again,) = talk(folder, ask("send_my_password"), service="password")
    assert again.endswith(b"saved_password")
    assert all(b"s3cret" not in path.name.encode() for path in (folder / "taken").iterdir())


def test_a_new_password_is_given_again(folder):
    talk(folder, ask("saved_password"), service="password")
    write(folder, {**GUEST, "password": "fresh"})
    (answer,) = talk(folder, ask("send_my_password"), service="password")
    assert answer.endswith(b"fresh")


def test_a_replaced_file_is_read_again(folder):
    assert get(folder, "/latest/meta-data/local-hostname")[1] == b"web-1"
    write(folder, {**GUEST, "entries": {"local-hostname": "web-2"}})
    assert get(folder, "/latest/meta-data/local-hostname")[1] == b"web-2"


@pytest.mark.parametrize(
    "request_bytes",
    [b"\r\n\r\n", b"GET\r\n\r\n", b"\xff\xfe\r\n\r\n", b"GET / / / HTTP\r\n\r\n",
     b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n"],
)  # fmt: skip
def test_nonsense_does_not_hurt(folder, request_bytes):
    answers = talk(folder, request_bytes, b"GET /latest/user-data HTTP/1.1\r\n\r\n")
    assert answers[1].startswith(b"HTTP/1.1 200")


def test_a_slow_guest_is_let_go(folder, monkeypatch):
    monkeypatch.setattr(metadata_server, "IDLE_S", 0.05)
    assert talk(folder, b"GET /la") == [b""]
