from datetime import timedelta

import pytest
from django.test import override_settings
from django.utils import timezone

from accounts.models import Account, Domain, LoginFailure, Role, Session, User
from accounts.services import roles, sessions, throttle
from core.commands import COMMANDS
from core.errors import LoginFailed, Throttled
from tests.factories import PASSWORD, make_account, make_domain, make_user

pytestmark = pytest.mark.django_db
HERE, THERE = "192.0.2.1", "192.0.2.2"


@pytest.fixture
def user():
    return make_user("Ada")


def test_the_right_password_makes_a_session(user):
    signed_in = sessions.log_in("Ada", PASSWORD, address=HERE)
    assert signed_in.caller.user == user
    found = sessions.find(signed_in.token)
    assert found is not None
    assert found.user == user
    assert sessions.key_is_right(found.session, signed_in.key)
    assert not sessions.key_is_right(found.session, signed_in.token)


def test_only_hashes_of_its_tokens_are_stored(user):
    signed_in = sessions.log_in("Ada", PASSWORD)
    stored = repr(list(Session.objects.values()))
    assert signed_in.token not in stored
    assert signed_in.key not in stored


@pytest.mark.parametrize("path", ["", "/", "ROOT", "root/"])
def test_names_are_taken_in_any_case_and_root_by_all_its_names(user, path):
    assert sessions.log_in("ADA", PASSWORD, domain_path=path).caller.user == user


@pytest.mark.parametrize("path", ["/研发/team", "ROOT/研发/Team/", "研发/TEAM"])
def test_a_domain_is_found_by_its_path(path):
    user = make_user("li", domain=make_domain("team", make_domain("研发")))
    assert sessions.log_in("li", PASSWORD, domain_path=path).caller.user == user


def test_a_domains_uuid_wins_over_the_path(user):
    domain = make_domain("d")
    other = make_user("Ada", domain=domain)
    found = sessions.log_in("Ada", PASSWORD, domain_path="/", domain_uuid=str(domain.uuid))
    assert found.caller.user == other


@pytest.mark.parametrize(
    ("name", "password", "path", "uuid"),
    [
        ("Ada", "wrong", "", ""),
        ("nobody", PASSWORD, "", ""),
        ("Ada", PASSWORD, "/nowhere", ""),
        ("Ada", PASSWORD, "", "no uuid"),
        ("Ada", "", "", ""),
        ("system", "", "", ""),
    ],
)
def test_whatever_is_wrong_sounds_the_same(user, name, password, path, uuid):
    with pytest.raises(LoginFailed, match="user name, password or domain is wrong"):
        sessions.log_in(name, password, domain_path=path, domain_uuid=uuid)
    assert not Session.objects.exists()


def test_an_unknown_user_costs_the_same_work(monkeypatch, user):
    checked = []
    monkeypatch.setattr(
        sessions, "check_password", lambda password, encoded: checked.append(encoded) or False
    )
    for name in ("Ada", "nobody"):
        with pytest.raises(LoginFailed):
            sessions.log_in(name, "guess")
    assert len(checked) == 2
    assert checked[1] != checked[0]
    assert checked[1].split("$")[0] == checked[0].split("$")[0]


@override_settings(PASSWORD_HASHERS=["accounts.hashers.Argon2"])
def test_passwords_are_hashed_with_argon2id():
    user = make_user()
    assert user.password.startswith("argon2$argon2id$")
    assert user.has_password(PASSWORD)


# -- who may not come in ---------------------------------------------------------------------


def close_user(user):
    User.objects.filter(pk=user.pk).update(state="disabled")


def lock_account(user):
    Account.objects.filter(pk=user.account_id).update(state="locked")


def delete_domain(user):
    Domain.objects.filter(pk=user.domain_id).update(state="Inactive")


def remove_user(user):
    user.remove()


def disable_role(user):
    role = Role.objects.create(name="some", type="User", state="disabled")
    Account.objects.filter(pk=user.account_id).update(role=role)


@pytest.mark.parametrize(
    "happens", [close_user, lock_account, delete_domain, remove_user, disable_role]
)
def test_who_is_shut_out_neither_comes_in_nor_stays(happens):
    user = make_user(domain=make_domain("d"))
    signed_in = sessions.log_in(user.username, PASSWORD, domain_path="d")
    happens(user)
    assert sessions.find(signed_in.token) is None
    with pytest.raises(LoginFailed):
        sessions.log_in(user.username, PASSWORD, domain_path="d")


def test_a_session_ends_when_nobody_uses_it(user):
    signed_in = sessions.log_in("Ada", PASSWORD)
    Session.objects.update(last_seen=timezone.now() - timedelta(minutes=29))
    assert sessions.find(signed_in.token) is not None
    Session.objects.update(last_seen=timezone.now() - timedelta(minutes=31))
    assert sessions.find(signed_in.token) is None
    assert sessions.sweep() == 1


def test_use_is_noted_at_most_every_half_minute(user, django_assert_num_queries):
    signed_in = sessions.log_in("Ada", PASSWORD)
    with django_assert_num_queries(1):
        sessions.find(signed_in.token)
    Session.objects.update(last_seen=timezone.now() - timedelta(minutes=5))
    sessions.find(signed_in.token)
    assert timezone.now() - Session.objects.get().last_seen < timedelta(seconds=10)


