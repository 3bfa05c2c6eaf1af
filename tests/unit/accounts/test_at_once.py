"""Administrators who do the same thing at once: one of them is told that it is done."""

import threading

import pytest
from django.db import OperationalError, connections
from django.utils import timezone

from accounts.models import Account, Domain, Role, SecondFactor, User
from accounts.services import two_factor
from api.dispatch import execute
from core import vault
from core.errors import CloudError, LoginFailed, Throttled
from tests.factories import admin_caller, make_account, make_domain, make_user, root_domain

pytestmark = pytest.mark.django_db(transaction=True)

_PERSON = {"password": "a long and good one", "firstname": "A", "lastname": "L",
           "email": "a@example.org"}  # fmt: skip


def at_once(command, given, count=4):
    """What each of so many threads that start together got: None, or the error's code."""
    caller, gate, found = admin_caller(), threading.Barrier(count), []

    def work():
        gate.wait()
        try:
            for _ in range(20):
                try:
                    execute(caller, command, given)
                except CloudError as error:
                    if error.code == 534:  # SQLite has one writer, waited for in vain
                        continue
                    found.append(error.code)
                except OperationalError:
                    continue
                else:
                    found.append(None)
                return
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return sorted(found, key=str)


def assert_one(found, rows):
    assert found == [431, 431, 431, None]
    assert rows.count() == 1


def test_a_domain_is_made_once():
    parent = make_domain()
    about = {"name": "research", "parentdomainid": str(parent.uuid)}
    assert_one(at_once("createDomain", about), Domain.objects.filter(name="research"))


def test_an_account_is_made_once_and_so_is_its_user():
    domain = make_domain()
    about = {"account": "ada", "username": "ada", "domainid": str(domain.uuid), **_PERSON}
    assert_one(at_once("createAccount", about), Account.objects.filter(name="ada"))
    assert User.objects.filter(username="ada").count() == 1


def test_a_user_is_made_once():
    account = make_account(domain=make_domain())
    about = {"account": account.name, "domainid": str(account.domain.uuid), "username": "bob",
             **_PERSON}  # fmt: skip
    assert_one(at_once("createUser", about), User.objects.filter(username="bob"))


def test_a_role_is_made_once():
    about = {"name": "operators", "type": "User"}
    assert_one(at_once("createRole", about), Role.objects.filter(name="operators"))


def test_two_names_are_moved_to_one_place_once():
    target = make_domain()
    twins = [make_domain("twin", parent=make_domain()) for _ in range(2)]
    caller, gate, found = admin_caller(), threading.Barrier(2), []

    def work(domain):
        gate.wait()
        try:
            for _ in range(20):
                try:
                    execute(caller, "moveDomain", {
                        "domainid": str(domain.uuid), "parentdomainid": str(target.uuid),
                    })  # fmt: skip
                except CloudError as error:
                    if error.code == 534:
                        continue
                    found.append(error.code)
                except OperationalError:
                    continue
                else:
                    found.append(None)
                return
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=(d,)) for d in twins]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(found, key=str) == [431, None]
    assert Domain.objects.filter(parent=target, name="twin").count() == 1
    assert root_domain().path == "/"


def test_many_guesses_at_a_second_factor_at_once_have_no_more_tries_than_one_by_one():
    user, gate, found = make_user(), threading.Barrier(12), []
    SecondFactor.objects.create(
        user=user, provider="staticpin", sealed_secret=vault.seal("999999"), verified=timezone.now()
    )

    def guess(number):
        gate.wait()
        try:
            for _ in range(50):
                try:
                    two_factor.check_code(user, f"{number:06}")
                except (LoginFailed, Throttled) as error:
                    found.append(type(error))
                    return
                except OperationalError:
                    continue
        finally:
            connections.close_all()

    threads = [threading.Thread(target=guess, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(found) == 12
    # Five, and one more for each pause of a second or two that a slow machine slept over.
    assert 5 <= found.count(LoginFailed) < 8
