from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Account, ApiKey, RetiredKey, User
from accounts.services import keys
from core.errors import InvalidParameter
from tests.factories import make_user

pytestmark = pytest.mark.django_db
LONG = "k" * 40


@pytest.fixture
def user():
    return make_user()


def test_a_key_finds_its_user_and_secret(user):
    key, secret = keys.register(user)
    found = keys.find(key)
    assert (found.user, found.secret) == (user, secret)
    assert keys.find(key.swapcase()) is None
    assert keys.find("") is None


def test_a_new_pair_makes_the_old_one_worthless(user):
    old, _ = keys.register(user)
    new, _ = keys.register(user)
    assert keys.find(old) is None
    assert keys.find(new) is not None


def test_a_deleted_key_is_worthless(user):
    key, _ = keys.register(user)
    assert keys.delete(user)
    assert keys.find(key) is None


def test_the_secret_is_sealed_in_the_database(user):
    _, secret = keys.register(user)
    assert secret not in repr(list(ApiKey.objects.values()))


@pytest.mark.parametrize("model", [User, Account])
def test_who_may_not_sign_in_may_not_sign_calls(user, model):
    key, _ = keys.register(user)
    row = user if model is User else user.account
    model.objects.filter(pk=row.pk).update(state="disabled")
    assert keys.find(key) is None


def test_access_by_keys_is_decided_by_the_narrowest_answer(user):
    key, _ = keys.register(user)
    Account.objects.filter(pk=user.account_id).update(api_key_access="DISABLED")
    assert keys.find(key) is None
    User.objects.filter(pk=user.pk).update(api_key_access="ENABLED")
    assert keys.find(key) is not None


def test_a_pair_of_ones_own_must_be_long_and_not_anothers(user):
    with pytest.raises(InvalidParameter, match="at least 32"):
        keys.choose(user, LONG, "short")
    keys.choose(user, LONG, LONG)
    with pytest.raises(InvalidParameter, match="choose another"):
        keys.choose(make_user(), LONG, LONG)


# -- changing over -----------------------------------------------------------------------


def test_the_older_pair_signs_a_while_longer_when_asked(user):
    old, secret = keys.register(user)
    new, _ = keys.register(user, keep_minutes=10)
    assert keys.find(old).secret == secret
    assert keys.find(new)
    RetiredKey.objects.update(until=timezone.now() - timedelta(seconds=1))
    assert keys.find(old) is None
    assert keys.sweep() == 1


def test_throwing_keys_away_takes_the_older_too(user):
    old, _ = keys.register(user)
    keys.register(user, keep_minutes=10)
    assert keys.delete(user)
    assert keys.find(old) is None


def test_a_further_pair_ends_what_was_kept(user):
    first, _ = keys.register(user)
    second, _ = keys.register(user, keep_minutes=10)
    keys.register(user, keep_minutes=10)
    assert keys.find(first) is None
    assert keys.find(second)


def test_a_retired_key_cannot_be_anothers(user):
    old, secret = keys.register(user)
    keys.register(user, keep_minutes=10)
    with pytest.raises(InvalidParameter, match="choose another"):
        keys.choose(make_user(), old, secret)


def test_its_last_use_is_written_at_most_once_a_minute(user, django_assert_num_queries):
    key, _ = keys.register(user)
    keys.used(keys.find(key).row)
    row = keys.find(key).row
    assert row.last_used is not None
    with django_assert_num_queries(0):
        keys.used(row)
