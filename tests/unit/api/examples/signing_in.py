"""Signing in: second factors, sessions, forgotten passwords."""

import time

from accounts import totp
from accounts.models import Letter, SecondFactor, Session
from accounts.services import forgotten, sessions
from core import vault
from infra.services import configuration
from tests.unit.api.examples import example


def _enable(stage):
    configuration.set_value("enable.user.2fa", "true")


def _code(stage):
    secret = SecondFactor.objects.get(user=stage.user).secret
    return totp.code_at(secret, totp.step_at(time.time()))


@example("listUserTwoFactorAuthenticatorProviders")
def _(stage):
    answered = yield {}
    assert [p["name"] for p in answered] == ["totp", "staticpin"]


@example("setupUserTwoFactorAuthentication")
def _(stage):
    _enable(stage)
    answered = yield {"provider": "totp"}
    assert answered["username"] == stage.user.username
    assert SecondFactor.objects.get(user=stage.user).secret == answered["secretcode"]


@example("validateUserTwoFactorAuthenticationCode")
def _(stage):
    _enable(stage)
    stage.ask("setupUserTwoFactorAuthentication")
    yield {"codefor2fa": _code(stage)}
    assert SecondFactor.objects.get(user=stage.user).verified


@example("createUserTwoFactorRecoveryCodes")
def _(stage):
    _enable(stage)
    stage.ask("setupUserTwoFactorAuthentication")
    stage.ask("validateUserTwoFactorAuthenticationCode", codefor2fa=_code(stage))
    SecondFactor.objects.update(last_step=0)
    answered = yield {"codefor2fa": _code(stage)}
    assert len(answered["codes"]) == stage.user.recovery_codes.count() == 10


@example("listSessions")
def _(stage):
    signed = sessions.start(stage.user, "192.0.2.7", device="Firefox")
    answered = yield {"userid": stage.user}
    (shown,) = [s for s in answered if s["id"] == str(signed.session.uuid)]
    assert (shown["device"], shown["address"], shown["current"]) == ("Firefox", "192.0.2.7", False)


@example("deleteSession")
def _(stage):
    signed = sessions.start(stage.user)
    yield {"id": signed.session}
    assert not Session.objects.filter(pk=signed.session.pk).exists()


@example("deleteOtherSessions")
def _(stage):
    sessions.start(stage.user)
    yield {"userid": stage.user}
    assert not Session.objects.filter(user=stage.user).exists()


def _can_reset():
    for name, value in {
        "user.password.reset.enabled": "true",
        "user.password.reset.mail.domain.url": "https://cloud.example",
        "alert.smtp.host": "mail.example",
        "alert.email.sender": "cloud@example.org",
    }.items():
        configuration.set_value(name, value)


@example("forgotPassword")
def _(stage):
    _can_reset()
    user = stage["accounts.User"]
    yield {"username": user.username, "domain": user.domain.name_path}
    assert Letter.objects.get().recipient == user.email


@example("resetPassword")
def _(stage):
    _can_reset()
    user = stage["accounts.User"]
    where = user.domain.name_path
    forgotten.ask(user.username, domain_path=where)
    text = vault.unseal(Letter.objects.get().sealed_text)
    token = text.partition("token=")[2].split()[0]
    yield {
        "username": user.username, "domain": where, "token": token,
        "password": "another long one",
    }  # fmt: skip
    user.refresh_from_db()
    assert user.has_password("another long one")


@example("getApiLimit")
def _(stage):
    answered = yield {}
    assert answered["accountid"] == str(stage.caller.account.uuid)


@example("resetApiLimit", effect="calls are counted in the process's memory")
def _(stage):
    return {"account": stage.account}
