"""The wire as clients see it: status, envelope, headers and forms of replies."""

import logging
import re
import uuid
from urllib.parse import quote

import pytest
from defusedxml import ElementTree
from django.core.cache import cache
from django.db import OperationalError
from django.test import Client, override_settings

from accounts.models import ApiKey, Session, User
from accounts.services import keys
from api import coverage, dispatch, http, signature
from core.commands import COMMANDS, UNLISTED
from core.config import SETTINGS
from core.errors import InsufficientCapacity, InvalidParameter
from infra.services import configuration
from tests import factories
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db

UNVERIFIED = "unable to verify user credentials and/or request signature"


class Signing:
    """A client that signs as CloudStack's own does."""

    def __init__(self, user: User, *, post: bool = False) -> None:
        self.key, self.secret = keys.register(user)
        self.post = post
        self.http = Client()

    def __call__(self, command, *, headers=None, **params):
        sent = {"command": command, "response": "json", "apiKey": self.key, **params}
        sent["signature"] = signature.signature_of(self.secret, sent)
        send = self.http.post if self.post else self.http.get
        return send("/client/api", sent, headers=headers)


@pytest.fixture
def admin():
    return Signing(factories.admin())


@pytest.fixture
def user():
    return Signing(factories.make_user())


@pytest.fixture
def setting(monkeypatch):
    """Gives a global setting another value for this test."""

    def give(name, value):
        text = str(value).lower() if isinstance(value, bool) else str(value)
        given[name] = text
        for known in given:
            assert known in SETTINGS

    given: dict[str, str] = {}
    monkeypatch.setattr("core.config._store", lambda name, holder: given.get(name))
    return give


def sole(response):
    ((envelope, body),) = response.json().items()
    return envelope, body


# -- replies ---------------------------------------------------------------------------


def test_a_signed_get_is_answered_in_json(admin):
    response = admin("listCapabilities")
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json; charset=UTF-8"
    envelope, body = sole(response)
    assert envelope == "listcapabilitiesresponse"
    assert body["capability"]["cloudstackversion"] == "4.22.0.0"


def test_the_address_works_with_and_without_a_slash(admin):
    params = {"command": "listCapabilities", "apiKey": admin.key}
    params["signature"] = signature.signature_of(admin.secret, params)
    for path in ("/client/api", "/client/api/"):
        for send in (Client().get, Client().post):
            assert send(path, params).status_code == 200


def test_xml_is_the_default_and_tells_the_version(admin):
    response = admin("listCapabilities", response="")
    assert response["Content-Type"] == "text/xml; charset=UTF-8"
    root = ElementTree.fromstring(response.content)
    assert root.tag == "listcapabilitiesresponse"
    assert root.get("cloud-stack-version") == "4.22.0.0"


def test_strangers_are_not_told_the_version():
    response = Client().get("/client/api", {"command": "listCapabilities"})
    root = ElementTree.fromstring(response.content)
    assert response.status_code == 401
    assert root.get("cloud-stack-version") is None
    assert root.find("errortext").text == UNVERIFIED


def test_nothing_found_is_an_empty_object(admin):
    _, body = sole(admin("listDomains", keyword="nobody-is-called-this", listall="true"))
    assert body == {}


def test_past_the_end_there_is_a_count_and_no_array(admin):
    _, body = sole(admin("listUsers", listall="true", page="9", pagesize="100"))
    assert list(body) == ["count"]


def test_query_string_wins_over_the_body(user):
    sent = {"command": "listApis", "response": "json", "apiKey": user.key, "name": "login"}
    sent["signature"] = signature.signature_of(user.secret, sent)
    body = {**sent, "name": "listCapabilities"}
    response = Client().post("/client/api?name=login", body)
    assert sole(response)[1]["api"][0]["name"] == "login"


def test_parameter_names_are_matched_in_any_case(user):
    _, body = sole(user("listApis", NAME="login"))
    assert [a["name"] for a in body["api"]] == ["login"]


