import pytest

from accounts.models import Account, Domain, Role, User
from accounts.services.bootstrap import bootstrap
from tests.factories import PASSWORD, admin

pytestmark = pytest.mark.django_db


def test_the_first_start_makes_root_roles_and_administrator():
    assert Domain.objects.get(level=0).path == "/"
    assert set(Account.objects.values_list("name", flat=True)) == {"system", "admin"}
    assert Role.objects.filter(is_default=True).count() == 8
    assert admin().has_password(PASSWORD)


def test_a_second_start_changes_nothing():
    before = [list(m.objects.values()) for m in (Domain, Account, Role, User)]
    assert bootstrap("another") == ""
    assert [list(m.objects.values()) for m in (Domain, Account, Role, User)] == before


def test_a_password_is_generated_when_none_is_given():
    User.objects.filter(username="admin").update(username="once-admin")
    password = bootstrap()
    assert len(password) >= 16
    assert admin().has_password(password)


def test_nobody_signs_in_as_the_system_user():
    system = User.objects.get(username="system")
    assert not system.has_password("")
    assert not system.has_password(PASSWORD)
