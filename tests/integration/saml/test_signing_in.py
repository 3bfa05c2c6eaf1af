"""Signing in by a real identity provider of SAML 2."""

import re
from base64 import b64encode

import pytest
from django.test import Client
from saml2 import time_util

from accounts.models import SamlMark, SamlProvider, Session
from accounts.saml import client as sp
from accounts.saml import providers, signing_in
from accounts.services import sessions
from api.dispatch import Visitor, execute
from core.errors import InvalidParameter, LoginFailed, ResourceUnavailable, Throttled
from infra.services import configuration
from tests.factories import admin_caller, make_account, make_domain, make_user
from tests.integration.identity_provider import IdentityProvider, opened
from tests.integration.saml.journeys import authorise, came_back, left, message, posted, sign_in

pytestmark = pytest.mark.django_db


def test_the_provider_is_known_from_its_metadata(idp):
    (shown,) = execute(Visitor(), "listIdps").records
    assert shown == {"id": idp.entity_id, "orgName": "Tests", "orgUrl": "https://t.example"}
    assert "Tests" in Client().get("/signin").content.decode()


def test_there_and_back_again(idp, user):
    browser, reply = sign_in(idp)
    assert reply.status_code == 302, reply.content.decode()
    assert browser.get("/users").status_code == 200
    session = Session.objects.get()
    assert (session.user, session.source, session.idp) == (user, "saml2", idp.entity_id)


def test_an_answer_that_nobody_asked_for_is_not_taken(idp, user):
    browser = Client()
    reply = came_back(browser, posted(browser, message(idp, "id-made-up")))
    assert reply.status_code == 403
    assert not Session.objects.exists()


def test_an_answer_for_another_browser_is_not_taken(idp, user):
    mine, other = Client(), Client()
    request = left(mine, idp)
    left(other, idp)
    assert came_back(other, posted(other, message(idp, request))).status_code == 403
    assert not Session.objects.exists()


def test_an_answer_is_taken_once(idp, user):
    browser = Client()
    request = left(browser, idp)
    kept = browser.cookies["saml"].value
    answer = message(idp, request)
    assert came_back(browser, posted(browser, answer)).status_code == 302
    again = Client()
    again.cookies["saml"] = kept
    assert came_back(again, posted(again, answer)).status_code == 403
    assert (Session.objects.count(), SamlMark.objects.count()) == (1, 1)


def refused(idp, answer, words):
    reply = posted(Client(), answer)
    assert reply.status_code == 531, reply.content
    assert words in reply.content.decode()
    assert not Session.objects.exists()


UNSIGNED = "not signed as it should be"


def test_an_unsigned_assertion_is_refused(idp, user):
    refused(idp, message(idp, left(Client(), idp), signed=False), UNSIGNED)


@pytest.mark.parametrize("old, new", [("ada", "bob"), ("name-of-ada", "name-of-bob")])
def test_a_changed_assertion_is_refused(idp, user, old, new):
    text = opened(message(idp, left(Client(), idp))).replace(f">{old}<", f">{new}<")
    refused(idp, b64encode(text.encode()).decode(), UNSIGNED)


def test_a_key_of_its_own_does_not_help_a_forger(idp, user, tmp_path):
    forger = IdentityProvider(tmp_path)
    forger.entity_id = idp.entity_id
    forger.knows(sp.metadata())
    refused(idp, message(forger, left(Client(), idp)), UNSIGNED)
    forger.close()


def test_wrapping_a_signed_assertion_in_another_is_refused(idp, user):
    """XML signature wrapping: an assertion of the attacker's beside the signed one."""
    text = opened(message(idp, left(Client(), idp)))
    (signed,) = re.findall(r"<\w+:Assertion .*</\w+:Assertion>", text, re.S)
    evil = re.sub(r"<(\w+):Signature .*?</\1:Signature>", "", signed, flags=re.S)
    evil = evil.replace(">ada<", ">admin<").replace('ID="', 'ID="evil-', 1)
    inside = evil.replace("</ns1:Subject>", f"</ns1:Subject>{signed}", 1)
    for forged in (text.replace(signed, evil + signed), text.replace(signed, signed + evil),
                   text.replace(signed, inside)):  # fmt: skip
        refused(idp, b64encode(forged.encode()).decode(), UNSIGNED)


def test_an_answer_for_another_portal_is_refused(idp, user):
    elsewhere = "http://other.example/client/api?command=samlSso"
    refused(idp, message(idp, left(Client(), idp), to=elsewhere), UNSIGNED)


def test_an_answer_for_another_audience_is_refused(idp, user):
    text = opened(message(idp, left(Client(), idp))).replace(
        ">cloudportal</ns1:Audience>", ">another</ns1:Audience>"
    )
    refused(idp, b64encode(text.encode()).decode(), UNSIGNED)


