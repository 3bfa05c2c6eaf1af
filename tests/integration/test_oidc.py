"""Signing in by a real OpenID provider: a process of its own on the loopback."""

import json
import re
import subprocess
import sys
import time
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from django.test import Client

from accounts import web
from accounts.models import ExternalIdentity, OauthProvider, Session
from accounts.oauth import discovery, identities
from api.dispatch import Visitor, execute
from core.errors import InvalidParameter, LoginFailed, ResourceUnavailable
from infra.services import configuration
from tests.factories import admin_caller, make_account, make_domain, make_user
from tests.integration.directory import free_port

pytestmark = pytest.mark.django_db

BACK = "http://testserver/signin/oauth/back"
PEOPLE = {
    "ada": {"email": "ada@example.org", "email_verified": True},
    "mallory": {"email": "ada@example.org", "email_verified": False},
    "successor": {"email": "ada@example.org", "email_verified": True},
    "nobody": {"email": "nobody@example.org", "email_verified": True},
}


@pytest.fixture(scope="module")
def issuer(tmp_path_factory):
    port = free_port()
    argv = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port)]
    for sub, claims in PEOPLE.items():
        argv += ["--user-claims", json.dumps({"sub": sub, **claims})]
    log = (tmp_path_factory.mktemp("oidc") / "log").open("wb")
    process = subprocess.Popen(argv, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    for _ in range(200):
        try:
            requests.get(f"{address}/.well-known/openid-configuration", timeout=1)
            break
        except requests.ConnectionError:
            time.sleep(0.05)
    yield requests.get(f"{address}/.well-known/openid-configuration", timeout=5).json()["issuer"]
    process.terminate()
    process.wait(20)


@pytest.fixture(autouse=True)
def _settings():
    configuration.set_value("oauth2.enabled", "true")
    configuration.set_value("signin.allowed.internal.sites", "127.0.0.0/8")
    discovery.forget()
    yield
    configuration.forget()


@pytest.fixture
def provider(issuer):
    execute(
        admin_caller(), "registerOauthProvider",
        {"provider": "ours", "description": "Our identity provider", "clientid": "portal",
         "secretkey": "sesame", "redirecturi": BACK, "details": [{"issuer": issuer}]},
    )  # fmt: skip
    return OauthProvider.objects.get()


@pytest.fixture
def user():
    user = make_user("ada", account=make_account(domain=make_domain("dev")))
    user.email = "Ada@example.org"
    user.save()
    return user


def consent(address, sub):
    """What the browser does at the provider: the way back it is sent, its code in it."""
    answered = requests.post(address, data={"sub": sub}, allow_redirects=False, timeout=5)
    return answered.headers["Location"]


def begun(browser, domain="dev", **more):
    """The provider's address to which the page sends the browser."""
    page = browser.post("/signin/oauth/ours", {"domain": domain, **more}).content.decode()
    found = re.search(r'content="0;url=([^"]+)"', page)
    assert found, page
    return found[1].replace("&amp;", "&")


def came_back(browser, sub, **more):
    location = consent(begun(browser, **more), sub)
    assert location.startswith(BACK)
    return browser.get(location.removeprefix("http://testserver"))


def code_of(provider, sub):
    """As a client of the API gets one, without our pages."""
    where = discovery.endpoints(provider)
    query = f"response_type=code&client_id=portal&redirect_uri={BACK}&scope=openid%20email"
    return parse_qs(urlsplit(consent(f"{where.authorize}?{query}", sub)).query)["code"][0]


# -- pages -------------------------------------------------------------------------------


def test_the_button_leads_there_and_back_again(provider, user):
    browser = Client()
    assert "Our identity provider" in browser.get("/signin").content.decode()
    reply = came_back(browser, "ada", next="/users")
    assert reply.url == "/users"
    assert browser.get("/users").status_code == 200
    session = Session.objects.get()
    assert (session.user, session.source) == (user, "oauth2")
    assert ExternalIdentity.objects.get().subject == "ada"


def test_state_nonce_and_a_challenge_go_along(provider, user):
    query = parse_qs(urlsplit(begun(Client())).query)
    assert query["code_challenge_method"] == ["S256"]
    for name in ("state", "nonce", "code_challenge"):
        assert len(query[name][0]) >= 32


def test_another_browsers_way_back_is_not_taken(provider, user):
    location = consent(begun(Client()), "ada").removeprefix("http://testserver")
    for browser in (Client(), Client()):
        assert browser.get(location).status_code == 403
    other = Client()
    begun(other)
    assert other.get(location).status_code == 403
    assert not Session.objects.exists()


def test_a_way_back_is_good_once(provider, user):
    browser = Client()
    location = consent(begun(browser), "ada").removeprefix("http://testserver")
    kept = browser.cookies["errand"].value
    assert browser.get(location).status_code == 302
    browser.cookies["errand"] = kept
    browser.cookies.pop("JSESSIONID")
    assert browser.get(location).status_code == 403
    assert Session.objects.count() == 1


def test_a_nonce_of_another_sign_in_is_refused(provider, user, monkeypatch):
    where = identities.errand(provider)
    code = parse_qs(urlsplit(consent(where.address, "ada")).query)["code"][0]
    with pytest.raises(LoginFailed, match="another sign-in"):
        identities.identify(provider, code, nonce="x" * 32, verifier=where.verifier)


@pytest.mark.parametrize("sub", ["mallory", "nobody"])
def test_addresses_that_are_unverified_or_unknown_come_in_nowhere(provider, user, sub):
    assert came_back(Client(), sub).status_code == 403
    assert not Session.objects.exists()


def test_the_domain_counts(provider, user):
    assert came_back(Client(), "ada", domain="").status_code == 403


def test_two_users_of_one_address_are_not_guessed_between(provider, user):
    twin = make_user("twin", account=user.account)
    twin.email = "ada@example.org"
    twin.save()
    assert came_back(Client(), "ada").status_code == 403


def test_an_address_that_passed_on_opens_nothing_until_an_administrator_says_so(provider, user):
    assert came_back(Client(), "ada").status_code == 302
    assert came_back(Client(), "successor").status_code == 403
    execute(admin_caller(), "deleteUserIdentities", {"id": str(user.uuid)})
    assert came_back(Client(), "successor").status_code == 302


def test_whoever_was_bound_comes_in_by_another_address_too(provider, user):
    came_back(Client(), "ada")
    user.email = "moved@example.org"
    user.save()
    assert came_back(Client(), "ada").status_code == 302


def test_a_second_factor_is_asked_for_all_the_same(provider, user):
    configuration.set_value("enable.user.2fa", "true")
    configuration.set_value("mandate.user.2fa", "true")
    assert came_back(Client(), "ada").url.startswith("/signin/factor")


def test_a_user_who_is_locked_stays_out(provider, user):
    user.state = "locked"
    user.save()
    assert came_back(Client(), "ada").status_code == 403


@pytest.mark.parametrize("off_s", [-4000, 4000])
def test_a_clock_an_hour_off_is_named(provider, user, monkeypatch, off_s):
    now = time.time()
    monkeypatch.setattr("accounts.oauth.identities.time.time", lambda: now + off_s)
    page = came_back(Client(), "ada").content.decode()
    assert "One of the two clocks is wrong" in page
    assert not Session.objects.exists()


def test_a_clock_a_minute_off_is_not_minded(provider, user, monkeypatch):
    now = time.time()
    monkeypatch.setattr("accounts.oauth.identities.time.time", lambda: now - 60)
    assert came_back(Client(), "ada").status_code == 302


# -- the API -----------------------------------------------------------------------------


def test_the_two_calls_of_a_client_share_one_code(provider, user):
    code = code_of(provider, "ada")
    visitor = Visitor("192.0.2.1")
    found = execute(
        visitor, "verifyOAuthCodeAndGetUser", {"provider": "ours", "secretcode": code}
    ).value
    assert found["email"] == "ada@example.org"
    given = {"provider": "ours", "secretcode": code, "email": found["email"], "domain": "dev"}
    reply = Client().post("/client/api", {"command": "oauthlogin", "response": "json", **given})
    body = reply.json()["oauthloginresponse"]
    assert body["username"] == "ada"
    assert set(reply.cookies) >= {"JSESSIONID", "sessionkey"}
    with pytest.raises(LoginFailed):
        execute(visitor, "oauthlogin", given)


def test_the_address_must_be_the_one_the_provider_says(provider, user):
    boss = make_user("boss", account=user.account)
    boss.email = "boss@example.org"
    boss.save()
    given = {"provider": "ours", "secretcode": code_of(provider, "ada"), "domain": "dev"}
    with pytest.raises(LoginFailed, match="another e-mail address"):
        execute(Visitor(), "oauthlogin", {**given, "email": "boss@example.org"})


def test_a_code_that_is_none_is_refused_and_counted(provider, user):
    with pytest.raises(LoginFailed, match="does not accept the code"):
        execute(Visitor("192.0.2.5"), "verifyOAuthCodeAndGetUser",
                {"provider": "ours", "secretcode": "guess"})  # fmt: skip


def test_secrets_are_shown_to_nobody(provider):
    for caller in (Visitor(), admin_caller()):
        shown = str(execute(caller, "listOauthProvider").records)
        assert "portal" in shown
        assert "sesame" not in shown
    assert "sesame" not in str(list(OauthProvider.objects.values()))


def test_what_is_switched_off_is_off(provider, user):
    execute(admin_caller(), "updateOauthProvider", {"id": str(provider.uuid), "enabled": "false"})
    assert not execute(Visitor(), "listOauthProvider").records
    assert execute(admin_caller(), "listOauthProvider").records
    with pytest.raises(InvalidParameter, match="Nobody signs in by"):
        execute(Visitor(), "verifyOAuthCodeAndGetUser", {"provider": "ours", "secretcode": "x"})


# -- the way out -------------------------------------------------------------------------


def test_internal_addresses_are_for_listed_networks(provider):
    configuration.set_value("signin.allowed.internal.sites", "192.168.0.0/16")
    with pytest.raises(ResourceUnavailable, match=r"signin\.allowed\.internal\.sites"):
        discovery.endpoints(provider)


@pytest.mark.parametrize("url", ["https://127.0.0.1:1/", "https://[::1]:1/", "https://169.254.169.254/"])
def test_metadata_and_loopback_are_refused_before_a_byte_is_sent(url):
    configuration.set_value("signin.allowed.internal.sites", "")
    with pytest.raises(ResourceUnavailable, match="internal address"):
        web.fetched(url)


def test_a_provider_that_is_away_is_said_so(provider, user):
    OauthProvider.objects.update(issuer=f"http://127.0.0.1:{free_port()}")
    page = Client().post("/signin/oauth/ours", {"domain": "dev"})
    assert page.status_code == 403
    assert "cannot be reached" in page.content.decode()


def test_one_that_says_it_is_another_is_refused(provider, issuer):
    provider.issuer = issuer.replace("127.0.0.1", "localhost").replace("localhost", "127.0.0.2")
    with pytest.raises(ResourceUnavailable):
        discovery.endpoints(provider)
