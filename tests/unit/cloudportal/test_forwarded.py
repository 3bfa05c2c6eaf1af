"""Behind a proxy that speaks TLS: believed when it is listed, and only then (R14)."""

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.test import RequestFactory, override_settings

from cloudportal.forwarded import Forwarded

HEADERS = {
    "HTTP_X_FORWARDED_PROTO": "https",
    "HTTP_X_FORWARDED_HOST": "evil.example, cloud.example",
    "HTTP_HOST": "127.0.0.1:8080",
}


def seen(peer: str, **headers: str) -> tuple[bool, str]:
    """(came by TLS, host) as Django sees a request from ``peer``."""
    environ = RequestFactory().get("/").environ | {"REMOTE_ADDR": peer} | HEADERS | headers
    found = []
    Forwarded(lambda env, _start: found.append(WSGIRequest(env)) or [])(environ, None)
    return found[0].is_secure(), found[0].get_host()


@pytest.mark.parametrize("trusted", [[], ["10.0.0.1"]])
def test_headers_of_anybody_count_for_nothing(trusted):
    with override_settings(TRUSTED_PROXIES=trusted):
        assert seen("127.0.0.1") == (False, "127.0.0.1:8080")


@pytest.mark.parametrize("trusted", [["127.0.0.1"], ["127.0.0.0/8", "10.0.0.1"]])
def test_a_listed_proxy_says_scheme_and_name(trusted):
    with override_settings(TRUSTED_PROXIES=trusted):
        assert seen("127.0.0.1") == (True, "cloud.example")
        assert seen("127.0.0.1", HTTP_X_FORWARDED_PROTO="javascript") == (False, "cloud.example")
