"""The client for addresses that users name (DESIGN R7)."""

import contextlib
import datetime
import socket
import threading
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from agent import protocol as p
from agent.images import egress
from agent.images.egress import Egress, parse
from tests.unit.agent.web import LyingServer


@pytest.fixture
def server():
    made = LyingServer()
    yield made
    made.close()


def fetch(url: str, rules: p.EgressRules, client: Egress | None = None) -> bytes:
    answer = (client or Egress()).fetch(url, rules, time.monotonic() + 10)
    return b"".join(answer.chunks)


def test_an_allowed_address_is_fetched(server):
    url = server.serve("/image.qcow2?a=b", b"x" * 1000)
    assert fetch(url, server.rules()) == b"x" * 1000


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/x", "gopher://example.com", "file:///etc/passwd", "//example.com/x",
        "http://example.com:22/x", "http://user:secret@example.com/x", "http://exa mple.com/",
        "http://example.com/\r\nX: y", "http:///x", "http://[::1/x", "http://-x.example/",
        "http://[fe80::1%25eth0]/x", "https://example.com:99999/", "javascript:alert(1)",
        "http://" + "a" * 3000, "",
    ],
)  # fmt: skip
def test_addresses_of_other_kinds_are_refused_before_anything_is_asked(url):
    with pytest.raises(p.DownloadRefused):
        parse(url, p.EgressRules())


def test_a_refusal_never_repeats_a_password():
    with pytest.raises(p.DownloadRefused) as refusal:
        parse("http://user:hunter2@example.com/x", p.EgressRules())
    assert "hunter2" not in refusal.value.message


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1", "[::1]", "[::ffff:7f00:1]"]
)
def test_loopback_in_every_spelling_is_refused(server, host):
    with pytest.raises((p.DownloadRefused, p.DownloadFailed)) as refusal:
        fetch(f"http://{host}:{server.port}/", server.rules(allow_internal=()))
    assert "internal address" in str(refusal.value) or "not known" in str(refusal.value)
    assert server.seen == []


def test_a_name_that_also_leads_inside_is_refused_whole(server):
    client = Egress(resolve=lambda host, port: ["8.8.8.8", "10.0.0.5"])
    with pytest.raises(p.DownloadRefused, match="leads to 10.0.0.5"):
        fetch("http://images.example/", p.EgressRules(), client)


def test_a_name_is_asked_once_and_the_connection_pinned_to_the_answer(server):
    asked = []

    def resolve(host, port):
        asked.append(host)
        # The second answer is where a rebinding name would lead.
        return ["127.0.0.1"] if len(asked) == 1 else ["10.255.255.1"]

    server.serve("/x", b"hello")
    url = f"http://images.example:{server.port}/x"
    assert fetch(url, server.rules(), Egress(resolve=resolve)) == b"hello"
    assert asked == ["images.example"]
    assert server.seen[0][1]["Host"] == f"images.example:{server.port}"


def test_a_redirect_is_judged_like_the_first_address(server):
    url = server.redirect("/a", "http://169.254.169.254/latest/meta-data/")
    with pytest.raises(p.DownloadRefused, match="169.254.169.254|Port 80"):
        fetch(url, server.rules(ports=(server.port, 80)))
    url = server.redirect("/b", "file:///etc/passwd")
    with pytest.raises(p.DownloadRefused, match="file"):
        fetch(url, server.rules())


def test_redirects_are_followed_relative_and_not_for_ever(server):
    server.serve("/images/x", b"there")
    assert fetch(server.redirect("/images/a", "x"), server.rules()) == b"there"
    with pytest.raises(p.DownloadRefused, match="More than 5 redirects"):
        fetch(server.redirect("/loop", "/loop"), server.rules())


def test_an_error_answer_is_said(server):
    with pytest.raises(p.DownloadFailed, match="answered 404"):
        fetch(server.url("/nothing"), server.rules())


