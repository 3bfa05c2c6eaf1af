"""Signing out at both ends, whichever began it."""

import re
import zlib
from base64 import b64encode
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from django.test import Client
from saml2 import BINDING_HTTP_POST
from saml2.s_utils import error_status_factory
from saml2.samlp import STATUS_PARTIAL_LOGOUT, STATUS_RESPONDER, STATUS_SUCCESS

from accounts.models import SamlProvider, Session
from accounts.saml import signing_out
from api.dispatch import execute
from infra.services import configuration
from jobs.models import Event
from tests.factories import admin_caller
from tests.integration.identity_provider import field
from tests.integration.saml.journeys import SLO, sign_in

pytestmark = pytest.mark.django_db


def onward(page):
    found = re.search(r'content="0;url=([^"]+)"', page.content.decode())
    assert found, page.content.decode()
    return found[1].replace("&amp;", "&")


def signed_out(idp):
    """By the button of the page: the browser, and what it is sent on with."""
    browser, _reply = sign_in(idp)
    reply = browser.post("/signout")
    assert not Session.objects.exists()
    return browser, reply


def followed(browser, address):
    assert address.startswith("http://testserver/")
    reply = browser.get(address.removeprefix("http://testserver"))
    return browser.get(reply["Location"]) if reply.status_code == 303 else reply


# -- begun here --------------------------------------------------------------------------


def test_signing_out_here_signs_out_there_as_well(idp, user):
    browser, reply = signed_out(idp)
    assert "You are signed out here." in reply.content.decode()
    request, relay = idp.asked_to_log_out(onward(reply))
    assert request.name_id.text == "name-of-ada"
    assert request.session_index[0].text
    assert len(relay) <= 80
    reply = followed(browser, idp.answer_log_out(request, relay, to=SLO))
    assert "You are signed out here and at your identity provider." in reply.content.decode()
    assert browser.get("/users").status_code == 302


def test_the_command_says_where_to_go_on(idp, user):
    browser, _reply = sign_in(idp)
    key = browser.cookies["sessionkey"].value
    given = {"command": "logout", "response": "json", "sessionkey": key}
    answered = browser.post("/client/api", given).json()["logoutresponse"]
    assert not Session.objects.exists()
    assert answered["description"] == "success"
    assert idp.asked_to_log_out(answered["redirecturl"])[0].name_id.text == "name-of-ada"


def test_an_answer_by_a_form_will_do(idp, user):
    browser, reply = signed_out(idp)
    request, relay = idp.asked_to_log_out(onward(reply))
    form = idp.answer_log_out(request, relay, to=SLO, redirect=False)
    given = {"SAMLResponse": field(form, "SAMLResponse"), "RelayState": relay}
    elsewhere = {"Origin": "https://idp.example.org", "Sec-Fetch-Site": "cross-site"}
    reply = browser.post("/client/api?command=samlSlo", given, headers=elsewhere)
    assert reply["Location"] == "/signedout?where=everywhere"


@pytest.mark.parametrize("status", [STATUS_RESPONDER, STATUS_PARTIAL_LOGOUT])
def test_a_log_out_that_went_half_way_is_said_so(idp, user, status):
    browser, reply = signed_out(idp)
    request, relay = idp.asked_to_log_out(onward(reply))
    bad = error_status_factory(("no", status))
    reply = followed(browser, idp.answer_log_out(request, relay, to=SLO, status=bad))
    assert "you may still be signed in" in reply.content.decode()


def refused(reply, words):
    assert reply.status_code == 531, reply.content
    assert words in reply.content.decode()


def test_answers_that_are_not_ones_to_us_are_refused(idp, user):
    _browser, reply = signed_out(idp)
    request, relay = idp.asked_to_log_out(onward(reply))
    unsigned = idp.answer_log_out(request, relay, to=SLO, signed=False)
    refused(followed(Client(), unsigned), "cannot be read")  # taken for a form's
    form = idp.answer_log_out(request, relay, to=SLO, redirect=False, signed=False)
    given = {"SAMLResponse": field(form, "SAMLResponse"), "RelayState": relay}
    refused(Client().post("/client/api?command=samlSlo", given), "not signed")
    good = idp.answer_log_out(request, relay, to=SLO)
    signature = parse_qs(urlsplit(good).query)["Signature"][0]
    forged = good.replace(quote(signature, safe=""), quote(signature[::-1], safe=""))
    assert forged != good
    refused(followed(Client(), forged), "not signed")
    request.id = "id-of-another"
    refused(followed(Client(), idp.answer_log_out(request, relay, to=SLO)), "not begun here")


@pytest.mark.parametrize("relay", ["https://evil.example/", "", "x.y", "9" * 30 + ".x"])
def test_what_comes_along_leads_nowhere(idp, user, relay):
    _browser, reply = signed_out(idp)
    request, _relay = idp.asked_to_log_out(onward(reply))
    refused(followed(Client(), idp.answer_log_out(request, relay, to=SLO)), "not begun here")