def test_commands_are_matched_exactly(user):
    assert user("listapis").status_code == 401


def test_the_last_of_two_values_counts(user):
    pairs = [("command", "listApis"), ("response", "json"), ("apiKey", user.key)]
    made = signature.signature_of(user.secret, {**dict(pairs), "name": "login"})
    query = "&".join(f"{k}={v}" for k, v in [*pairs, ("name", "logout"), ("name", "login")])
    response = Client().get(f"/client/api?{query}&signature={quote(made, safe='')}")
    assert [a["name"] for a in sole(response)[1]["api"]] == ["login"]


# -- correlation -------------------------------------------------------------------------


def test_each_reply_names_its_reference(admin):
    assert uuid.UUID(admin("listCapabilities")["X-Request-Id"])


def test_a_harmless_reference_of_the_caller_is_kept(admin):
    response = admin("listCapabilities", headers={"X-Request-Id": "trace-0001.a_B"})
    assert response["X-Request-Id"] == "trace-0001.a_B"


@pytest.mark.parametrize(
    "given", ["short", "x" * 37, "a b c d e f g", "<script>xx", "日本語日本語日本語"]
)
def test_an_odd_reference_is_replaced(admin, given):
    response = admin("listCapabilities", headers={"X-Request-Id": given.encode().decode("latin-1")})
    assert uuid.UUID(response["X-Request-Id"])


# -- refusals ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spoil",
    [
        lambda p: p.pop("signature"),
        lambda p: p.pop("apiKey"),
        lambda p: p.update(signature="AAAA"),
        lambda p: p.update(apiKey="nobody"),
        lambda p: p.update(name="changed"),
    ],
)
def test_a_call_without_a_good_signature_is_a_401(user, spoil):
    params = {"command": "listApis", "response": "json", "apiKey": user.key}
    params["signature"] = signature.signature_of(user.secret, params)
    spoil(params)
    response = Client().get("/client/api", params)
    envelope, body = sole(response)
    assert response.status_code == 401
    assert envelope == "listapisresponse"
    assert body == {"uuidList": [], "errorcode": 401, "errortext": UNVERIFIED}
    assert response["X-Description"] == UNVERIFIED


def test_an_api_key_is_compared_exactly(user):
    ApiKey.objects.filter(user__api_key__key=user.key).update(key=user.key.swapcase())
    assert user("listApis").status_code == 401


@pytest.mark.parametrize("what", ["user", "account", "domain"])
def test_nobody_calls_who_is_disabled(what):
    user = factories.make_user(domain=factories.make_domain())
    client = Signing(user)
    if what == "user":
        User.objects.filter(pk=user.pk).update(state="disabled")
    elif what == "account":
        type(user.account).objects.filter(pk=user.account_id).update(state="disabled")
    else:
        type(user.domain).objects.filter(pk=user.domain_id).update(state="Inactive")
    response = client("listApis")
    assert (response.status_code, sole(response)[1]["errortext"]) == (401, UNVERIFIED)


def test_key_access_can_be_switched_off(user):
    User.objects.filter(api_key__key=user.key).update(api_key_access="DISABLED")
    assert user("listApis").status_code == 401


def test_version_3_needs_an_expiry_that_lies_ahead(user):
    assert user("listApis", signatureVersion="3").status_code == 401
    past, ahead = "2020-01-01T00:00:00+0000", "2099-01-01T00:00:00+0000"
    assert user("listApis", signatureVersion="3", expires=past).status_code == 401
    assert user("listApis", signatureVersion="3", expires=ahead).status_code == 200


def test_without_version_3_an_expiry_means_nothing(user):
    assert user("listApis", expires="2020-01-01T00:00:00+0000").status_code == 200


def test_an_unknown_signed_command_is_a_401_under_errorresponse(user):
    response = user("makeCoffee")
    assert response.status_code == 401
    assert sole(response)[0] == "errorresponse"