def test_logging_out_ends_this_session_only(user):
    one, two = sessions.log_in("Ada", PASSWORD), sessions.log_in("Ada", PASSWORD)
    sessions.log_out(one.session)
    assert sessions.find(one.token) is None
    assert sessions.find(two.token) is not None


def test_all_sessions_end_even_one_begun_at_the_same_moment(user):
    """One whose row was written before, and seen after, the epoch moved."""
    signed_in = sessions.log_in("Ada", PASSWORD)
    User.objects.filter(pk=user.pk).update(session_epoch=1)
    assert sessions.find(signed_in.token) is None
    sessions.end_all(user)
    assert not Session.objects.exists()


# -- pauses ----------------------------------------------------------------------------------


def fail(name="Ada", address=HERE, times=1):
    for _ in range(times):
        LoginFailure.objects.update(blocked_until=None)
        with pytest.raises(LoginFailed):
            sessions.log_in(name, "wrong", address=address)


def test_after_some_failures_pauses_grow(user):
    fail(times=4)
    sessions.log_in("Ada", PASSWORD, address=HERE)
    fail(times=5)
    with pytest.raises(Throttled, match="Try again in 1 s"):
        sessions.log_in("Ada", PASSWORD, address=HERE)
    fail(times=4)
    with pytest.raises(Throttled, match="Try again in 16 s"):
        sessions.log_in("Ada", PASSWORD, address=HERE)
    fail(times=20)
    with pytest.raises(Throttled, match="Try again in 900 s"):
        sessions.log_in("Ada", PASSWORD, address=HERE)


def test_writing_the_name_otherwise_does_not_begin_anew(user):
    for name in ("Ada", "ada", "ADA", "aDA", "adA"):
        fail(name)
    with pytest.raises(Throttled):
        sessions.log_in("AdA", PASSWORD, address=HERE)


def test_a_pause_for_a_guesser_does_not_lock_the_owner_out_elsewhere(user):
    fail(times=10)
    assert sessions.log_in("Ada", PASSWORD, address=THERE)


def test_guessing_from_many_addresses_meets_a_short_pause(user):
    for i in range(20):
        fail(address=f"198.51.100.{i}")
    with pytest.raises(Throttled, match=r"Try again in \d s"):
        sessions.log_in("Ada", PASSWORD, address=THERE)


def test_guessing_many_names_from_one_address_meets_a_pause(user):
    for i in range(20):
        fail(f"name-{i}")
    with pytest.raises(Throttled):
        sessions.log_in("Ada", PASSWORD, address=HERE)


def test_an_unknown_name_is_paused_as_a_known_one_is(user):
    fail("nobody", times=5)
    with pytest.raises(Throttled):
        sessions.log_in("nobody", "wrong", address=HERE)


def test_addresses_of_one_ipv6_network_are_one(user):
    for i in range(1, 6):
        fail(address=f"2001:db8::{i}")
    with pytest.raises(Throttled):
        sessions.log_in("Ada", PASSWORD, address="2001:db8::ffff")
    assert sessions.log_in("Ada", PASSWORD, address="2001:db8:0:1::1")


def test_what_is_stored_of_failures_is_bounded_and_swept(user):
    names = {throttle.watched(f"name-{i}", HERE)[2].subject for i in range(70_000)}
    assert len(names) <= 2**16
    fail()
    assert not any("Ada" in f.subject for f in LoginFailure.objects.all())
    LoginFailure.objects.update(updated=timezone.now() - timedelta(hours=2))
    assert throttle.sweep() == 3


def test_an_hour_later_failures_are_forgotten(user):
    fail(times=8)
    LoginFailure.objects.update(updated=timezone.now() - timedelta(hours=2))
    fail()
    assert sessions.log_in("Ada", PASSWORD, address=HERE)


# -- roles -----------------------------------------------------------------------------------


def test_rules_are_tried_in_order_and_defaults_come_last():
    role = Role.objects.create(name="some", type="User")
    allowed = lambda name: roles.allows(role, COMMANDS[name])  # noqa: E731
    assert allowed("listUsers")
    assert not allowed("createDomain")
    first = roles.add_rule(role, "list*", allow=False)
    assert not allowed("listUsers")
    second = roles.add_rule(role, "CREATEdomain", allow=True)
    assert allowed("createDomain")
    roles.add_rule(role, "*Domain", allow=False)
    assert allowed("createDomain")
    assert not allowed("updateDomain")
    third = role.rules.get(rule="*Domain")
    roles.order_rules(role, [third, first, second])
    assert not allowed("createDomain")
    roles.change_rule(third, allow=True)
    role.refresh_from_db()
    assert allowed("createDomain")


def test_a_change_of_rules_by_another_process_counts_at_once():
    role = Role.objects.create(name="some", type="User")
    account = make_account()
    Account.objects.filter(pk=account.pk).update(role=role)
    assert roles.allows(role, COMMANDS["listUsers"])
    elsewhere = Role.objects.get(pk=role.pk)
    roles.add_rule(elsewhere, "*", allow=False)
    fresh = Account.objects.select_related("role").get(pk=account.pk).role
    assert not roles.allows(fresh, COMMANDS["listUsers"])


def test_checking_a_right_asks_the_database_once(django_assert_num_queries):
    role = Role.objects.create(name="some", type="User")
    roles.add_rule(role, "list*", allow=True)
    with django_assert_num_queries(1):
        for command in COMMANDS.values():
            roles.allows(role, command)