def test_too_much_is_refused_announced_or_not(server):
    url = server.serve("/big", b"x" * 5000)
    with pytest.raises(p.DownloadRefused, match="the most is"):
        fetch(url, server.rules(max_bytes=1000))
    server.pages["/endless"] = (200, {}, [b"x" * 65536] * 64)
    with pytest.raises(p.DownloadRefused, match="the most is"):
        fetch(server.url("/endless"), server.rules(max_bytes=100_000))


def test_an_answer_that_ends_early_is_a_failure(server):
    url = server.serve("/short", b"x" * 10, Content_Length="1000")
    with pytest.raises(p.DownloadFailed, match="after 10"):
        fetch(url, server.rules())


def test_time_is_capped(server):
    server.serve("/x", b"x" * 100)
    answer = Egress().fetch(server.url("/x"), server.rules(timeout_s=1), time.monotonic() - 1)
    with pytest.raises(p.DownloadFailed, match="longer than 1 s"):
        list(answer.chunks)


def test_nobody_answering_is_a_failure_that_may_pass():
    rules = p.EgressRules(allow_internal=("127.0.0.0/8",), ports=(9,))
    with pytest.raises(p.DownloadFailed, match="does not answer") as failure:
        fetch("http://127.0.0.1:9/x", rules)
    assert failure.value.transient


def test_proxies_of_the_environment_are_not_used(server, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert fetch(server.serve("/x", b"direct"), server.rules()) == b"direct"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for images.example that only those who were given it trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "images.example")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("images.example")]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "pair.pem"
    pem = serialization.Encoding.PEM
    kind, lock = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path.write_bytes(key.private_bytes(pem, kind, lock) + made.public_bytes(pem))
    return path


@pytest.fixture
def tls_server(certificate):
    made = LyingServer(certificate)
    made.serve("/x", b"secret")
    yield made
    made.close()


def to_loopback(host: str, port: int) -> list[str]:
    return ["127.0.0.1"]


def test_a_trusted_certificate_is_checked_against_the_name_not_the_address(tls_server, certificate):
    client = Egress(str(certificate), to_loopback)
    good = f"https://images.example:{tls_server.port}/x"
    assert fetch(good, tls_server.rules(), client) == b"secret"
    with pytest.raises(p.DownloadFailed, match="certificate of other.example"):
        fetch(good.replace("images", "other"), tls_server.rules(), client)


def test_an_unknown_certificate_is_refused(tls_server):
    url = f"https://images.example:{tls_server.port}/x"
    with pytest.raises(p.DownloadFailed, match="certificate of images.example"):
        fetch(url, tls_server.rules(), Egress(resolve=to_loopback))


def test_a_redirect_from_https_to_http_is_refused(tls_server, certificate, server):
    tls_server.redirect("/down", f"http://images.example:{server.port}/x")
    url = f"https://images.example:{tls_server.port}/down"
    rules = tls_server.rules(ports=(tls_server.port, server.port))
    with pytest.raises(p.DownloadRefused, match="plain http"):
        fetch(url, rules, Egress(str(certificate), to_loopback))


@pytest.mark.parametrize("drip", [b"X: y\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"])
def test_a_head_without_end_is_given_up_in_time(monkeypatch, drip):
    """It would hold one of the few threads that do the portal's work."""
    monkeypatch.setattr(egress, "HEAD_TIMEOUT_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def pour():
            end, _ = listener.accept()
            with end, contextlib.suppress(OSError):
                end.sendall(b"HTTP/1.1 200 OK\r\n" if drip.startswith(b"X") else b"")
                for _ in range(50):
                    end.sendall(drip)
                    time.sleep(0.1)

        threading.Thread(target=pour, daemon=True).start()
        rules = p.EgressRules(allow_internal=("127.0.0.0/8",), ports=(port,))
        began = time.monotonic()
        with pytest.raises(p.DownloadFailed):
            fetch(f"http://127.0.0.1:{port}/", rules)
        assert time.monotonic() - began < 3


def test_a_refusal_never_repeats_what_a_signed_address_carries(server):
    with pytest.raises(p.DownloadFailed, match="answered 404 .*/image.qcow2") as failure:
        fetch(server.url("/image.qcow2?X-Amz-Signature=s3cret"), server.rules())
    assert "s3cret" not in failure.value.message
