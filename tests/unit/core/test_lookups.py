"""A look-up made once finds what a query made anew would."""

import threading

import pytest
from django.db import connection

from accounts.models import ApiKey, User
from accounts.services import keys
from core.lookups import Lookup
from tests import factories


def find(key):
    rows = ApiKey.objects.select_related("user__account__domain", "user__account__role")
    return rows.filter(key=key).first()


@pytest.fixture
def lookup():
    return Lookup(
        lambda: ApiKey.objects.select_related("user__account__domain", "user__account__role"),
        "key",
    )


@pytest.mark.django_db
def test_it_finds_the_row_and_its_relations_in_one_query(lookup, django_assert_num_queries):
    made = [keys.register(factories.make_user())[0] for _ in range(3)]
    for key in (*made, made[0]):
        with django_assert_num_queries(1):
            found = lookup(key)
            assert found.user.account.domain.name
            assert found.user.account.role.name
        assert found == find(key)
        assert found.__dict__.keys() == find(key).__dict__.keys()
        assert found.user.__dict__.keys() == find(key).user.__dict__.keys()


@pytest.mark.django_db
def test_it_sees_what_changed(lookup):
    user = factories.make_user()
    key = keys.register(user)[0]
    assert lookup(key).user.state == "enabled"
    User.objects.filter(pk=user.pk).update(state="disabled")
    assert lookup(key).user.state == "disabled"
    keys.delete(user)
    assert lookup(key) is None


@pytest.mark.django_db
@pytest.mark.parametrize("odd", ["", "' OR 1=1 --", "%", "\x00the value", "机器", "x" * 5000])
def test_odd_values_find_nothing(lookup, odd):
    keys.register(factories.make_user())
    assert lookup(odd) is None


@pytest.mark.django_db(transaction=True)
def test_each_thread_has_its_own_connection(lookup):
    key = keys.register(factories.make_user())[0]
    assert lookup(key) is not None
    found = []

    def look():
        found.append(lookup(key).key)
        connection.close()

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [key] * 3
