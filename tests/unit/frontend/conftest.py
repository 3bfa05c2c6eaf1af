import pytest
from django.test import Client

from tests.factories import PASSWORD, admin, make_account, make_user


class Browser(Client):
    """Somebody signed in, through the sign-in page."""

    def __init__(self, user, **more):
        super().__init__(**more)
        self.user = user
        path = user.domain.name_path.removeprefix("ROOT").strip("/")
        fields = {"username": user.username, "password": PASSWORD, "domain": path}
        reply = self.post("/signin", fields)
        assert reply.status_code == 302, reply.content.decode()

    def page(self, url, *, status=200, **headers):
        reply = self.get(url, headers=headers)
        assert reply.status_code == status, (url, reply.status_code)
        return reply.content.decode()

    def fragment(self, url, *, status=200):
        return self.page(url, status=status, **{"HX-Request": "true"})


@pytest.fixture
def administrator(db):
    return Browser(admin())


@pytest.fixture
def tenant(db):
    """A plain user of an account of its own."""
    return Browser(make_user(account=make_account()))


@pytest.fixture
def browser_of(db):
    return Browser
