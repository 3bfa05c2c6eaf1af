"""Providers, as far as no provider is needed: tests/integration/test_oidc.py asks a real one."""

import base64
import hashlib
import hmac
import json
from dataclasses import replace

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from accounts.models import OauthProvider
from accounts.oauth import discovery, identities, signing_in
from accounts.saml import signing_in as saml
from api.dispatch import execute
from core.errors import InvalidParameter, LoginFailed
from tests.factories import admin_caller, make_user

pytestmark = pytest.mark.django_db
WHERE = discovery.Endpoints("https://id.example", "https://a", "https://t", "https://k")


def register(**given):
    about = {
        "provider": "ours", "description": "Ours", "clientid": "portal", "secretkey": "s",
        "redirecturi": "https://cloud.example/signin/oauth/back",
    }  # fmt: skip
    execute(admin_caller(), "registerOauthProvider", about | given)
    return OauthProvider.objects.get()


def test_google_and_github_are_known():
    assert register(provider="Google").issuer == "https://accounts.google.com"
    OauthProvider.objects.all().delete()
    assert discovery.endpoints(register(provider="github")).authorize.startswith(
        "https://github.com/"
    )


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"details": [{"issuer": "id.example"}]},
        {"details": [{"issuer": "https://id.example/?x=1"}]},
        {"provider": "google", "redirecturi": "javascript:alert(1)"},
        {"provider": "google", "redirecturi": "https://cloud.example/#x"},
        {"provider": "a/b"},
    ],
)
def test_what_cannot_work_is_not_registered(given):
    with pytest.raises(InvalidParameter):
        register(**given)


@pytest.fixture
def keys(monkeypatch):
    key = RSAKey.generate_key(2048, parameters={"kid": "1"})
    public = {"keys": [key.as_dict(private=False)]}
    monkeypatch.setattr(discovery, "document", lambda *_a, **_m: public)
    return key


def test_a_signature_by_its_key_is_taken(keys):
    text = jwt.encode({"alg": "RS256", "kid": "1"}, {"sub": "ada"}, keys)
    assert identities._claims(WHERE, text) == {"sub": "ada"}


def _forged(keys):
    other = RSAKey.generate_key(2048, parameters={"kid": "1"})
    claims = {"sub": "ada"}
    good = jwt.encode({"alg": "RS256", "kid": "1"}, claims, keys)
    return {
        "another key": jwt.encode({"alg": "RS256", "kid": "1"}, claims, other),
        "an unknown key": jwt.encode({"alg": "RS256", "kid": "2"}, claims, other),
        "the public key as a secret": _signed_with_a_secret(keys.as_pem(private=False)),
        "none": "eyJhbGciOiJub25lIn0." + good.split(".")[1] + ".",
        "nothing": "",
        "words": "not a token",
    }


def _signed_with_a_secret(secret):
    """HS256 by hand: the library itself refuses to take a public key for a secret."""
    head, body = (_b64(json.dumps(part).encode()) for part in (
        {"alg": "HS256", "kid": "1"}, {"sub": "ada"}
    ))  # fmt: skip
    mark = hmac.digest(secret, f"{head}.{body}".encode(), hashlib.sha256)
    return f"{head}.{body}.{_b64(mark)}"


def _b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "how",
    ["another key", "an unknown key", "the public key as a secret", "none", "nothing", "words"],
)
def test_other_signatures_are_not(keys, how):
    with pytest.raises(LoginFailed, match="not signed"):
        identities._claims(WHERE, _forged(keys)[how])


# -- whose it is; MariaDB takes é for e, and K for k ---------------------------------------

SUBJECT = identities.Identity("https://id.example", "kE1", "Ada@example.org")


@pytest.fixture
def ada():
    user = make_user("ada")
    type(user).objects.filter(pk=user.pk).update(email="ada@example.org")
    return user


def test_an_address_in_any_case_is_the_users(ada):
    assert signing_in.user_of(SUBJECT, ada.domain) == ada


def test_an_address_that_only_looks_alike_is_another(ada):
    for address in ("ada@éxample.org", "àda@example.org", "ada@example.org "):
        with pytest.raises(LoginFailed):
            signing_in.user_of(replace(SUBJECT, email=address), ada.domain)


def test_a_subject_is_exact(ada):
    signing_in.user_of(SUBJECT, ada.domain)
    type(ada).objects.filter(pk=ada.pk).update(email="moved@example.org")
    assert signing_in.user_of(SUBJECT, ada.domain) == ada
    for subject in ("ke1", "kÉ1"):
        with pytest.raises(LoginFailed):
            signing_in.user_of(replace(SUBJECT, subject=subject), ada.domain)


def test_a_name_of_saml_that_only_looks_alike_is_another(ada):
    saml.authorise(ada, True, "")
    assert saml.users_of("https://idp.example", "ADA") == [ada]
    assert saml.users_of("https://idp.example", "àda") == []
