"""Signing in by GitHub: a process of its own that speaks as GitHub does."""

import re
import subprocess
import sys
import time
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from django.test import Client

from accounts.models import ExternalIdentity, OauthProvider, Session
from accounts.oauth import discovery
from api.dispatch import Visitor, execute
from core.errors import LoginFailed, ResourceUnavailable
from infra.services import configuration
from tests.factories import admin_caller, make_account, make_domain, make_user
from tests.integration.directory import free_port

pytestmark = pytest.mark.django_db

BACK = "http://testserver/signin/oauth/back"


@pytest.fixture(scope="module")
def site():
    port = free_port()
    argv = [sys.executable, "-m", "tests.integration.github", "--port", str(port)]
    process = subprocess.Popen(argv)
    for _ in range(200):
        try:
            requests.get(f"http://127.0.0.1:{port}/", timeout=1)
            break
        except requests.ConnectionError:
            time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(20)


@pytest.fixture(autouse=True)
def _settings():
    configuration.set_value("oauth2.enabled", "true")
    configuration.set_value("signin.allowed.internal.sites", "127.0.0.0/8")
    yield
    configuration.forget()


@pytest.fixture
def github(site):
    about = {
        "provider": "github", "description": "GitHub", "clientid": "portal",
        "secretkey": "sesame", "redirecturi": BACK, "details": [{"issuer": site}],
    }  # fmt: skip
    execute(admin_caller(), "registerOauthProvider", about)
    return OauthProvider.objects.get()


@pytest.fixture
def user():
    user = make_user("ada", account=make_account(domain=make_domain("dev")))
    user.email = "Ada@example.org"
    user.save()
    return user


def consented(address, login):
    """What a browser does at GitHub: the way back it is sent."""
    answered = requests.get(f"{address}&login={login}", allow_redirects=False, timeout=5)
    return answered.headers["Location"]


def begun(browser):
    page = browser.post("/signin/oauth/github", {"domain": "dev"}).content.decode()
    found = re.search(r'content="0;url=([^"]+)"', page)
    assert found, page
    return found[1].replace("&amp;", "&")


def came_back(browser, login):
    location = consented(begun(browser), login)
    assert location.startswith(BACK)
    return browser.get(location.removeprefix("http://testserver"))


def code_of(github, login="ada"):
    """As a client of the API gets one, without our pages."""
    where = discovery.endpoints(github)
    address = f"{where.authorize}?client_id=portal&redirect_uri={BACK}&scope={where.scope}"
    return parse_qs(urlsplit(consented(address, login)).query)["code"][0]


def test_the_button_leads_there_and_back_again(github, user):
    browser = Client()
    assert "GitHub" in browser.get("/signin").content.decode()
    assert came_back(browser, "ada").status_code == 302
    assert browser.get("/users").status_code == 200
    assert (Session.objects.get().user, Session.objects.get().source) == (user, "oauth2")
    bound = ExternalIdentity.objects.get()
    assert (bound.issuer, bound.subject) == (github.issuer, "583231")


def test_a_state_and_a_challenge_go_along(github, user):
    query = parse_qs(urlsplit(begun(Client())).query)
    assert query["scope"] == ["user:email"]
    assert query["code_challenge_method"] == ["S256"]
    assert len(query["state"][0]) >= 32
    assert "nonce" not in query  # there is no signed answer that could hold it


def test_the_two_calls_of_a_client_share_one_code(github, user):
    given = {"provider": "github", "secretcode": code_of(github)}
    found = execute(Visitor("192.0.2.1"), "verifyOAuthCodeAndGetUser", given).value
    assert found["email"] == "ada@example.org"
    given |= {"email": found["email"], "domain": "dev"}
    reply = Client().post("/client/api", {"command": "oauthlogin", "response": "json", **given})
    assert reply.json()["oauthloginresponse"]["username"] == "ada"
    assert set(reply.cookies) >= {"JSESSIONID", "sessionkey"}
    assert ExternalIdentity.objects.get().issuer == github.issuer
    with pytest.raises(LoginFailed, match="bad_verification_code"):
        execute(Visitor(), "oauthlogin", given)


def test_oauthlogin_alone_will_do(github, user):
    given = {"provider": "github", "secretcode": code_of(github), "domain": "dev"}
    execute(Visitor(), "oauthlogin", {**given, "email": "ada@example.org"})
    assert Session.objects.get().user == user


@pytest.mark.parametrize("login", ["mallory", "unverified", "somebody"])
def test_who_is_not_ada_does_not_come_in(github, user, login):
    assert came_back(Client(), login).status_code == 403
    assert not Session.objects.exists()


def test_an_address_that_passed_on_opens_nothing(github, user):
    assert came_back(Client(), "ada").status_code == 302
    assert came_back(Client(), "successor").status_code == 403


def test_a_code_of_a_page_is_worth_nothing_without_its_verifier(github, user):
    location = consented(begun(Client()), "ada")
    code = parse_qs(urlsplit(location).query)["code"][0]
    with pytest.raises(LoginFailed, match="bad_verification_code"):
        execute(Visitor(), "verifyOAuthCodeAndGetUser", {"provider": "github", "secretcode": code})


def test_a_wrong_secret_is_said_so(github, user):
    about = {"id": str(github.uuid), "secretkey": "guess"}
    execute(admin_caller(), "updateOauthProvider", about)
    with pytest.raises(LoginFailed, match="incorrect_client_credentials"):
        execute(Visitor(), "verifyOAuthCodeAndGetUser",
                {"provider": "github", "secretcode": code_of(github)})  # fmt: skip


def test_a_token_that_may_not_see_addresses_is_said_so(github, user):
    where = discovery.endpoints(github)
    address = f"{where.authorize}?client_id=portal&redirect_uri={BACK}&scope=repo"
    code = parse_qs(urlsplit(consented(address, "ada")).query)["code"][0]
    with pytest.raises(ResourceUnavailable, match="answered 404"):
        execute(Visitor(), "verifyOAuthCodeAndGetUser", {"provider": "github", "secretcode": code})
