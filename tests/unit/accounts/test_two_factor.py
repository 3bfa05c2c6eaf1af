import re
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import totp
from accounts.caller import Caller
from accounts.models import RecoveryCode, SecondFactor, Session
from accounts.services import factor_policy, sessions, two_factor
from api.dispatch import execute
from core.errors import (
    InvalidParameter,
    LoginFailed,
    NotAllowedInState,
    PermissionDenied,
    SecondFactorNeeded,
    Throttled,
)
from infra.services import configuration
from tests.factories import PASSWORD, admin, make_domain, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _enabled():
    configuration.set_value("enable.user.2fa", "true")
    yield
    configuration.forget()


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test moves; codes are of its time."""
    moment = [time.time()]
    monkeypatch.setattr("accounts.services.two_factor.time.time", lambda: moment[0])
    return moment


@pytest.fixture
def user():
    return make_user("ada")


def code(user, moment=None):
    secret = SecondFactor.objects.get(user=user).secret
    return totp.code_at(secret, totp.step_at(time.time() if moment is None else moment))


def with_factor(user, provider="totp"):
    """The user with a verified factor, its codes unused."""
    two_factor.set_up(Caller.of(user), provider)
    SecondFactor.objects.filter(user=user).update(verified=timezone.now())
    user.refresh_from_db()
    return user


def half_signed_in(user):
    signed = sessions.log_in(user.username, PASSWORD)
    assert signed.session.pending
    return sessions.find(signed.token, pending=True)


# -- RFC 6238, appendix B (SHA-1; the last six of its eight digits) ------------------------

RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


@pytest.mark.parametrize(
    ("moment", "right"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_codes_are_those_of_the_rfc(moment, right):
    assert totp.code_at(RFC_SECRET, totp.step_at(moment)) == right


def test_an_authenticator_reads_its_address():
    read = totp.address("ABC", "研 发@x", "My: Cloud")
    assert read.startswith("otpauth://totp/My%3A%20Cloud%3A%E7%A0%94%20%E5%8F%91%40x?secret=ABC&")
    assert "issuer=My%3A+Cloud" in read


# -- setting up --------------------------------------------------------------------------


def test_a_factor_counts_once_a_code_of_it_was_proven(user):
    outcome = execute(Caller.of(user), "setupUserTwoFactorAuthentication", {"provider": "totp"})
    assert outcome.value["id"] == user.uuid
    assert re.fullmatch(r"[A-Z2-7]{32}", outcome.value["secretcode"])
    assert not sessions.log_in("ada", PASSWORD).session.pending
    execute(
        Caller.of(user), "validateUserTwoFactorAuthenticationCode", {"codefor2fa": code(user)}
    )
    assert sessions.log_in("ada", PASSWORD).session.pending


def test_its_secret_is_sealed(user):
    _user, secret = two_factor.set_up(Caller.of(user), "totp")
    assert secret not in repr(list(SecondFactor.objects.values()))


def test_without_the_setting_nobody_sets_one_up(user):
    configuration.set_value("enable.user.2fa", "false")
    with pytest.raises(InvalidParameter, match=r"enable\.user\.2fa"):
        two_factor.set_up(Caller.of(user))


def test_a_domain_may_have_it_alone():
    configuration.set_value("enable.user.2fa", "false")
    domain = make_domain()
    configuration.set_value("enable.user.2fa", "true", domain)
    assert two_factor.set_up(Caller.of(make_user("li", domain=domain)))


def test_a_verified_factor_is_not_replaced_without_being_switched_off(user):
    with pytest.raises(NotAllowedInState, match="already"):
        two_factor.set_up(Caller.of(with_factor(user)))


def test_the_provider_is_the_settings_unless_named(user):
    configuration.set_value("user.2fa.default.provider", "staticpin")
    assert re.fullmatch(r"\d{8}", two_factor.set_up(Caller.of(user))[1])
    with pytest.raises(InvalidParameter, match="totp, staticpin"):
        two_factor.set_up(Caller.of(user), "smoke")


# -- a sign-in with one ------------------------------------------------------------------


def test_half_a_sign_in_does_nothing_else(user):
    caller = half_signed_in(with_factor(user))
    for name in ("listUsers", "listZones", "registerUserKeys", "deployVirtualMachine", "nothing"):
        with pytest.raises(SecondFactorNeeded) as refused:
            execute(caller, name, {"id": str(user.uuid)})
        assert refused.value.code == 511


def test_half_a_sign_in_is_none_for_everybody_else(user):
    signed = sessions.log_in(with_factor(user).username, PASSWORD)
    assert sessions.find(signed.token) is None


def test_half_a_sign_in_ends_by_itself(user):
    signed = sessions.log_in(with_factor(user).username, PASSWORD)
    Session.objects.update(created=timezone.now() - timedelta(minutes=11))
    assert sessions.find(signed.token, pending=True) is None


def test_the_code_makes_it_whole(user):
    signed = sessions.log_in(with_factor(user).username, PASSWORD)
    two_factor.prove(sessions.find(signed.token, pending=True), code(user))
    assert sessions.find(signed.token).user == user


def test_a_half_signed_in_thief_cannot_set_up_another(user):
    with pytest.raises(NotAllowedInState):
        execute(half_signed_in(with_factor(user)), "setupUserTwoFactorAuthentication", {})


def test_a_code_is_taken_once(user):
    with_factor(user)
    right = code(user)
    two_factor.prove(half_signed_in(user), right)
    with pytest.raises(LoginFailed, match="used already"):
        two_factor.prove(half_signed_in(user), right)


def test_an_older_code_is_not_taken_after_a_newer_one(user, clock):
    with_factor(user)
    two_factor.prove(half_signed_in(user), code(user, clock[0]))
    with pytest.raises(LoginFailed):
        two_factor.prove(half_signed_in(user), code(user, clock[0] - totp.STEP_S))


@pytest.mark.parametrize("off_s", [-30, 30])
def test_a_clock_may_be_half_a_minute_off(user, clock, off_s):
    with_factor(user)
    two_factor.prove(half_signed_in(user), code(user, clock[0] + off_s))


@pytest.mark.parametrize("off_s", [-3600, 3600, -90, 90])
def test_a_clock_that_is_off_is_named(user, clock, off_s):
    with_factor(user)
    with pytest.raises(LoginFailed, match=r"compare the clock .* \d\d:\d\d:\d\d UTC"):
        two_factor.prove(half_signed_in(user), code(user, clock[0] + off_s))


def test_guesses_make_pauses_that_hold_for_every_session(user):
    with_factor(user)
    for _ in range(5):
        with pytest.raises(LoginFailed):
            execute(
                half_signed_in(user), "validateUserTwoFactorAuthenticationCode",
                {"codefor2fa": "abcdef"},
            )  # fmt: skip
    with pytest.raises(Throttled, match="Try again in"):
        two_factor.prove(half_signed_in(user), code(user))


@pytest.mark.parametrize("wrong", ["", " ", "12345", "1234567", "not-a-code", "é" * 6])
def test_what_is_no_code_is_refused(user, wrong):
    with_factor(user)
    with pytest.raises(LoginFailed):
        two_factor.prove(half_signed_in(user), wrong)


def test_digits_may_be_full_width_and_spaced(user):
    wide = code(with_factor(user)).translate({48 + n: 0xFF10 + n for n in range(10)})
    two_factor.prove(half_signed_in(user), f"{wide[:3]} {wide[3:]}")


def test_a_static_pin_is_taken_again(user):
    with_factor(user, "staticpin")
    pin = SecondFactor.objects.get(user=user).secret
    two_factor.prove(half_signed_in(user), pin)
    two_factor.prove(half_signed_in(user), pin)
    with pytest.raises(LoginFailed):
        two_factor.prove(half_signed_in(user), "00000000" if pin != "00000000" else "1")


# -- mandated ----------------------------------------------------------------------------


def test_whoever_must_have_one_sets_it_up_before_anything_else(user):
    configuration.set_value("mandate.user.2fa", "true")
    caller = half_signed_in(user)
    with pytest.raises(SecondFactorNeeded):
        execute(caller, "listUsers")
    execute(caller, "setupUserTwoFactorAuthentication", {})
    execute(caller, "validateUserTwoFactorAuthenticationCode", {"codefor2fa": code(user)})
    assert not Session.objects.get().pending


def test_an_administrator_mandates_it_for_one_user(user):
    record = execute(
        Caller.of(admin()), "updateUser", {"id": str(user.uuid), "mandate2fa": "true"}
    ).record()
    assert record["is2famandated"] is True
    assert record["is2faenabled"] is False
    assert half_signed_in(user)


def test_nobody_excuses_themselves(user):
    with pytest.raises(PermissionDenied):
        execute(Caller.of(user), "updateUser", {"id": str(user.uuid), "mandate2fa": "false"})


# -- without it again --------------------------------------------------------------------


def off(caller, **given):
    return execute(caller, "setupUserTwoFactorAuthentication", {"enable": "false", **given})


def test_switching_it_off_wants_the_password_and_a_code(user):
    caller = Caller.of(with_factor(user))
    for given in ({}, {"password": PASSWORD}, {"codefor2fa": code(user)}):
        with pytest.raises(InvalidParameter):
            off(caller, **given)
    with pytest.raises(InvalidParameter, match="wrong"):
        off(caller, password="wrong", codefor2fa=code(user))
    with pytest.raises(LoginFailed):
        off(caller, password=PASSWORD, codefor2fa="abcdef")
    off(caller, password=PASSWORD, codefor2fa=code(user))
    assert not SecondFactor.objects.exists()


def test_a_mandated_one_stays_on(user):
    caller = Caller.of(with_factor(user))
    configuration.set_value("mandate.user.2fa", "true")
    with pytest.raises(PermissionDenied, match="stays on"):
        off(caller, password=PASSWORD, codefor2fa=code(user))


def test_an_administrator_throws_a_lower_users_away_and_signs_it_out(user):
    signed = sessions.log_in(with_factor(user).username, PASSWORD)
    off(Caller.of(admin()), userid=str(user.uuid))
    assert not SecondFactor.objects.exists()
    assert sessions.find(signed.token, pending=True) is None


def test_half_signed_in_an_administrator_throws_nobodys_away(user):
    """Else whoever knows an administrator's password could undo the factors below it."""
    signed = sessions.log_in(with_factor(user).username, PASSWORD)
    with pytest.raises(SecondFactorNeeded):
        off(half_signed_in(with_factor(admin())), userid=str(user.uuid))
    assert SecondFactor.objects.filter(user=user).exists()
    assert sessions.find(signed.token, pending=True)


