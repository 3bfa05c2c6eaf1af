"""A process that speaks GitHub's OAuth as docs.github.com describes it: “Authorizing OAuth
apps”, “Troubleshooting OAuth app access token request errors”, “Get the authenticated user” and
“List email addresses for the authenticated user”, at the places of a GitHub Enterprise Server.

``python -m tests.integration.github --port 8000``: the app is ``portal`` with the secret
``sesame``. Who consents is chosen by ``login=`` in the address of the consent page.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import secrets
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

CLIENT, SECRET = "portal", "sesame"


def _address(email: str, *, primary: bool, verified: bool) -> dict[str, Any]:
    visibility = "private" if primary else None
    return {"email": email, "primary": primary, "verified": verified, "visibility": visibility}


PEOPLE: dict[str, tuple[int, list[dict[str, Any]]]] = {
    "ada": (583231, [
        _address("ada@users.noreply.github.com", primary=False, verified=True),
        _address("ada@example.org", primary=True, verified=True),
    ]),
    # The victim's address among the own ones, but neither confirmed nor the main one.
    "mallory": (666, [
        _address("mallory@example.org", primary=True, verified=True),
        _address("ada@example.org", primary=False, verified=False),
    ]),
    "unverified": (667, [_address("ada@example.org", primary=True, verified=False)]),
    "successor": (668, [_address("ada@example.org", primary=True, verified=True)]),
}  # fmt: skip

_codes: dict[str, dict[str, str]] = {}
_tokens: dict[str, dict[str, str]] = {}


class GitHub(BaseHTTPRequestHandler):
    def do_GET(self) -> None:  # noqa: N802 (the library's name)
        parts = urlsplit(self.path)
        query = {k: v[0] for k, v in parse_qs(parts.query).items()}
        if parts.path == "/login/oauth/authorize":
            return self._consent(query)
        if parts.path == "/api/v3/user":
            return self._person()
        if parts.path == "/api/v3/user/emails":
            return self._addresses()
        return self._say(404, {"message": "Not Found"})

    def do_POST(self) -> None:  # noqa: N802
        body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        given = {k: v[0] for k, v in parse_qs(body).items()}
        if urlsplit(self.path).path != "/login/oauth/access_token":
            return self._say(404, {"message": "Not Found"})
        return self._say_of_token(_exchanged(given))

    def _consent(self, query: dict[str, str]) -> None:
        if query.get("client_id") != CLIENT:
            self._say(404, {"message": "Not Found"})
            return
        state = {"state": query["state"]} if "state" in query else {}
        if query.get("login") not in PEOPLE:
            answer = {"error": "access_denied", "error_description": "The user has denied …"}
        else:
            answer = {"code": secrets.token_hex(10)}
            _codes[answer["code"]] = query
        self.send_response(302)
        self.send_header("Location", f"{query['redirect_uri']}?{urlencode(answer | state)}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _say_of_token(self, answer: dict[str, str]) -> None:
        """Errors too come with 200; a form unless JSON is asked for."""
        if "application/json" in self.headers.get("Accept", ""):
            return self._say(200, answer)
        return self._send(200, urlencode(answer), "application/x-www-form-urlencoded")

    def _holder(self) -> dict[str, str] | None:
        kind, _, token = self.headers.get("Authorization", "").partition(" ")
        found = _tokens.get(token) if kind.lower() in ("bearer", "token") else None
        if not self.headers.get("User-Agent"):
            self._say(403, {"message": "Request forbidden by administrative rules."})
        elif found is None:
            self._say(401, {"message": "Bad credentials", "status": "401"})
        else:
            return found
        return None

    def _person(self) -> None:
        holder = self._holder()
        if holder is not None:
            login = holder["login"]
            self._say(200, {"login": login, "id": PEOPLE[login][0], "type": "User", "email": None})

    def _addresses(self) -> None:
        holder = self._holder()
        if holder is not None and "user:email" in holder["scope"]:
            self._say(200, PEOPLE[holder["login"]][1])
        elif holder is not None:
            self._say(404, {"message": "Not Found"})

    def _say(self, status: int, answer: Any) -> None:
        self._send(status, json.dumps(answer), "application/json; charset=utf-8")

    def _send(self, status: int, text: str, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_given: Any) -> None:
        pass


def _exchanged(given: dict[str, str]) -> dict[str, str]:
    """Parameters only; GitHub does not document credentials in a header."""
    if (given.get("client_id"), given.get("client_secret")) != (CLIENT, SECRET):
        return _error("incorrect_client_credentials")
    asked = _codes.pop(given.get("code", ""), None)
    if asked is None:
        return _error("bad_verification_code")
    if given.get("redirect_uri", asked["redirect_uri"]) != asked["redirect_uri"]:
        return _error("redirect_uri_mismatch")
    digest = hashlib.sha256(given.get("code_verifier", "").encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    if asked.get("code_challenge", challenge) != challenge:
        return _error("bad_verification_code")
    token = f"gho_{secrets.token_hex(18)}"
    _tokens[token] = {"login": asked["login"], "scope": asked.get("scope", "")}
    return {"access_token": token, "scope": asked.get("scope", ""), "token_type": "bearer"}


def _error(name: str) -> dict[str, str]:
    return {
        "error": name, "error_description": f"{name} …",
        "error_uri": "https://docs.github.com/apps/managing-oauth-apps/",
    }  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    ThreadingHTTPServer(("127.0.0.1", parser.parse_args().port), GitHub).serve_forever()
