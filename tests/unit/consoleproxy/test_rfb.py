"""A screen's password is given by the portal, and the browser needs none."""

import socket

import pytest

from consoleproxy import rfb
from tests.unit.consoleproxy.fake_screen import Screen


@pytest.fixture
def screen(request):
    made = Screen(**getattr(request, "param", {}))
    yield made
    made.close()


def sign_in(screen, password):
    with socket.create_connection(("127.0.0.1", screen.port), 5) as end:
        rfb.drive(rfb.sign_in(password), lambda n: end.recv(n, socket.MSG_WAITALL), end.sendall)
        end.sendall(b"beyond")
        return end.recv(6, socket.MSG_WAITALL)


def test_the_answer_is_what_vnc_servers_expect():
    # openssl enc -des-ecb with the mirrored key 0e86ceceeef64e26
    assert rfb.answer_to(bytes(16), "password").hex() == "ff97502e9422f089" * 2
    assert rfb.answer_to(bytes(16), "password and more") == rfb.answer_to(bytes(16), "password")


@pytest.mark.parametrize("screen", [{}, {"password": "s3cret"}], indirect=True)
def test_a_screen_opens_with_or_without_a_password(screen):
    assert sign_in(screen, screen.password) == b"beyond"


@pytest.mark.parametrize(
    "screen, password, said",
    [
        ({"password": "s3cret"}, "wrong", "Authentication failed"),
        ({"password": "s3cret"}, "", "no password"),
        ({"refuses": "Too many tries"}, "", "Too many tries"),
    ],
    indirect=["screen"],
)
def test_a_screen_that_refuses_is_an_error_with_its_reason(screen, password, said):
    with pytest.raises(rfb.Failed, match=said):
        sign_in(screen, password)


def test_something_else_on_that_port_is_an_error():
    opening = rfb.sign_in("")
    assert next(opening) == 12
    with pytest.raises(rfb.Failed, match="SSH"):
        opening.send(b"SSH-2.0-Open")


def test_the_browser_is_let_in_without_a_password():
    opening = rfb.welcome()
    assert next(opening) == rfb.VERSION
    assert next(opening) == 12
    assert opening.send(rfb.VERSION) == bytes([1, rfb.OPEN])
    assert next(opening) == 1
    assert opening.send(bytes([rfb.OPEN])) == b"\0\0\0\0"
    with pytest.raises(StopIteration):
        next(opening)


@pytest.mark.parametrize("answers", [[b"RFB 003.003\n"], [rfb.VERSION, bytes([rfb.PASSWORD])]])
def test_a_browser_that_speaks_otherwise_is_refused(answers):
    read = iter(answers)
    with pytest.raises(rfb.Failed):
        rfb.drive(rfb.welcome(), lambda _: next(read), lambda _: None)
