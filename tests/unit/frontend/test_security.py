"""Cookies of the pages, and what else a browser must be told."""

from api.settings import SECURE_COOKIE
from infra.services import configuration
from tests.factories import PASSWORD


def test_session_cookies_are_for_https_alone_where_the_operator_says_so(client, db):
    configuration.set_value(SECURE_COOKIE.name, "true")
    client.post("/signin", {"username": "admin", "password": PASSWORD})
    for name in ("JSESSIONID", "sessionkey"):
        cookie = client.cookies[name]
        assert cookie["secure"]
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"


def test_session_cookies_are_for_https_alone_when_the_page_came_so(client, db):
    client.post("/signin", {"username": "admin", "password": PASSWORD}, secure=True)
    assert client.cookies["JSESSIONID"]["secure"]
