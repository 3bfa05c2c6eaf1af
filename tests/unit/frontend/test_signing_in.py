"""The sign-in pages and one's own page."""

import re
import time

import pytest
from django.test import Client

from accounts import totp
from accounts.models import Letter, SecondFactor, Session, User
from accounts.services import sessions
from core import vault
from frontend import devices
from infra.services import configuration
from jobs.models import Event
from tests.factories import PASSWORD, make_user
from tests.unit.api.examples.directories import directory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _enabled():
    configuration.set_value("enable.user.2fa", "true")
    yield
    configuration.forget()


@pytest.fixture
def user():
    return make_user("ada")


def code(user):
    secret = SecondFactor.objects.get(user=user).secret
    return totp.code_at(secret, totp.step_at(time.time()))


def sign_in(user, **more):
    browser = Client(headers={"User-Agent": FIREFOX})
    browser.reply = browser.post(
        "/signin", {"username": user.username, "password": PASSWORD, **more}
    )
    return browser


def with_factor(user):
    browser = sign_in(user)
    browser.post("/me/factor", {"do": "set_up", "provider": "totp"})
    browser.reply = browser.post("/me/factor", {"do": "prove", "code": code(user)})
    SecondFactor.objects.update(last_step=0)
    return browser


FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"


def test_setting_up_shows_the_key_its_picture_and_then_the_recovery_codes(user):
    browser = sign_in(user)
    page = browser.post("/me/factor", {"do": "set_up", "provider": "totp"}).content.decode()
    assert SecondFactor.objects.get(user=user).secret in page
    assert '<svg xmlns="http://www.w3.org/2000/svg"' in page or 'class="qr"' in page
    assert "viewBox" in re.search(r"<svg[^>]*>", page[page.index("qrbox"):])[0]  # it scales
    assert "style=" not in re.search(r"<svg[^>]*qr.*?</svg>", page, re.S)[0]
    page = browser.post("/me/factor", {"do": "prove", "code": code(user)}).content.decode()
    assert len(re.findall(r"[a-z2-7]{4}(?:-[a-z2-7]{4}){3}\n", page)) == 10


def test_until_it_is_proven_another_kind_may_be_chosen(user):
    browser = sign_in(user)
    browser.post("/me/factor", {"do": "set_up", "provider": "totp"})
    first = SecondFactor.objects.get(user=user).secret
    begun = browser.get("/me/factor").content.decode()
    assert first in begun
    again = browser.get("/me/factor?again=1").content.decode()
    assert first not in again
    assert 'value="staticpin"' in again
    page = browser.post("/me/factor", {"do": "set_up", "provider": "staticpin"}).content.decode()
    assert first not in page
    assert SecondFactor.objects.get(user=user).secret in page


def test_the_password_alone_opens_no_page(user):
    with_factor(user)
    browser = sign_in(user, next="/users")
    assert browser.reply.url == "/signin/factor?next=/users"
    assert browser.get("/users").url.startswith("/signin?")
    assert browser.get("/me").url.startswith("/signin?")


def test_the_code_opens_the_page_that_was_wanted(user):
    with_factor(user)
    browser = sign_in(user, next="/users")
    assert 'autocomplete="one-time-code"' in browser.get("/signin/factor").content.decode()
    wrong = browser.post("/signin/factor", {"do": "prove", "code": "abcdef"})
    assert wrong.status_code == 403
    done = browser.post("/signin/factor", {"do": "prove", "code": code(user), "next": "/users"})
    assert done.url == "/users"
    assert browser.get("/users").status_code == 200


def test_whoever_must_have_one_sets_it_up_while_signing_in(user):
    configuration.set_value("mandate.user.2fa", "true")
    browser = sign_in(user)
    page = browser.get("/signin/factor").content.decode()
    assert "must be protected" in page
    browser.post("/signin/factor", {"do": "set_up", "provider": "totp"})
    page = browser.post("/signin/factor", {"do": "prove", "code": code(user)}).content.decode()
    assert "Recovery codes" in page
    assert browser.get("/me").status_code == 200


def test_a_stranger_has_no_factor_to_prove(user):
    assert Client().get("/signin/factor").url == "/signin"
    assert Client().post("/signin/factor", {"do": "prove", "code": "1"}).url == "/signin"


def test_switching_off_wants_password_and_code(user):
    browser = with_factor(user)
    refused = browser.post("/me/factor", {"do": "off", "password": "guess", "code": code(user)})
    assert refused.status_code == 422
    assert browser.post(
        "/me/factor", {"do": "off", "password": PASSWORD, "code": code(user)}
    ).url == "/me"  # fmt: skip
    assert not SecondFactor.objects.exists()


