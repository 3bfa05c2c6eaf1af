"""Log-outs in pysaml2's language, those that we ask for and those that are asked of us. Loaded,
like ``client``, when SAML is first spoken."""

from __future__ import annotations

import re
from base64 import b64decode
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT, xmldsig
from saml2.client import Saml2Client
from saml2.ident import decode
from saml2.response import StatusError
from saml2.samlp import STATUS_SUCCESS
from saml2.sigver import extract_rsa_key_from_x509_cert, pem_format

from accounts.models import SamlProvider
from accounts.saml import settings
from accounts.saml.client import NotGenuine, opened, said
from accounts.saml.messages import Message

#: Of messages that came by a redirect; SHA-1 is none.
_ALGORITHMS = (xmldsig.SIG_RSA_SHA256, xmldsig.SIG_RSA_SHA384, xmldsig.SIG_RSA_SHA512)


@dataclass(frozen=True)
class LogOut:
    """Whom an identity provider signs out: its sessions, or all of the subject's if it names
    none. ``answer`` is where the browser goes from here; empty where nothing is waited for."""

    subject: str
    indexes: list[str]
    answer: str


def ask_log_out(
    provider: SamlProvider, subject: str, index: str, *, request: str, relay: str
) -> str:
    """Where to send a browser so that the identity provider signs its user out, by a signed
    request of this id; empty if it takes no such requests."""
    with opened(provider) as client:
        where = _log_out_service(client, provider, "location")
        if not where:
            return ""
        _id, made = client.create_logout_request(
            where, provider.entity_id, message_id=request, name_id=decode(subject),
            session_indexes=[index] if index else None, sign=False,
        )  # fmt: skip
        return _redirect(client, made, where, relay)


def read_log_out(provider: SamlProvider, message: Message) -> LogOut:
    """What a signed request to log out says. Raises NotGenuine."""
    with opened(provider) as client:
        try:
            _check_signature(client, provider, message, "SAMLRequest")
            found = client.parse_logout_request(message.text, _binding(message))
            is_ours = found is not None and found.verify()
        except Exception as error:  # the library raises bare Exceptions too
            raise NotGenuine from error
        if not is_ours or not _is_by(provider, found.message, message):
            raise NotGenuine
        return LogOut(
            subject=said(found.message.name_id),
            indexes=[i.text for i in found.message.session_index or [] if i.text],
            answer=_answer(client, provider, found.message, message),
        )


def read_log_out_answer(provider: SamlProvider, message: Message) -> bool:
    """Whether the identity provider says that it has signed the user out everywhere. Raises
    NotGenuine."""
    with opened(provider) as client:
        try:
            _check_signature(client, provider, message, "SAMLResponse")
            found = client.parse_logout_request_response(message.text, _binding(message))
            is_by = found is not None and _is_by(provider, found.response, message)
        except StatusError:
            return False
        except Exception as error:  # the library raises bare Exceptions too
            raise NotGenuine from error
    if not is_by:
        raise NotGenuine
    status = found.response.status.status_code
    return status.value == STATUS_SUCCESS and status.status_code is None


def _answer(client: Saml2Client, provider: SamlProvider, request: Any, message: Message) -> str:
    """Only to those who came by a redirect, and take the answer by one."""
    where = _log_out_service(client, provider, "response_location", "location")
    if not where or not message.is_redirected:
        return ""
    made = client.create_logout_response(request, [BINDING_HTTP_REDIRECT], sign=False)
    made.destination = where
    return _redirect(client, made, where, message.relay or "", response=True)


def _log_out_service(client: Saml2Client, provider: SamlProvider, *names: str) -> str:
    known = client.metadata.single_logout_service(
        provider.entity_id, BINDING_HTTP_REDIRECT, typ="idpsso"
    )
    for service in known or []:
        found = next((service[name] for name in names if service.get(name)), "")
        if str(found).startswith(("https://", "http://")):
            return str(found)
    return ""


def _redirect(
    client: Saml2Client, made: Any, where: str, relay: str, *, response: bool = False
) -> str:
    sent = client.apply_binding(
        BINDING_HTTP_REDIRECT, str(made), where, relay, response=response, sign=True
    )
    return str(dict(sent["headers"])["Location"])


def _binding(message: Message) -> str:
    return BINDING_HTTP_REDIRECT if message.is_redirected else BINDING_HTTP_POST


def _check_signature(
    client: Saml2Client, provider: SamlProvider, message: Message, name: str
) -> None:
    """Of what came by a redirect; the library checks those inside of messages. What is signed
    is the query as it was written, and some write its hexadecimal digits small."""
    if not message.is_redirected:
        return
    if message.algorithm not in _ALGORITHMS:
        raise NotGenuine
    given = {name: message.text, "RelayState": message.relay, "SigAlg": message.algorithm}
    signed = urlencode({k: v for k, v in given.items() if v is not None})
    small = re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), signed)
    signer = client.sec.sec_backend.get_signer(message.algorithm)
    signature = b64decode(message.signature)
    for _name, certificate in client.metadata.certs(provider.entity_id, "idpsso", "signing"):
        key = extract_rsa_key_from_x509_cert(pem_format(certificate))
        if any(signer.verify(text.encode(), signature, key) for text in (signed, small)):
            return
    raise NotGenuine


def _is_by(provider: SamlProvider, found: Any, message: Message) -> bool:
    """Signed, by this provider, and for where it arrived."""
    return (
        str(found.issuer.text).strip() == provider.entity_id
        and (message.is_redirected or found.signature is not None)
        and found.destination in (None, settings.SLO_URL.get())
    )
