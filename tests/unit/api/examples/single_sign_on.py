"""OAuth and OpenID. The provider is a pretended one: tests/integration/test_oidc.py asks a real
one."""

import contextlib
from unittest import mock

from accounts.models import ExternalIdentity, OauthProvider, Session
from accounts.oauth import identities
from accounts.oauth.identities import Identity
from infra.services import configuration
from tests.unit.api.examples import example

ISSUER = "https://id.example.org"


@contextlib.contextmanager
def vouching(stage):
    """A provider that takes every code for the tenant's."""
    configuration.set_value("oauth2.enabled", "true")
    stage["accounts.OauthProvider"]
    said = Identity(ISSUER, "subject-1", stage["accounts.User"].email)
    with mock.patch.object(identities, "identify", return_value=said):
        yield said.email


@example("registerOauthProvider")
def _(stage):
    answered = yield {
        "provider": "ours", "description": "Ours", "clientid": "portal", "secretkey": "sesame",
        "redirecturi": "https://cloud.example/signin/oauth/back",
        "details": {"issuer": ISSUER},
    }  # fmt: skip
    assert answered == {"success": True}
    assert OauthProvider.objects.get(provider="ours").secret == "sesame"


@example("updateOauthProvider")
def _(stage):
    provider = stage["accounts.OauthProvider"]
    answered = yield {"id": provider, "enabled": False, "secretkey": "another"}
    assert answered["enabled"] is False
    provider.refresh_from_db()
    assert provider.secret == "another"


@example("deleteOauthProvider")
def _(stage):
    yield {"id": stage["accounts.OauthProvider"]}
    assert not OauthProvider.objects.exists()


@example("listOauthProvider")
def _(stage):
    configuration.set_value("oauth2.enabled", "true")
    provider = stage["accounts.OauthProvider"]
    answered = yield {}
    assert [p["id"] for p in answered] == [str(provider.uuid)]


@example("verifyOAuthCodeAndGetUser")
def _(stage):
    with vouching(stage) as email:
        answered = yield {
            "provider": stage["accounts.OauthProvider"].provider, "secretcode": "code",
        }  # fmt: skip
    assert answered["email"] == email


@example("oauthlogin", effect="a session, which every call may write")
def _(stage):
    with vouching(stage) as email:
        answered = yield {
            "provider": stage["accounts.OauthProvider"].provider, "secretcode": "code",
            "email": email, "domain": stage.account.domain.name_path,
        }  # fmt: skip
    assert answered["userid"] == str(stage["accounts.User"].uuid)
    assert Session.objects.get(source="oauth2").user == stage["accounts.User"]


@example("deleteUserIdentities")
def _(stage):
    user = stage["accounts.User"]
    ExternalIdentity.objects.create(user=user, issuer=ISSUER, subject="subject-1")
    yield {"id": user}
    assert not ExternalIdentity.objects.exists()
