"""The second factor: set up, proven, thrown away; recovery codes for when it is lost."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
import unicodedata
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from accounts import totp
from accounts.caller import Caller
from accounts.models import RecoveryCode, SecondFactor, Session, User
from accounts.services import factor_policy, proving, sessions, throttle
from accounts.services.factor_policy import PROVIDERS, STATIC_PIN, TOTP
from core import live, vault
from core.errors import (
    InvalidParameter,
    LoginFailed,
    NotAllowedInState,
    PermissionDenied,
    SecondFactorNeeded,
)

RECOVERY_CODES = 10
_PIN_DIGITS = 8
#: After this long a session proves the factor again before it makes recovery codes.
_FRESH_FOR = timedelta(minutes=5)


def set_up(caller: Caller, provider: str | None = None) -> tuple[User, str]:
    """A factor for the caller, and its secret, to be seen this once. It counts from the
    moment a code of it has been proven; one set up before and never proven is forgotten."""
    user = _person(caller)
    if not factor_policy.ENABLED.get(user.domain):
        raise InvalidParameter(
            "Second factors are not enabled here; an administrator turns them on with the "
            "setting enable.user.2fa."
        )
    provider = provider or factor_policy.DEFAULT_PROVIDER.get(user.domain)
    if provider not in PROVIDERS:
        raise InvalidParameter(
            f"There is no second factor “{provider}”; use one of {', '.join(PROVIDERS)}."
        )
    if factor_policy.has_factor(user):
        raise NotAllowedInState(
            f"User {user} has a second factor already; switch it off before setting up another."
        )
    secret = totp.new_secret() if provider == TOTP else _new_pin()
    SecondFactor.objects.update_or_create(
        user=user,
        defaults={
            "provider": provider, "sealed_secret": vault.seal(secret), "verified": None,
            "last_step": 0, "created": timezone.now(),
        },
    )  # fmt: skip
    return user, secret


def unproven(user: User) -> tuple[str, str] | None:
    """Provider and secret of a factor that was set up and not proven yet: its owner may look
    at it again until then."""
    factor = factor_policy.factor_of(user)
    if factor is None or factor.verified is not None:
        return None
    return factor.provider, factor.secret


def prove(caller: Caller, code: str) -> User:
    """Takes a code: a sign-in is whole then, and a factor only set up counts from now on.

    Raises LoginFailed for a wrong one, or one used before, and Throttled. Call it outside a
    transaction: a failure must be counted, not rolled back.
    """
    user = _person(caller)
    factor = factor_policy.factor_of(user)
    if factor is None:
        raise InvalidParameter(f"User {user} has no second factor yet; set one up first.")
    check_code(user, code)
    now = timezone.now()
    if factor.verified is None:
        SecondFactor.objects.filter(pk=factor.pk).update(verified=now)
        live.changed(user)
    if caller.session is not None:
        Session.objects.filter(pk=caller.session.pk).update(pending=False, factor_proven=now)
        caller.session.pending = False
    return user


def check_code(user: User, code: str) -> None:
    """Takes a code of the user's factor or, once that is verified, a recovery code."""
    factor = factor_policy.factor_of(user)
    if factor is None:
        raise InvalidParameter(f"User {user} has no second factor.")
    watched = throttle.watched_factor(user)
    throttle.take_turn(watched)
    given = _normal(code)
    if _is_right(factor, given) or (factor.verified and _spend_recovery_code(user, given)):
        throttle.forget([watched])
        return
    raise LoginFailed(_why(factor, given))


def switch_off(caller: Caller, *, password: str | None, code: str | None) -> User:
    """Throws the caller's own factor away, for the password and a code (rule R16)."""
    user = _person(caller)
    factor = factor_policy.factor_of(user)
    if factor is None:
        raise InvalidParameter(f"User {user} has no second factor.")
    if factor_policy.is_mandated(user.two_factor_mandated, user.domain):
        raise PermissionDenied("Everybody here must have a second factor; yours stays on.")
    if factor.verified is not None:
        if not code:
            raise InvalidParameter("Give codefor2fa too, to switch off your second factor.")
        proving.prove_again(caller, password)
        check_code(user, code)
    _throw_away(user)
    return user


