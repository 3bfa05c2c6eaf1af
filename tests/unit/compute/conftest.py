import pytest

from tests.factories import caller_of, make_account, make_cloud


@pytest.fixture
def cloud(world):
    return make_cloud(world=world)


@pytest.fixture
def account(db):
    return make_account()


@pytest.fixture
def caller(account):
    return caller_of(account)