def test_a_command_of_a_higher_role_is_a_432_under_errorresponse(user):
    response = user("deleteRole", id=str(uuid.uuid4()))
    envelope, body = sole(response)
    assert response.status_code == 432
    assert envelope == "errorresponse"
    assert body["cserrorcode"] == 4555
    assert "does not exist, is not available for user" in body["errortext"]


def test_a_missing_parameter_is_named(admin):
    response = admin("deleteUser")
    envelope, body = sole(response)
    assert response.status_code == 431
    assert envelope == "deleteuserresponse"
    assert body["errortext"] == (
        "Unable to execute API command deleteuser due to missing parameter id"
    )
    assert body["cserrorcode"] == 4350


def test_an_unknown_id_has_the_words_that_terraform_reads(admin):
    missing = str(uuid.uuid4())
    _, body = sole(admin("deleteUser", id=missing))
    assert body["errortext"] == (
        "Unable to execute API command deleteuser due to invalid value. Invalid parameter id "
        f"value={missing} due to incorrect long value format, or entity does not exist"
    )


def test_a_table_that_explains_a_refusal_reaches_the_client(admin, monkeypatch):
    def refuse(*_args, **_more):
        raise InsufficientCapacity("Nowhere fits.", details=[{"host": "h1", "reason": "full"}])

    monkeypatch.setattr(dispatch, "execute", refuse)
    response = admin("listCapabilities")
    assert response.status_code == 533
    assert sole(response)[1]["details"] == [{"host": "h1", "reason": "full"}]


def test_a_refusal_in_any_script_fits_into_a_header(admin):
    response = admin("listUsers", account="机器\n", domainid=str(factories.root_domain().uuid))
    assert response.status_code == 431
    assert "\n" not in response["X-Description"]


# -- what nobody foresaw -----------------------------------------------------------------


def _break(monkeypatch, error):
    def fail(*_args, **_more):
        raise error

    monkeypatch.setattr(dispatch, "execute", fail)


def test_a_defect_is_a_530_with_a_reference_and_a_trace_in_the_log(user, monkeypatch, caplog):
    _break(monkeypatch, KeyError("very secret detail"))
    with caplog.at_level(logging.ERROR):
        response = user("listCapabilities")
    body = sole(response)[1]
    assert response.status_code == 530
    assert body["cserrorcode"] == 4250
    assert "very secret detail" not in response.content.decode()
    assert response["X-Request-Id"] in body["errortext"]
    assert response["X-Request-Id"] in caplog.text
    assert "Traceback" in caplog.text


def test_administrators_read_what_it_was(admin, monkeypatch):
    _break(monkeypatch, KeyError("detail"))
    assert "KeyError: 'detail'" in sole(admin("listCapabilities"))[1]["errortext"]


def test_a_database_that_is_away_is_a_534(user, monkeypatch):
    _break(monkeypatch, OperationalError("gone away"))
    response = user("listCapabilities")
    assert response.status_code == 534
    assert "gone away" not in response.content.decode()


# -- sessions ----------------------------------------------------------------------------


def log_in(client, **params):
    sent = {"command": "login", "username": "admin", "password": PASSWORD, "response": "json"}
    return client.post("/client/api", {**sent, **params})


@pytest.fixture
def session():
    """(client with cookies, session key)"""
    client = Client()
    return client, sole(log_in(client))[1]["sessionkey"]


def ask(client, key, command="listCapabilities", method="get", **more):
    params = {"command": command, "response": "json", **more}
    if key is not None:
        params["sessionkey"] = key
    return getattr(client, method)("/client/api", params)


def test_log_in_answers_flat_with_texts_where_cloudstack_has_texts():
    response = log_in(Client())
    envelope, body = sole(response)
    assert envelope == "loginresponse"
    assert (body["type"], body["registered"], body["timeout"]) == ("1", "false", 1800)
    assert body["account"] == body["username"] == "admin"
    session, key = response.cookies["JSESSIONID"], response.cookies["sessionkey"]
    assert key.value == body["sessionkey"]
    assert session["httponly"]
    assert key["httponly"]
    assert session["samesite"] == key["samesite"] == "Lax"


