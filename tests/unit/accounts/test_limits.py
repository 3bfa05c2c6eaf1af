import pytest

from accounts.models import ResourceCount
from accounts.resources import FACTS, Resource
from accounts.services import limits, recounting
from core.errors import LimitExceeded
from core.units import GIB
from tests.factories import admin, make_account, make_domain, root_domain

pytestmark = pytest.mark.django_db


@pytest.fixture
def nested():
    """An account two domains deep."""
    upper = make_domain()
    lower = make_domain(parent=upper)
    return make_account(domain=lower), lower, upper


def used(account, resource=Resource.INSTANCE):
    return limits.used_by_accounts([account.pk]).get(account.pk, {}).get(resource, 0)


def test_a_reservation_counts_for_the_account_and_every_domain_above_it(nested):
    account, lower, upper = nested
    limits.reserve(account, {Resource.INSTANCE: 2, Resource.MEMORY: 512})
    assert used(account) == 2
    in_domains = limits.used_by_domains([lower.pk, upper.pk, root_domain().pk])
    assert [in_domains[d][Resource.MEMORY] for d in in_domains] == [512, 512, 512]


def test_the_last_one_fits_and_one_more_does_not():
    account = make_account()
    limits.set_limit(account, Resource.VOLUME, 3)
    limits.reserve(account, {Resource.VOLUME: 3})
    with pytest.raises(LimitExceeded, match="has a limit of 3 on volumes: 3 in use, 1 more asked"):
        limits.reserve(account, {Resource.VOLUME: 1})
    assert used(account, Resource.VOLUME) == 3


def test_a_refusal_takes_nothing_of_the_other_resources_either():
    account = make_account()
    limits.set_limit(account, Resource.CPU, 1)
    with pytest.raises(LimitExceeded):
        limits.reserve(account, {Resource.INSTANCE: 1, Resource.CPU: 2})
    assert used(account) == 0


def test_a_domain_high_above_may_be_the_one_that_is_full(nested):
    account, _, upper = nested
    limits.set_limit(upper, Resource.INSTANCE, 1)
    limits.reserve(account, {Resource.INSTANCE: 1})
    with pytest.raises(LimitExceeded, match=upper.name_path) as refusal:
        limits.reserve(account, {Resource.INSTANCE: 1})
    assert refusal.value.code == 535
    assert refusal.value.details["used"] == 1


def test_storage_is_counted_in_bytes_and_limited_in_gib():
    account = make_account()
    limits.set_limit(account, Resource.PRIMARY_STORAGE, 10)
    limits.reserve(account, {Resource.PRIMARY_STORAGE: 10 * GIB})
    with pytest.raises(LimitExceeded, match="10 GiB on primary storage: 10 GiB in use, 1 B more"):
        limits.reserve(account, {Resource.PRIMARY_STORAGE: 1})


def test_defaults_come_from_the_settings_and_administrators_have_none():
    account = make_account()
    most = FACTS[Resource.INSTANCE].account_default.default
    limits.reserve(account, {Resource.INSTANCE: most})
    with pytest.raises(LimitExceeded):
        limits.reserve(account, {Resource.INSTANCE: 1})
    limits.reserve(admin().account, {Resource.INSTANCE: most + 1})


def test_minus_one_lifts_a_limit():
    account = make_account()
    limits.set_limit(account, Resource.INSTANCE, -1)
    limits.reserve(account, {Resource.INSTANCE: 10_000})


def test_what_is_released_may_be_reserved_again_and_never_falls_below_zero(nested):
    account, lower, _ = nested
    limits.reserve(account, {Resource.INSTANCE: 1})
    limits.release(account, {Resource.INSTANCE: 5})
    assert used(account) == 0
    assert limits.used_by_domains([lower.pk])[lower.pk][Resource.INSTANCE] == 0


def test_a_recount_mends_accounts_and_domains(nested, monkeypatch):
    account, lower, upper = nested
    limits.reserve(account, {Resource.INSTANCE: 7})
    monkeypatch.setitem(limits.COUNTERS, Resource.INSTANCE, lambda keys: {account.pk: 3})
    recounting.recount(upper)
    assert used(account) == 3
    found = limits.used_by_domains([lower.pk, upper.pk])
    assert {found[d.pk][Resource.INSTANCE] for d in (lower, upper)} == {3}


def test_a_recount_of_one_account_mends_the_domains_above_it(nested, monkeypatch):
    account, lower, upper = nested
    other = make_account(domain=upper)
    limits.reserve(other, {Resource.INSTANCE: 2})
    limits.reserve(account, {Resource.INSTANCE: 7})
    monkeypatch.setitem(limits.COUNTERS, Resource.INSTANCE, lambda keys: dict.fromkeys(keys, 1))
    recounting.recount(lower, account)
    found = limits.used_by_domains([lower.pk, upper.pk])
    assert found[lower.pk][Resource.INSTANCE] == 1
    assert found[upper.pk][Resource.INSTANCE] == 3


def test_the_cost_does_not_grow_with_the_depth_of_the_tree(django_assert_num_queries):
    domain = root_domain()
    for _ in range(6):
        domain = make_domain(parent=domain)
    account = make_account(domain=domain)
    amounts = {Resource.INSTANCE: 1, Resource.CPU: 1, Resource.MEMORY: 64}
    limits.reserve(account, amounts)
    with django_assert_num_queries(4):
        limits.reserve(account, amounts)
    assert ResourceCount.objects.count() == 7 * 3


def test_the_regular_check_finds_what_differs_and_touches_nothing_else(nested, monkeypatch):
    account, lower, upper = nested
    other = make_account(domain=upper)
    limits.reserve(account, {Resource.VOLUME: 5})
    limits.reserve(other, {Resource.VOLUME: 1})
    true = {account.pk: 2, other.pk: 1}
    monkeypatch.setattr(limits, "COUNTERS", {Resource.VOLUME: lambda keys: true})
    assert recounting.mend() > 0
    assert used(account, Resource.VOLUME) == 2
    found = limits.used_by_domains([lower.pk, upper.pk])
    assert (found[lower.pk][Resource.VOLUME], found[upper.pk][Resource.VOLUME]) == (2, 3)
    assert recounting.mend() == 0
