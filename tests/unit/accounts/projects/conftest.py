import pytest

from infra.services import configuration
from tests import factories


@pytest.fixture(autouse=True)
def _settings():
    yield
    configuration.forget()


@pytest.fixture
def domain(db):
    return factories.make_domain()


@pytest.fixture
def owner(domain):
    return factories.make_caller(domain=domain)


@pytest.fixture
def member(domain):
    return factories.make_caller(domain=domain)


@pytest.fixture
def project(owner, member):
    return factories.make_project(owner.account, member.account)