def test_ones_own_page_shows_where_one_is_signed_in(user):
    browser = sign_in(user)
    elsewhere = sessions.log_in("ada", PASSWORD, address="192.0.2.77", device="curl/8")
    page = browser.get("/me").content.decode()
    for text in ("Firefox 143, Linux", "this one", "192.0.2.77", "curl/8"):
        assert text in page
    browser.post("/me/sessions", {"id": str(elsewhere.session.uuid)})
    assert Session.objects.get().device == FIREFOX
    sessions.log_in("ada", PASSWORD)
    browser.post("/me/sessions")
    assert Session.objects.get().device == FIREFOX


def test_nobody_ends_anothers_session(user):
    other = sessions.log_in(make_user("eve").username, PASSWORD)
    browser = sign_in(user)
    assert browser.post("/me/sessions", {"id": str(other.session.uuid)}).status_code == 422
    assert Session.objects.filter(pk=other.session.pk).exists()


def test_coming_and_going_are_events(user):
    browser = sign_in(user)
    browser.post("/signout")
    types = list(Event.objects.filter(user=user).values_list("type", flat=True).order_by("pk"))
    assert types == ["USER.LOGIN", "USER.LOGOUT"]


@pytest.fixture
def _mail():
    for name, value in {
        "user.password.reset.enabled": "true",
        "user.password.reset.mail.domain.url": "https://cloud.example",
        "alert.smtp.host": "mail.example",
        "alert.email.sender": "cloud@example.org",
    }.items():
        configuration.set_value(name, value)


@pytest.mark.usefixtures("_mail")
def test_a_forgotten_password_is_replaced_by_the_link(user):
    visitor = Client()
    assert "/forgotten" in visitor.get("/signin").content.decode()
    said = [
        re.sub(r'csrfmiddlewaretoken" value="\w+"', "", visitor.post("/forgotten", {"username": n})
               .content.decode()) for n in ("ada", "nobody")
    ]  # fmt: skip
    assert said[0] == said[1]
    link = re.search(r"https://cloud\.example(\S+)", vault.unseal(
        Letter.objects.exclude(recipient="").get().sealed_text))[1]  # fmt: skip
    page = visitor.get(link)
    assert page["Referrer-Policy"] == "same-origin"
    token = re.search(r'name="token" value="([^"]+)"', page.content.decode())[1]
    given = {"username": "ada", "domain": "ROOT", "token": token}
    differs = visitor.post("/forgotten/new", {**given, "password": "one", "again": "two"})
    assert differs.status_code == 422
    done = visitor.post("/forgotten/new", {**given, "password": "one", "again": "one"})
    assert "counts from now on" in done.content.decode()
    assert sessions.log_in("ada", "one")


def test_without_mail_nothing_is_offered():
    assert "/forgotten" not in Client().get("/signin").content.decode()
    assert Client().get("/forgotten").status_code == 404


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (FIREFOX, "Firefox 143, Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/141.0 Safari/537.36 Edg/141.0",
         "Edge 141, Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 "
         "Mobile/15E148 Safari/604", "Safari 18, iPhone"),
        ("python-requests/2.34", "python-requests/2.34"),
        ("", ""),
    ],
)  # fmt: skip
def test_devices_have_names(agent, words):
    assert devices.words(agent) == words


# -- administrators' pages ----------------------------------------------------------------


def test_users_of_the_directory_are_shown_before_they_are_imported(administrator):
    with directory():
        page = administrator.page("/ldap/import")
        assert "Show who would come in" in page
        shown = administrator.post("/ldap/import", {"do": "look"}).content.decode()
        assert "Comes in" in shown
        assert "Import 2 users" in shown
        assert not User.objects.filter(source="ldap").exists()
        done = administrator.post("/ldap/import", {"do": "import"}).content.decode()
    assert "2 users were imported" in done
    assert User.objects.filter(source="ldap").count() == 2


def test_a_refusal_of_the_directory_is_said(administrator):
    reply = administrator.post("/ldap/import", {"do": "look"})
    assert reply.status_code == 422
    assert "ldap.basedn" in reply.content.decode()


def test_tenants_have_no_such_pages(tenant):
    for url in ("/ldap/import", "/ldaplinks", "/oauthproviders"):
        tenant.page(url, status=404)


def test_sessions_are_listed_with_their_devices(administrator):
    assert 'href="/sessions"' in administrator.page("/")
    sessions.start(make_user("ada"), "192.0.2.8", device=FIREFOX)
    page = administrator.page("/sessions")
    assert "Firefox 143, Linux" in page
    assert "192.0.2.8" in page