def test_the_cookie_is_not_stored(session):
    client, key = session
    token = client.cookies["JSESSIONID"].value
    stored = Session.objects.get()
    assert token not in (stored.token_hash, stored.key_hash)
    assert key not in (stored.token_hash, stored.key_hash)


def test_cookies_are_secure_over_https():
    response = Client().post(
        "/client/api",
        {"command": "login", "username": "admin", "password": PASSWORD},
        secure=True,
    )
    assert response.cookies["JSESSIONID"]["secure"]


@pytest.mark.parametrize(
    "trusted, proto, secure", [
        ([], "https", ""), (["127.0.0.1"], "https", True), (["127.0.0.1"], "http", ""),
        (["10.0.0.1"], "https", ""),
    ],
)  # fmt: skip
def test_https_before_a_listed_proxy_counts(trusted, proto, secure):
    with override_settings(TRUSTED_PROXIES=trusted):
        response = Client().post(
            "/client/api",
            {"command": "login", "username": "admin", "password": PASSWORD},
            headers={"X-Forwarded-Proto": proto},
        )
    assert response.cookies["JSESSIONID"]["secure"] == secure


@pytest.mark.parametrize("method", ["put", "delete", "patch", "options"])
def test_other_methods_are_a_405(method):
    response = getattr(Client(), method)("/client/api?command=listZones&response=json")
    assert response.status_code == 405
    assert sole(response)[0] == "listzonesresponse"


def test_log_in_by_get_is_a_405():
    response = Client().get(
        "/client/api", {"command": "login", "username": "admin", "password": PASSWORD}
    )
    assert response.status_code == 405
    assert not Session.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"password": "no"},
        {"username": "no"},
        {"domain": "no"},
        {"domainId": "no"},
        {"domainId": str(uuid.uuid4())},
    ],
)
def test_every_failed_log_in_is_the_same_531(wrong):
    response = log_in(Client(), **wrong)
    assert response.status_code == 531
    assert sole(response)[1]["cserrorcode"] == 4290
    assert sole(response)[1]["errortext"] == sole(log_in(Client(), password="x"))[1]["errortext"]
    assert not Session.objects.exists()


def test_failures_are_counted_and_then_pause_the_log_in():
    codes = [log_in(Client(), password="no").status_code for _ in range(7)]
    assert codes[0] == 531
    assert codes[-1] == 429


def test_users_below_root_log_in_by_path_and_by_domain_id():
    domain = factories.make_domain("研发")
    user = factories.make_user(domain=domain)
    for where in ({"domain": "研发"}, {"domain": "/研发/"}, {"domainId": str(domain.uuid)}):
        response = log_in(Client(), username=user.username, **where)
        assert sole(response)[1]["domainid"] == str(domain.uuid)


def test_a_session_calls_with_cookie_and_key(session):
    client, key = session
    assert ask(client, key).status_code == 200


@pytest.mark.parametrize("key", [None, "", "wrong"])
def test_without_its_key_a_session_ends(session, key):
    client, right = session
    assert ask(client, key).status_code == 401
    assert ask(client, right).status_code == 401
    assert not Session.objects.exists()


def test_the_key_must_come_as_cookie_too(session):
    client, key = session
    del client.cookies["sessionkey"]
    assert ask(client, key).status_code == 401


@pytest.mark.parametrize(
    "where, cookie, parameter, code",
    [
        ("CookieOrParameter", True, False, 200),
        ("CookieOrParameter", False, True, 200),
        ("CookieOrParameter", False, False, 401),
        ("ParameterOnly", False, True, 200),
        ("ParameterOnly", True, False, 401),
    ],
)
def test_the_operator_says_where_the_key_must_be(session, setting, where, cookie, parameter, code):
    setting("api.sessionkey.check.locations", where)
    client, key = session
    if not cookie:
        del client.cookies["sessionkey"]
    assert ask(client, key if parameter else None).status_code == code


