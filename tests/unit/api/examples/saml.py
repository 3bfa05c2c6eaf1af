"""SAML. tests/integration/saml signs in by a real identity provider."""

from unittest import mock

from accounts.models import SamlAuthorization, SamlProvider, Session
from accounts.saml import signing_in
from infra.services import configuration
from tests.unit.api.examples import example

IDP = "https://idp.example.org/metadata"
METADATA = f"""<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{IDP}">
  <IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
    <SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
      Location="https://idp.example.org/sso"/>
  </IDPSSODescriptor>
</EntityDescriptor>"""


def known(stage):
    """A provider that is known, and SAML switched on."""
    for name, value in {
        "saml2.enabled": "true",
        "saml2.sp.sso.url": "https://cloud.example.org/client/api?command=samlSso",
    }.items():
        configuration.set_value(name, value)
    return SamlProvider.objects.create(entity_id=IDP, name="Ours", metadata=METADATA)


@example("samlSso", redirects="https://idp.example.org/sso?SAMLRequest=")
def _(stage):
    known(stage)
    return {"idpid": IDP}


@example("listIdps")
def _(stage):
    known(stage)
    answered = yield {}
    assert answered == [{"id": IDP, "orgName": "Ours", "orgUrl": ""}]


@example("getSPMetadata", effect="it only tells; its key is made when first asked for")
def _(stage):
    known(stage)
    answered = yield {}
    assert "AssertionConsumerService" in answered["metadata"]


@example("refreshIdps")
def _(stage):
    known(stage)
    configuration.set_value("saml2.idp.metadata.url", IDP)
    answer = mock.Mock(text=METADATA)
    with mock.patch("accounts.web.fetched", return_value=answer):
        answered = yield {}
    assert answered["total"] == 1


@example("authorizeSamlSso")
def _(stage):
    user = stage["accounts.User"]
    yield {"userid": user, "enable": True, "entityid": IDP}
    assert SamlAuthorization.objects.get(user=user).entity_id == IDP


@example("listSamlAuthorization")
def _(stage):
    row = stage["accounts.SamlAuthorization"]
    answered = yield {"userid": row.user}
    assert [(a["userid"], a["status"]) for a in answered] == [(str(row.user.uuid), True)]


@example("samlSlo", refused="The answer of the identity provider cannot be read")
def _(stage):
    """Only an identity provider that is known ends sessions, and only by a signed message."""
    return {"SAMLRequest": "eA=="}


@example("listAndSwitchSamlAccount", refused="Only those who signed in by SAML")
def _(stage):
    """A signed call is no session: tests/integration/saml switches within one."""
    signing_in.authorise(stage["accounts.User"], True, "")
    assert not Session.objects.filter(source="saml2").exists()
    return {}
