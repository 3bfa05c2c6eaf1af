"""Rule R10 with real transactions: many at once never get more than the limit."""

import threading

import pytest
from django.db import OperationalError, connections, transaction

from accounts.resources import Resource
from accounts.services import limits
from core.errors import LimitExceeded
from tests.factories import make_account, make_domain

pytestmark = pytest.mark.django_db(transaction=True)


def reserve_one(account, outcomes: list[str]) -> None:
    """One reservation in a transaction of its own, begun again after a deadlock as the
    dispatcher does."""
    try:
        for _ in range(20):
            try:
                with transaction.atomic():
                    limits.reserve(account, {Resource.INSTANCE: 1, Resource.CPU: 2})
                outcomes.append("reserved")
                return
            except OperationalError:
                continue
        outcomes.append("gave up")
    except LimitExceeded:
        outcomes.append("refused")
    finally:
        connections.close_all()


def all_at_once(accounts) -> list[str]:
    outcomes: list[str] = []
    threads = [threading.Thread(target=reserve_one, args=(a, outcomes)) for a in accounts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return sorted(outcomes)


def test_of_many_at_once_as_many_succeed_as_may():
    account = make_account(domain=make_domain())
    limits.set_limit(account, Resource.INSTANCE, 5)
    assert all_at_once([account] * 12) == ["refused"] * 7 + ["reserved"] * 5
    assert limits.used_by_accounts([account.pk])[account.pk][Resource.INSTANCE] == 5


def test_accounts_of_one_domain_meet_at_its_limit():
    domain = make_domain()
    limits.set_limit(domain, Resource.CPU, 8)
    accounts = [make_account(domain=domain) for _ in range(8)]
    assert all_at_once(accounts) == ["refused"] * 4 + ["reserved"] * 4
    assert limits.used_by_domains([domain.pk])[domain.pk][Resource.CPU] == 8
