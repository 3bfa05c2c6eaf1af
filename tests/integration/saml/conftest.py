"""An identity provider that the portal knows, and that knows the portal."""

import pytest

from api.dispatch import Visitor, execute
from infra.services import configuration
from tests.factories import admin_caller, make_account, make_domain, make_user
from tests.integration.identity_provider import IdentityProvider
from tests.integration.saml.journeys import SLO, SSO, authorise


@pytest.fixture(scope="module")
def idp(tmp_path_factory):
    made = IdentityProvider(tmp_path_factory.mktemp("idp"))
    yield made
    made.close()


@pytest.fixture(autouse=True)
def _settings(idp, db):
    for name, value in {
        "saml2.enabled": "true", "saml2.sp.sso.url": SSO, "saml2.sp.slo.url": SLO,
        "saml2.idp.metadata.url": idp.entity_id, "signin.allowed.internal.sites": "127.0.0.0/8",
    }.items():  # fmt: skip
        configuration.set_value(name, value)
    execute(admin_caller(), "refreshIdps")
    idp.knows(execute(Visitor(), "getSPMetadata").value["metadata"])
    yield
    configuration.forget()


@pytest.fixture
def user(idp):
    made = make_user("ada", account=make_account(domain=make_domain("dev")))
    authorise(made)
    return made