@transaction.atomic
def reset(caller: Caller, user: User) -> User:
    """Throws away the factor of a lower user who lost it, and ends the user's sessions. If a
    factor is mandated, the user sets up a new one at the next sign-in. Whoever knows no more
    than the administrator's password must not."""
    if caller.session is not None and caller.session.pending:
        raise SecondFactorNeeded("Prove your own second factor first.")
    if factor_policy.factor_of(user) is None:
        raise InvalidParameter(f"User {user} has no second factor.")
    _throw_away(user)
    sessions.end_all(user)
    return user


def new_recovery_codes(caller: Caller, code: str | None = None) -> list[str]:
    """Codes to be kept on paper, shown this once; those made earlier are worth nothing. The
    factor must have been proven just now, or ``code`` proves it."""
    user = _person(caller)
    if not factor_policy.has_factor(user):
        raise InvalidParameter(f"User {user} has no second factor; set one up first.")
    if not _is_fresh(caller.session):
        if not code:
            raise InvalidParameter("Give codefor2fa too, to make recovery codes.")
        check_code(user, code)
    codes = [_new_recovery_code() for _ in range(RECOVERY_CODES)]
    with transaction.atomic():
        RecoveryCode.objects.filter(user=user).delete()
        RecoveryCode.objects.bulk_create(
            RecoveryCode(user=user, code_hash=_hash(c.replace("-", ""))) for c in codes
        )
    return codes


def mandate(caller: Caller, user: User, wanted: bool) -> None:
    """An administrator asks a user for a second factor, or takes that back."""
    if caller.user is not None and caller.user.pk == user.pk and not caller.role.is_unrestricted:
        raise PermissionDenied("Only an administrator above you decides whether you need one.")
    user.two_factor_mandated = wanted


def _person(caller: Caller) -> User:
    if caller.user is None:
        raise InvalidParameter("The portal itself has no second factor.")
    return User.objects.select_related("second_factor", "domain", "account").get(pk=caller.user.pk)


def _normal(code: str) -> str:
    """Without blanks and dashes; the full-width digits of an input method are digits too."""
    return "".join(unicodedata.normalize("NFKC", code).split()).replace("-", "")


def _is_right(factor: SecondFactor, code: str) -> bool:
    if factor.provider == STATIC_PIN:
        return hmac.compare_digest(factor.secret.encode(), code.encode())
    if len(code) != totp.DIGITS:
        return False
    step = totp.matching_step(factor.secret, code, _now())
    if step is None:
        return False
    unused = SecondFactor.objects.filter(pk=factor.pk, last_step__lt=step)
    return bool(unused.update(last_step=step))


def _why(factor: SecondFactor, code: str) -> str:
    """It does not say by how much a clock is off: a guess that names a later code by chance
    would only have to wait for its time."""
    if factor.provider != TOTP or len(code) != totp.DIGITS:
        return "The code is wrong."
    if totp.matching_step(factor.secret, code, _now()) is not None:
        return "This code was used already. Wait for the next one."
    return (
        "The code is wrong. If your authenticator shows it, compare the clock of that device "
        f"with the portal's: here it is {timezone.now():%H:%M:%S} UTC."
    )


def _spend_recovery_code(user: User, code: str) -> bool:
    spent = RecoveryCode.objects.filter(user=user, code_hash=_hash(code.lower()))
    return bool(spent.delete()[0])


def _throw_away(user: User) -> None:
    SecondFactor.objects.filter(user=user).delete()
    RecoveryCode.objects.filter(user=user).delete()
    live.changed(user)


def _is_fresh(session: Session | None) -> bool:
    if session is None:
        return False
    proven = Session.objects.filter(pk=session.pk).values_list("factor_proven", flat=True).first()
    return proven is not None and timezone.now() - proven < _FRESH_FOR


def _now() -> int:
    return totp.step_at(time.time())


def _new_pin() -> str:
    return str(secrets.randbelow(10**_PIN_DIGITS)).zfill(_PIN_DIGITS)


def _new_recovery_code() -> str:
    text = base64.b32encode(secrets.token_bytes(10)).decode().lower()
    return "-".join(text[i : i + 4] for i in range(0, 16, 4))


def _hash(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