def test_the_key_of_another_session_is_no_good(session):
    client, _ = session
    other = sole(log_in(Client()))[1]["sessionkey"]
    assert ask(client, other).status_code == 401


def test_an_unknown_command_in_a_session_is_a_432(session):
    client, key = session
    response = ask(client, key, "makeCoffee")
    assert response.status_code == 432
    assert "makeCoffee" in sole(response)[1]["errortext"]


def test_no_command_in_a_session_is_a_400(session):
    client, key = session
    assert ask(client, key, "").status_code == 400


def test_log_out_ends_the_session_and_drops_the_cookies(session):
    client, key = session
    token = client.cookies["JSESSIONID"].value
    response = ask(client, key, "logout")
    assert sole(response) == ("logoutresponse", {"description": "success"})
    assert response.cookies["JSESSIONID"].value == ""
    client.cookies["JSESSIONID"], client.cookies["sessionkey"] = token, key
    assert ask(client, key).status_code == 401


def test_get_changes_nothing_in_a_session(session):
    client, key = session
    name = {"name": "by-get"}
    assert ask(client, key, "createDomain", **name).status_code == 400
    assert not type(factories.root_domain()).objects.filter(name="by-get").exists()
    assert ask(client, key, "createDomain", "post", **name).status_code == 200


def test_get_is_refused_to_signers_too_when_the_operator_says_so(setting):
    setting("enforce.post.requests.and.timestamps", True)
    lasting = {"signatureVersion": "3", "expires": "2099-01-01T00:00:00+0000"}
    by_get, by_post = Signing(factories.admin()), Signing(factories.admin(), post=True)
    by_get.key, by_get.secret = by_post.key, by_post.secret
    assert by_get("createDomain", name="a", **lasting).status_code == 400
    assert by_post("createDomain", name="a", **lasting).status_code == 200
    assert by_post("createDomain", name="b").status_code == 401
    assert by_get("listDomains", **lasting).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}],
)
def test_another_sites_page_gets_nowhere_and_ends_nothing(session, headers):
    client, key = session
    params = {"command": "listCapabilities", "sessionkey": key}
    assert client.post("/client/api", params, headers=headers).status_code == 401
    assert client.get("/client/api", params, headers=headers).status_code == 401
    assert ask(client, key).status_code == 200
    login = {"command": "login", "username": "admin", "password": PASSWORD}
    assert Client().post("/client/api", login, headers=headers).status_code == 401


def test_the_portals_own_page_may_call(session):
    client, key = session
    params = {"command": "listCapabilities", "sessionkey": key}
    response = client.post("/client/api", params, headers={"Origin": "http://testserver"})
    assert response.status_code == 200


# -- who may come, and how often ---------------------------------------------------------


def test_addresses_can_be_limited(user, setting):
    setting("api.allowed.source.cidr.list", "10.0.0.0/8, 2001:db8::/32")
    response = user("listCapabilities")
    assert response.status_code == 401
    assert "127.0.0.1" in sole(response)[1]["errortext"]
    setting("api.allowed.source.cidr.list", "10.0.0.0/8,127.0.0.0/8")
    assert user("listCapabilities").status_code == 200


@pytest.mark.parametrize(
    "trusted, seen",
    [([], "127.0.0.1"), (["127.0.0.1"], "203.0.113.9"), (["10.0.0.1"], "127.0.0.1")],
)
def test_forwarded_addresses_count_only_from_listed_proxies(user, setting, trusted, seen):
    setting("api.allowed.source.cidr.list", "192.0.2.1/32")
    with override_settings(TRUSTED_PROXIES=trusted):
        response = user(
            "listCapabilities", headers={"X-Forwarded-For": "192.0.2.1, 203.0.113.9"}
        )
    assert f"from {seen}." in sole(response)[1]["errortext"]


def test_a_call_that_came_too_late_names_the_clocks(user):
    past = {"signatureVersion": "3", "expires": "2020-01-01T00:00:00+0000"}
    text = sole(user("listApis", **past))[1]["errortext"]
    assert text.startswith(UNVERIFIED)
    assert "expires at 2020-01-01T00:00:00+0000" in text
    assert "Compare the clocks" in text
    user.secret = "guessed"
    assert sole(user("listApis", **past))[1]["errortext"] == UNVERIFIED