@pytest.mark.parametrize("off_s", [-3700, 3700])
def test_a_clock_an_hour_off_is_named(idp, user, monkeypatch, off_s):
    answer = message(idp, left(Client(), idp))
    now = time_util.utc_now
    monkeypatch.setattr(time_util, "utc_now", lambda: now() + off_s)  # of the portal
    refused(idp, answer, "One of the two clocks is wrong")


@pytest.mark.parametrize("rubbish", ["x", "PHg+", "PCFET0NUWVBFIHg+PHgvPg==", "🦊"])
def test_rubbish_is_refused_in_words(idp, rubbish):
    assert posted(Client(), rubbish).status_code == 531


def test_who_was_not_authorised_stays_out(idp, user):
    make_user("bob")
    assert sign_in(idp, "bob")[1].status_code == 403
    authorise(user, "false")
    assert sign_in(idp)[1].status_code == 403


def test_an_authorisation_is_for_one_provider(idp, user):
    authorise(user, entityid="https://another.example")
    assert sign_in(idp)[1].status_code == 403


def test_taking_the_authorisation_away_ends_its_sessions(idp, user):
    browser, _reply = sign_in(idp)
    authorise(user, "false")
    assert browser.get("/users").status_code == 302


def test_one_person_goes_on_as_another_of_its_users(idp, user):
    twin = make_user("ada", account=make_account(domain=make_domain("ops")))
    authorise(twin)
    sign_in(idp)
    first = Session.objects.get()
    caller = sessions.Caller.of(first.user, session=first)
    shown = execute(caller, "listAndSwitchSamlAccount").value["samluseraccount"]
    assert {s["domainName"] for s in shown} == {"dev", "ops"}
    boss = {"userid": str(admin_caller().user.uuid)}
    with pytest.raises(LoginFailed, match="vouched for"):
        execute(caller, "listAndSwitchSamlAccount", boss)
    other = twin if first.user == user else user
    signed = execute(caller, "listAndSwitchSamlAccount", {"userid": str(other.uuid)}).value
    assert signed["userid"] == other.uuid
    assert Session.objects.get().user == other


def test_a_second_factor_is_asked_for_all_the_same(idp, user):
    configuration.set_value("enable.user.2fa", "true")
    configuration.set_value("mandate.user.2fa", "true")
    assert sign_in(idp)[1].url.startswith("/signin/factor")


def test_metadata_that_reads_files_is_refused(monkeypatch):
    evil = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'
    with pytest.raises(InvalidParameter, match="cannot be read"):
        providers._entities(evil)


def test_known_providers_stay_when_the_metadata_is_away(idp):
    configuration.set_value("saml2.idp.metadata.url", "http://127.0.0.1:1/metadata")
    with pytest.raises(ResourceUnavailable):
        providers.refresh()
    assert providers.refresh_quietly() == 0
    assert SamlProvider.objects.count() == 1


def test_switched_off_it_is_off(idp, user):
    configuration.set_value("saml2.enabled", "false")
    assert Client().get("/client/api", {"command": "samlSso"}).status_code == 431
    with pytest.raises(LoginFailed):
        signing_in.verify(b64encode(b"<x/>").decode())
    assert not execute(Visitor(), "listIdps").records


def test_another_providers_assertion_in_an_answer_of_this_one_is_refused(idp, user, tmp_path):
    """A federation's metadata names many, and each may vouch for its own people alone."""
    other = IdentityProvider(tmp_path)
    try:
        other.knows(sp.metadata())
        both = "".join(re.sub(r"<\?xml.*?\?>", "", one.metadata) for one in (idp, other))
        federation = (
            f'<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata">{both}'
            "</md:EntitiesDescriptor>"
        )
        SamlProvider.objects.create(entity_id=other.entity_id, metadata=federation)
        SamlProvider.objects.update(metadata=federation)
        authorise(user, entityid=idp.entity_id)
        text = opened(message(other, left(Client(), idp, idpid=idp.entity_id)))
        forged = text.replace(other.entity_id, idp.entity_id, 1)
        assert forged.index(idp.entity_id) < forged.index("Assertion ")
        refused(idp, b64encode(forged.encode()).decode(), UNSIGNED)
    finally:
        other.close()


def test_failures_of_strangers_keep_nobody_out(idp, user):
    for i in range(25):
        with pytest.raises(LoginFailed):
            signing_in.verify("eA==", address=f"198.51.100.{i}")
    assert sign_in(idp)[1].status_code == 302
    for _ in range(20):
        with pytest.raises(LoginFailed):
            signing_in.verify("eA==", address="198.51.100.99")
    with pytest.raises(Throttled):
        signing_in.verify("eA==", address="198.51.100.99")
