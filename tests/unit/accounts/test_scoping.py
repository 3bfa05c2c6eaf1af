import pytest

from accounts.models import Account
from accounts.services.scoping import operable, own_uuid, owner_for
from core.errors import InvalidParameter, PermissionDenied
from tests.factories import admin_caller, make_account, make_caller, make_domain

pytestmark = pytest.mark.django_db


def test_nobody_named_is_oneself():
    caller = make_caller()
    assert owner_for(caller) == caller.account
    assert owner_for(caller, None, caller.domain) == caller.account
    assert owner_for(caller, caller.account.name) == caller.account


def test_a_ruler_acts_for_accounts_of_its_subtree():
    domain = make_domain()
    ruler = make_caller("DomainAdmin", domain=domain)
    below = make_account(domain=make_domain(parent=domain))
    assert owner_for(ruler, below.name, below.domain) == below
    assert owner_for(admin_caller(), below.name, below.domain) == below


def test_a_strangers_account_looks_like_none():
    stranger = make_account(domain=make_domain())
    texts = []
    for name in (stranger.name, "nobody"):
        with pytest.raises(InvalidParameter) as refusal:
            owner_for(make_caller(), name, stranger.domain)
        texts.append(refusal.value.message.replace(name, "…"))
    assert texts[0] == texts[1]


def test_a_domain_alone_does_not_say_whose():
    with pytest.raises(InvalidParameter, match="together"):
        owner_for(admin_caller(), None, make_domain())


def test_nothing_is_made_for_an_account_that_is_closed():
    account = make_account()
    Account.objects.filter(pk=account.pk).update(state="locked")
    with pytest.raises(PermissionDenied, match="is locked"):
        owner_for(admin_caller(), account.name, account.domain)


def test_seeing_an_account_is_not_ruling_it():
    domain = make_domain()
    ruler = make_caller("DomainAdmin", domain=domain)
    equal = make_account(domain=domain, role_type="DomainAdmin")
    with pytest.raises(PermissionDenied, match="as high as yours"):
        operable(ruler, equal.name, domain)


def test_a_uuid_of_ones_own_must_be_one():
    text = "4f9d3c1e-0000-4000-8000-000000000001"
    assert str(own_uuid(text, "userid")) == text
    assert own_uuid("", "userid") != own_uuid(None, "userid")
    with pytest.raises(InvalidParameter, match="userid must be a uuid"):
        own_uuid("seven", "userid")