def test_networks_of_a_domain_hold_for_sessions_and_pages_too(client):
    person = factories.make_user("li", domain=factories.make_domain("cidr"))
    given = {"username": "li", "password": factories.PASSWORD, "domain": "cidr"}
    assert client.post("/signin", given).status_code == 302
    assert client.get("/users").status_code == 200
    configuration.set_value("api.allowed.source.cidr.list", "192.0.2.0/24", person.domain)
    assert client.get("/users").status_code == 302
    refused = client.post("/signin", given)
    assert "is not used from 127.0.0.1" in refused.content.decode()
    configuration.forget()


@pytest.mark.parametrize("text", ["", "10.0.0.0/40", "everywhere", "10.0.0.0/8;::/0"])
def test_a_list_of_networks_that_is_none_is_refused(text):
    with pytest.raises(InvalidParameter):
        SETTINGS["api.allowed.source.cidr.list"].accept(text)


def test_calls_are_shown_and_forgotten(user, admin, setting):
    cache.clear()
    setting("api.throttling.enabled", True)
    setting("api.throttling.interval", 3600)
    setting("api.throttling.max", 3)
    user("listCapabilities")
    shown = sole(user("getApiLimit"))[1]["apilimit"]
    assert (shown["apiIssued"], shown["apiAllowed"]) == (2, 3)
    assert 0 < shown["expireAfter"] <= 3600
    assert [user("listCapabilities").status_code for _ in range(2)] == [200, 429]
    admin("resetApiLimit", account=shown["accountid"])
    assert user("listCapabilities").status_code == 200
    cache.clear()


def test_calls_are_counted_per_account_when_wanted(user, admin, setting):
    setting("api.throttling.enabled", True)
    setting("api.throttling.interval", 3600)
    setting("api.throttling.max", 3)
    codes = [user("listCapabilities").status_code for _ in range(5)]
    assert codes == [200, 200, 200, 429, 429]
    assert Signing(factories.make_user())("listCapabilities").status_code == 200
    assert [admin("listCapabilities").status_code for _ in range(5)] == [200] * 5


# -- size --------------------------------------------------------------------------------


def test_more_fields_than_anybody_needs_are_refused():
    response = Client().post("/client/api", {f"f{i}": "1" for i in range(2500)})
    assert response.status_code == 431


def test_a_body_beyond_the_cap_is_refused():
    response = Client().post("/client/api", {"command": "login", "username": "x" * (3 * 2**20)})
    assert response.status_code == 431


def test_a_form_that_lies_about_itself_is_refused():
    response = Client().post(
        "/client/api", b"--x\r\nrubbish", content_type="multipart/form-data; boundary="
    )
    assert response.status_code in (401, 431)


def test_every_defined_refusal_is_logged_without_a_parameter(user, caplog):
    secret = "hunter2-very-secret"
    with caplog.at_level(logging.DEBUG):
        user("updateUser", password=secret, id="x")
        log_in(Client(), password=secret)
    ours = [r.getMessage() for r in caplog.records if not r.name.startswith("django.db")]
    assert not [m for m in ours if re.search(secret, m)]
    assert http.log.name == "api.http"


# -- what is answered and not listed ----------------------------------------------------------


@pytest.mark.parametrize("name", sorted(UNLISTED))
def test_what_is_not_built_is_answered_truly_and_listed_nowhere(user, name):
    assert sole(user(name, listall="true")) == (f"{name.lower()}response", {})
    assert name not in {a["name"] for a in sole(user("listApis"))[1]["api"]}
    assert sole(user("listApis", name=name))[1] == {}
    assert name not in COMMANDS
    assert name not in {e.name for e in coverage.entries() if e.built}
    assert Client().get("/client/api", {"command": name}).status_code == 401
