"""E-mail, taken by a real mail server on the loopback."""

import datetime
import re
import ssl

import pytest
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from accounts.models import Letter
from accounts.services import forgotten, invitations, sessions
from accounts.services.project_members import Part
from core.errors import InvalidParameter
from infra.services import configuration
from jobs import letters
from tests.factories import make_account, make_project, make_user
from tests.integration.post import post_office

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _settings():
    yield
    configuration.forget()


def set_all(**values):
    """``alert_smtp_host="…"`` for alert.smtp.host."""
    for name, value in values.items():
        configuration.set_value(name.replace("_", "."), str(value))


@pytest.fixture
def sink():
    with post_office() as (sink, port):
        set_all(
            alert_smtp_host="127.0.0.1", alert_smtp_port=port,
            alert_email_sender="cloud@example.org", user_password_reset_enabled="true",
            user_password_reset_mail_domain_url="https://cloud.example",
        )  # fmt: skip
        yield sink


def test_a_forgotten_password_is_replaced_by_the_letter(sink):
    user = make_user("ada")
    forgotten.ask("ada")
    assert letters.send_letters() == 1
    (envelope,) = sink.taken
    assert envelope.rcpt_tos == [user.email]
    assert envelope.mail_from == "cloud@example.org"
    text = sink.text()
    assert "您好 ada" in text
    token = re.search(r"https://cloud\.example/forgotten/new\?\S*token=(\S+)", text)[1]
    forgotten.finish("ada", token, "quite another one")
    assert sessions.log_in("ada", "quite another one")


def test_a_letter_that_is_not_taken_waits_and_goes_later(sink):
    make_user("ada")
    sink.refuses = True
    forgotten.ask("ada")
    assert letters.send_letters() == 0
    assert "451" in Letter.objects.get().last_error
    sink.refuses = False
    assert letters.send_letters() == 0  # not due yet
    Letter.objects.update(due=Letter.objects.get().created)
    assert letters.send_letters() == 1
    assert len(sink.taken) == 1
    assert not Letter.objects.exists()


# -- invitations to projects ----------------------------------------------------------------


@pytest.fixture
def invite():
    project = make_project(make_account())
    return lambda: invitations.bring(project, None, None, "ada@example.org", Part())


def test_invitations_go_by_the_portals_own_server_while_there_is_no_other(sink, invite):
    invite()
    assert letters.send_letters() == 1
    assert sink.taken[0].mail_from == "cloud@example.org"


def test_invitations_have_a_sender_of_their_own_on_the_portals_own_server(sink, invite):
    set_all(project_email_sender="projects@example.org")
    invite()
    assert letters.send_letters() == 1
    assert sink.taken[0].mail_from == "projects@example.org"


def test_invitations_go_by_the_server_of_projects_and_other_letters_do_not(sink, invite):
    with post_office() as (theirs, port):
        set_all(
            project_smtp_host="127.0.0.1", project_smtp_port=port,
            project_email_sender="projects@example.org",
        )  # fmt: skip
        invite()
        make_user("ada")
        forgotten.ask("ada")
        assert letters.send_letters() == 2
    (invitation,) = theirs.taken
    assert invitation.mail_from == "projects@example.org"
    assert invitation.rcpt_tos == ["ada@example.org"]
    assert "You are invited to join project" in theirs.text()
    (other,) = sink.taken
    assert other.mail_from == "cloud@example.org"


def test_the_server_of_projects_is_signed_in_to(sink, invite):
    seen = []

    def check(_server, _session, _envelope, _mechanism, data):
        seen.append((data.login, data.password))
        return AuthResult(success=True)

    with post_office(authenticator=check, auth_require_tls=False) as (theirs, port):
        set_all(
            project_smtp_host="127.0.0.1", project_smtp_port=port, project_smtp_useAuth="true",
            project_smtp_username="cloud", project_smtp_password="its word",
        )  # fmt: skip
        invite()
        assert letters.send_letters() == 1
    assert seen == [(b"cloud", b"its word")]
    assert theirs.taken[0].mail_from == "cloud@example.org"


@pytest.fixture
def certificate(tmp_path, monkeypatch):
    """Of 127.0.0.1, trusted here. Returns the server's context."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "cert.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


@pytest.mark.parametrize("versions, sent", [("", 1), ("TLSv1.2 TLSv1.3", 1), ("TLSv1.3", 0)])
def test_the_server_of_projects_is_spoken_with_in_tls_of_the_versions_named(
    sink, invite, certificate, versions, sent
):
    certificate.maximum_version = ssl.TLSVersion.TLSv1_2
    with post_office(tls_context=certificate, require_starttls=True) as (theirs, port):
        set_all(
            project_smtp_host="localhost", project_smtp_port=port,
            project_smtp_useStartTLS="true", project_smtp_enabledSecurityProtocols=versions,
        )  # fmt: skip
        invite()
        assert letters.send_letters() == sent
    assert len(theirs.taken) == sent
    assert not sink.taken


def test_a_version_of_tls_that_is_not_spoken_is_refused():
    with pytest.raises(InvalidParameter, match="SSLv3"):
        set_all(project_smtp_enabledSecurityProtocols="SSLv3 TLSv1.2")
