import pytest

from accounts.caller import Caller
from accounts.models import OldPassword
from accounts.services import passwords, sessions, users
from core.errors import InvalidParameter
from infra.services import configuration
from tests.factories import PASSWORD, admin, make_domain, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _forget():
    yield
    configuration.forget()


@pytest.mark.parametrize(
    ("setting", "value", "bad", "good"),
    [
        ("minimum.length", "8", "seven77", "eight888"),
        ("minimum.uppercase.letters", "2", "Abc", "ABc"),
        ("minimum.lowercase.letters", "2", "ABc", "Abc"),
        ("minimum.digits", "1", "abc", "abc1"),
        ("minimum.special.characters", "1", "abc1", "abc 1!"),
        ("regex", "[a-z]+", "abc1", "abc"),
        ("allowPasswordToContainUsername", "false", "xADAx", "other"),
    ],
)
def test_the_policy_of_a_domain_holds_in_it(setting, value, bad, good):
    domain = make_domain()
    configuration.set_value(f"password.policy.{setting}", value, domain)
    passwords.check(bad, "ada", make_domain())
    passwords.check(good, "ada", domain)
    with pytest.raises(InvalidParameter):
        passwords.check(bad, "ada", domain)


def change(user, to, **more):
    users.update(Caller.of(admin()), user, password=to, **more)


def test_the_latest_passwords_cannot_be_chosen_again():
    configuration.set_value("password.policy.history", "3")
    user = make_user()
    for password in ("one", "two"):
        change(user, password)
    for password in (PASSWORD, "one", "two"):
        with pytest.raises(InvalidParameter, match="latest 3 passwords"):
            change(user, password)
    change(user, "three")
    change(user, PASSWORD)


def test_no_more_of_them_are_kept_than_count():
    configuration.set_value("password.policy.history", "2")
    user = make_user()
    for password in ("one", "two", "three", "four"):
        change(user, password)
    assert OldPassword.objects.filter(user=user).count() == 2
    configuration.set_value("password.policy.history", "0")
    change(user, "four")
    assert not OldPassword.objects.exists()


def test_ones_own_needs_the_old_one_and_ends_sessions():
    user = make_user("ada")
    signed = sessions.log_in("ada", PASSWORD)
    with pytest.raises(InvalidParameter, match="currentpassword"):
        users.update(signed.caller, user, password="new")
    with pytest.raises(InvalidParameter, match="wrong"):
        users.update(signed.caller, user, password="new", current_password="guess")
    users.update(signed.caller, user, password="new", current_password=PASSWORD)
    assert sessions.find(signed.token) is None


def test_a_session_moves_its_own_mail_address_for_the_password_only():
    """Links for a new password go there: a stolen session would else become an account."""
    user = make_user("ada")
    signed = sessions.log_in("ada", PASSWORD)
    with pytest.raises(InvalidParameter, match="Give your password too"):
        users.update(signed.caller, user, email="eve@example.org")
    assert type(user).objects.get(pk=user.pk).email != "eve@example.org"
    users.update(signed.caller, user, email="eve@example.org", current_password=PASSWORD)
    users.update(signed.caller, user, email="eve@example.org", firstname="Ada")
    signing = sessions.Caller.of(user)  # by an API key
    users.update(signing, user, email="ada@example.org")
    assert type(user).objects.get(pk=user.pk).email == "ada@example.org"
