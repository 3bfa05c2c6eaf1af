"""A cloud with its built-in roles and first administrator under every test with a database."""

import pytest

from accounts.models import Domain
from accounts.services.bootstrap import bootstrap
from tests.factories import PASSWORD

pytest_plugins = ["tests.plugins.simulator", "tests.plugins.quick_flush"]


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        bootstrap(PASSWORD)


@pytest.fixture(autouse=True)
def _bootstrapped(request):
    """Tests with real transactions empty the tables behind them; fill them again."""
    if request.node.get_closest_marker("django_db"):
        request.getfixturevalue("db")
        if not Domain.objects.exists():
            bootstrap(PASSWORD)