def test_nobody_throws_away_that_of_a_higher_user(user):
    with_factor(admin())
    lower = make_user("boss", domain=make_domain(), role_type="DomainAdmin")
    with pytest.raises(InvalidParameter):
        off(Caller.of(lower), userid=str(admin().uuid))
    assert SecondFactor.objects.exists()


# -- recovery codes ----------------------------------------------------------------------


def test_recovery_codes_are_shown_once_and_each_works_once(user):
    caller = half_signed_in(with_factor(user))
    two_factor.prove(caller, code(user))
    codes = execute(caller, "createUserTwoFactorRecoveryCodes").value["codes"]
    assert len(set(codes)) == 10
    assert codes[0] not in repr(list(RecoveryCode.objects.values()))
    two_factor.prove(half_signed_in(user), codes[0].upper())
    with pytest.raises(LoginFailed):
        two_factor.prove(half_signed_in(user), codes[0])
    assert RecoveryCode.objects.count() == 9


def test_recovery_codes_want_a_fresh_proof(user):
    caller = Caller.of(with_factor(user))
    with pytest.raises(InvalidParameter, match="codefor2fa"):
        two_factor.new_recovery_codes(caller)
    first = two_factor.new_recovery_codes(caller, code(user))
    Session.objects.all().delete()
    SecondFactor.objects.update(last_step=0)
    second = two_factor.new_recovery_codes(caller, code(user))
    with pytest.raises(LoginFailed):
        two_factor.prove(half_signed_in(user), first[0])
    two_factor.prove(half_signed_in(user), second[0])


def test_a_recovery_code_of_another_user_is_worth_nothing(user):
    other = with_factor(make_user("eve"))
    codes = two_factor.new_recovery_codes(Caller.of(other), code(other))
    with_factor(user)
    with pytest.raises(LoginFailed):
        two_factor.prove(half_signed_in(user), codes[0])


def test_who_is_asked_is_seen_in_one_query(user, django_assert_num_queries):
    with_factor(user)
    found = sessions.user_called("ada", user.domain)
    with django_assert_num_queries(0):
        assert factor_policy.is_asked(found)
