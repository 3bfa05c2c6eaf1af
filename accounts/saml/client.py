"""pysaml2, a client for each request. Assertions must be signed; whom they are for, where they
were sent, when they hold and what they answer is checked by the library.

It takes more than a second to load, so nothing imports this module at start: ``signing_in`` loads
it when SAML is first spoken.
"""

from __future__ import annotations

import contextlib
import datetime
import functools
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT, xmldsig
from saml2.client import Saml2Client
from saml2.config import SPConfig
from saml2.ident import code
from saml2.metadata import entity_descriptor
from saml2.response import AuthnResponse
from saml2.validate import ResponseLifetimeExceed, ToEarly

from accounts.models import SamlKey, SamlProvider
from accounts.saml import settings
from core import vault
from core.errors import ResourceUnavailable


class NotGenuine(Exception):
    """A message that is not signed, not for us, or not an answer to what was asked."""


class OutOfTime(Exception):
    """A message that holds no longer, or not yet."""


@dataclass(frozen=True)
class Answer:
    """What a genuine assertion says. ``subject`` (its NameID, in pysaml2's writing) and ``index``
    are what the identity provider calls the user and the session."""

    issuer: str
    assertion: str
    values: dict[str, list[str]]
    subject: str
    index: str


def ask(provider: SamlProvider, *, force: bool) -> tuple[str, str]:
    """A signed request: its id, and the address to send a browser to."""
    with opened(provider) as client:
        request, sent = client.prepare_for_authenticate(
            entityid=provider.entity_id,
            binding=BINDING_HTTP_REDIRECT,
            force_authn="true" if force else None,
        )
    return request, dict(sent["headers"])["Location"]


def read_answer(provider: SamlProvider, message: str, request: str) -> Answer:
    """Raises NotGenuine, OutOfTime."""
    with opened(provider) as client:
        try:
            found = client.parse_authn_request_response(
                message, BINDING_HTTP_POST, outstanding={request: "/"}
            )
        except (ToEarly, ResponseLifetimeExceed) as error:
            raise OutOfTime from error
        except Exception as error:  # the library raises bare Exceptions too
            raise NotGenuine from error
    if not isinstance(found, AuthnResponse) or found.assertion is None:
        raise NotGenuine
    # A metadata document may name many providers, and each signs for itself alone.
    if {str(one.issuer.text).strip() for one in found.assertions} != {provider.entity_id}:
        raise NotGenuine
    statements = found.assertion.authn_statement
    return Answer(
        issuer=str(found.issuer()),
        assertion=str(found.assertion.id),
        values=found.ava,
        subject=said(found.name_id),
        index=str(statements[0].session_index or "")[:255] if statements else "",
    )


def said(name: Any) -> str:
    """A NameID as a line, to be said again; none of one that is too long to be kept."""
    text = str(code(name)) if name is not None else ""
    return text if len(text) <= 1000 else ""


@contextlib.contextmanager
def opened(provider: SamlProvider) -> Iterator[Saml2Client]:
    """A client that knows this identity provider, and others of the same metadata document."""
    with _config(provider) as config:
        yield Saml2Client(config)


def metadata() -> str:
    """What the portal says of itself."""
    with _config(None) as config:
        return str(entity_descriptor(config))


@contextlib.contextmanager
def _config(provider: SamlProvider | None) -> Iterator[SPConfig]:
    key = _own_key()
    with tempfile.TemporaryDirectory(prefix="saml-") as name:
        folder = Path(name)  # 0700; the library takes keys from files only
        (folder / "key.pem").write_text(vault.unseal(key.sealed_key))
        (folder / "cert.pem").write_text(key.certificate)
        about = _about(folder)
        if provider is not None:
            about["metadata"] = {"inline": [provider.metadata]}
        config = SPConfig()
        config.load(about)
        yield config


def _about(folder: Path) -> dict[str, Any]:
    sso, slo = settings.SSO_URL.get(), settings.SLO_URL.get()
    ends: dict[str, Any] = {"assertion_consumer_service": [(sso, BINDING_HTTP_POST)]}
    if slo:
        ends["single_logout_service"] = [(slo, BINDING_HTTP_POST), (slo, BINDING_HTTP_REDIRECT)]
    about: dict[str, Any] = {
        "entityid": settings.SP_ID.get(),
        "xmlsec_binary": _xmlsec(),
        "key_file": str(folder / "key.pem"),
        "cert_file": str(folder / "cert.pem"),
        "accepted_time_diff": settings.LEEWAY_S,
        "allow_unknown_attributes": True,
        "service": {
            "sp": {
                "endpoints": ends,
                "allow_unsolicited": False,
                # Here: the library reads them nowhere else, and takes SHA-1 without.
                "signing_algorithm": xmldsig.SIG_RSA_SHA256,
                "digest_algorithm": xmldsig.DIGEST_SHA256,
                "authn_requests_signed": True,
                "logout_requests_signed": True,
                "want_assertions_signed": True,
                "want_response_signed": False,
            }
        },
    }
    if settings.ORGANISATION.get():
        name = settings.ORGANISATION.get()
        url = settings.ORGANISATION_URL.get() or sso
        about["organization"] = {"name": name, "display_name": name, "url": url}
    if settings.CONTACT_EMAIL.get():
        about["contact_person"] = [
            {"given_name": settings.CONTACT.get(), "email_address": settings.CONTACT_EMAIL.get(),
             "contact_type": "technical"}
        ]  # fmt: skip
    return about


@functools.cache
def _xmlsec() -> str:
    found = shutil.which("xmlsec1")
    if found is None:
        raise ResourceUnavailable("SAML needs the program xmlsec1; install it (package xmlsec1).")
    return found


def _own_key() -> SamlKey:
    """The oldest, should two processes have made one at the same moment."""
    return SamlKey.objects.order_by("pk").first() or _new_key()


def _new_key() -> SamlKey:
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cloudportal SAML")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    SamlKey.objects.create(
        sealed_key=vault.seal(pem.decode()),
        certificate=certificate.public_bytes(serialization.Encoding.PEM).decode(),
    )
    return SamlKey.objects.order_by("pk").first()