def test_an_answer_an_hour_later_is_not_taken(idp, user, monkeypatch):
    _browser, reply = signed_out(idp)
    request, relay = idp.asked_to_log_out(onward(reply))
    now = signing_out.time.time()
    monkeypatch.setattr("accounts.saml.signing_out.time.time", lambda: now + 3600)
    refused(followed(Client(), idp.answer_log_out(request, relay, to=SLO)), "too long ago")


def gone(idp):
    SamlProvider.objects.all().delete()


def without_a_service(idp):
    idp.log_out_bindings = [BINDING_HTTP_POST]
    execute(admin_caller(), "refreshIdps")
    idp.log_out_bindings = type(idp)(idp._folder).log_out_bindings


def unreadable(idp):
    SamlProvider.objects.update(metadata="<x/>")


def nowhere_to_come_back_to(idp):
    configuration.set_value("saml2.sp.slo.url", "")


@pytest.mark.parametrize("trouble", [gone, without_a_service, unreadable, nowhere_to_come_back_to])
def test_whatever_is_wrong_there_one_is_signed_out_here_and_told(idp, user, trouble):
    browser, _reply = sign_in(idp)
    trouble(idp)
    reply = browser.post("/signout")
    assert not Session.objects.exists()
    assert reply.url == "/signedout?where=here"
    assert "you may still be signed in" in browser.get(reply.url).content.decode()


def test_ending_sessions_elsewhere_asks_nobody(idp, user):
    sign_in(idp)
    execute(admin_caller(), "deleteSession", {"id": str(Session.objects.get().uuid)})
    assert not Session.objects.exists()


# -- begun there -------------------------------------------------------------------------


def test_signing_out_there_ends_the_session_here(idp, user):
    browser, _reply = sign_in(idp)
    index = Session.objects.get().external_index
    for signed in (False, True):
        form = field(idp.log_out(SLO, "ada", index, signed=signed), "SAMLRequest")
        reply = Client().post("/client/api?command=samlSlo", {"SAMLRequest": form})
        assert reply.status_code == (200 if signed else 531), reply.content
        assert Session.objects.exists() is not signed
    assert browser.get("/users").status_code == 302
    assert Event.objects.get(type="USER.LOGOUT").user == user


def test_by_a_redirect_it_is_answered(idp, user):
    browser, _reply = sign_in(idp)
    index = Session.objects.get().external_index
    address = idp.log_out(SLO, "ada", index, redirect=True, relay="theirs & ours")
    reply = browser.get(address.removeprefix("http://testserver"))
    assert not Session.objects.exists()
    assert reply.status_code == 303
    assert parse_qs(urlsplit(reply["Location"]).query)["RelayState"] == ["theirs & ours"]
    assert idp.log_out_answered(reply["Location"])[1] == STATUS_SUCCESS


def test_small_hexadecimal_digits_are_as_good(idp, user, monkeypatch):
    """As some identity providers write addresses, and sign them so."""
    sign_in(idp)
    monkeypatch.setattr("saml2.pack.urlencode", small_urlencode)
    address = idp.log_out(SLO, "ada", redirect=True)
    assert "%2f" in address
    assert Client().get(address.removeprefix("http://testserver")).status_code == 303
    assert not Session.objects.exists()


def small_urlencode(pairs):
    """Of one name, as the library asks."""
    given = pairs.items() if isinstance(pairs, dict) else pairs
    text = "&".join(f"{k}={quote(v, safe='')}" for k, v in given)
    return re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), text)


@pytest.mark.parametrize("uid, ends", [("ada", True), ("bob", False)])
def test_without_a_session_named_all_of_the_person_end(idp, user, uid, ends):
    sign_in(idp)
    form = field(idp.log_out(SLO, uid), "SAMLRequest")
    assert Client().post("/client/api?command=samlSlo", {"SAMLRequest": form}).status_code == 200
    assert Session.objects.exists() is not ends


def test_a_request_for_another_portal_is_refused(idp, user):
    sign_in(idp)
    form = field(idp.log_out(SLO.replace("testserver", "other"), "ada"), "SAMLRequest")
    refused(Client().post("/client/api?command=samlSlo", {"SAMLRequest": form}), "not signed")
    address = idp.log_out(SLO, "ada", redirect=True)
    tampered = address.replace("SigAlg=", "RelayState=x&SigAlg=")
    refused(Client().get(tampered.removeprefix("http://testserver")), "not signed")
    assert Session.objects.exists()


def test_rubbish_is_refused_in_words_and_a_bomb_is_not_opened(idp):
    bomb = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = bomb.compress(b"<x>" + b" " * 2**26 + b"</x>") + bomb.flush()
    texts = ["x", "🦊", b64encode(b"<x/>").decode(), b64encode(packed).decode()]
    for name in ("SAMLRequest", "SAMLResponse"):
        for text in texts:
            for more in ({}, {"SigAlg": "x", "Signature": "eA=="}):
                reply = Client().get("/client/api", {"command": "samlSlo", name: text, **more})
                assert reply.status_code == 531, (name, text[:20], reply.content)
