"""An identity provider of the tests' own: pysaml2's, with its metadata on the loopback."""

from __future__ import annotations

import threading
from base64 import b64decode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.config import IdPConfig
from saml2.metadata import entity_descriptor
from saml2.saml import NAMEID_FORMAT_PERSISTENT, NameID
from saml2.samlp import LogoutRequest
from saml2.server import Server
from saml2.sigver import verify_redirect_signature
from saml2.xmldsig import SIG_RSA_SHA256

from tests.integration.directory import certificate

AUTHN = {"class_ref": "urn:oasis:names:tc:SAML:2.0:ac:classes:Password", "authn_auth": "idp"}


class IdentityProvider:
    """``entity_id`` is also where its metadata is."""

    def __init__(self, folder: Path) -> None:
        self._key_pair(folder)
        self._folder = folder
        self._web = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.entity_id = f"http://127.0.0.1:{self._web.server_port}/metadata"
        self._server: Server | None = None
        self.log_out_bindings = [BINDING_HTTP_POST, BINDING_HTTP_REDIRECT]
        threading.Thread(target=self._web.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._web.shutdown()
        self._web.server_close()

    def _key_pair(self, folder: Path) -> None:
        key = rsa.generate_private_key(65537, 2048)
        made, _key = certificate("identity provider", key=key)
        (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
        (folder / "key.pem").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.TraditionalOpenSSL,
                serialization.NoEncryption(),
            )
        )

    def _config(self, sp_metadata: str = "") -> IdPConfig:
        about: dict[str, Any] = {
            "entityid": self.entity_id,
            "key_file": str(self._folder / "key.pem"),
            "cert_file": str(self._folder / "cert.pem"),
            "service": {
                "idp": {
                    "name": "Tests' IdP",
                    "endpoints": {
                        "single_sign_on_service": [
                            (self.entity_id.replace("metadata", "sso"), BINDING_HTTP_REDIRECT)
                        ],
                        "single_logout_service": [
                            (self.entity_id.replace("metadata", "slo"), binding)
                            for binding in self.log_out_bindings
                        ],
                    },
                    "policy": {"default": {"lifetime": {"minutes": 5}}},
                    "want_authn_requests_signed": True,
                    "signing_algorithm": SIG_RSA_SHA256,
                }
            },
            "organization": {"name": "T", "display_name": "Tests", "url": "https://t.example"},
        }
        if sp_metadata:
            about["metadata"] = {"inline": [sp_metadata]}
        config = IdPConfig()
        config.load(about)
        return config

    @property
    def metadata(self) -> str:
        return str(entity_descriptor(self._config()))

    def knows(self, sp_metadata: str) -> None:
        self._server = Server(config=self._config(sp_metadata))

    @property
    def server(self) -> Server:
        assert self._server is not None
        return self._server

    def asked(self, address: str) -> tuple[str, str]:
        """The id of the request that a browser was sent with, and who made it; its signature
        checked."""
        query = {k: v[0] for k, v in parse_qs(urlsplit(address).query).items()}
        assert query["SigAlg"] == SIG_RSA_SHA256
        found = self.server.parse_authn_request(
            query["SAMLRequest"], BINDING_HTTP_REDIRECT, relay_state=query.get("RelayState"),
            sigalg=query["SigAlg"], signature=query["Signature"],
        )  # fmt: skip
        return found.message.id, found.message.issuer.text

    def answer(
        self, request_id: str, to: str, uid: str = "ada", *, audience: str = "cloudportal",
        signed: bool = True,
    ) -> str:  # fmt: skip
        """What its form would post, in base64."""
        made = self.server.create_authn_response(
            {"uid": uid},
            request_id,
            to,
            audience,
            name_id=NameID(format=NAMEID_FORMAT_PERSISTENT, text=f"name-of-{uid}"),
            authn=AUTHN,
            sign_assertion=signed,
            sign_response=False,
        )
        return self.server.apply_binding(BINDING_HTTP_POST, str(made), to, response=True)["data"]

    def log_out(
        self, to: str, uid: str, index: str = "", *, signed: bool = True, redirect: bool = False,
        relay: str = "",
    ) -> str:  # fmt: skip
        """Its request that a session ends: a form, or the address a browser is sent to."""
        _id, made = self.server.create_logout_request(
            to, self.entity_id, name_id=NameID(format=NAMEID_FORMAT_PERSISTENT,
            text=f"name-of-{uid}"), session_indexes=[index] if index else None,
            sign=signed and not redirect,
        )  # fmt: skip
        return self._bound(str(made), to, relay, redirect=redirect, signed=signed)

    def asked_to_log_out(self, address: str) -> tuple[LogoutRequest, str]:
        """What a browser was sent with, its signature checked, and what goes along."""
        query = {k: v[0] for k, v in parse_qs(urlsplit(address).query).items()}
        assert query["SigAlg"] == SIG_RSA_SHA256
        found = self.server.parse_logout_request(
            query["SAMLRequest"], BINDING_HTTP_REDIRECT, relay_state=query["RelayState"],
            sigalg=query["SigAlg"], signature=query["Signature"],
        )  # fmt: skip
        return found.message, query["RelayState"]

    def answer_log_out(
        self, request: LogoutRequest, relay: str, *, to: str, status: Any = None,
        redirect: bool = True, signed: bool = True,
    ) -> str:  # fmt: skip
        made = self.server.create_logout_response(
            request, [BINDING_HTTP_REDIRECT], status=status, sign=signed and not redirect
        )
        return self._bound(str(made), to, relay, redirect=redirect, signed=signed, response=True)

    def log_out_answered(self, address: str) -> tuple[str, str]:
        """What our answer says: which request it is for, and how that went."""
        query = {k: v[0] for k, v in parse_qs(urlsplit(address).query).items()}
        given = {k: query[k] for k in ("SAMLResponse", "RelayState", "SigAlg", "Signature")}
        issuer = "cloudportal"
        for _name, pem in self.server.metadata.certs(issuer, "spsso", "signing"):
            assert verify_redirect_signature(given, self.server.sec.sec_backend, pem)
        found = self.server.parse_logout_request_response(
            query["SAMLResponse"], BINDING_HTTP_REDIRECT
        )
        return found.in_response_to, found.response.status.status_code.value

    def _bound(
        self, made: str, to: str, relay: str, *, redirect: bool, signed: bool,
        response: bool = False,
    ) -> str:  # fmt: skip
        binding = BINDING_HTTP_REDIRECT if redirect else BINDING_HTTP_POST
        sent = self.server.apply_binding(
            binding, made, to, relay, response=response, sign=signed and redirect
        )
        return str(dict(sent["headers"])["Location"] if redirect else sent["data"])


def field(form: str, name: str) -> str:
    """A hidden field of a form."""
    return form.split(f'name="{name}" value="')[1].split('"')[0]


def opened(message: str) -> str:
    return b64decode(message).decode()


def _handler(provider: IdentityProvider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # noqa: N802 (the library's name)
            body = provider.metadata.encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_given: Any) -> None:
            pass

    return Handler
