import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Letter, PasswordReset
from accounts.services import forgotten, sessions, users
from api.dispatch import Visitor, execute
from core import mail, vault
from core.errors import InvalidParameter, ResourceUnavailable, Throttled
from infra.services import configuration
from jobs import letters
from tests.factories import PASSWORD, admin_caller, make_domain, make_user

pytestmark = pytest.mark.django_db
SETTINGS = {
    "user.password.reset.enabled": "true",
    "user.password.reset.mail.domain.url": "https://cloud.example/",
    "alert.smtp.host": "mail.example",
    "alert.email.sender": "cloud@example.org",
}
NEW = "a new one, quite long"


@pytest.fixture(autouse=True)
def _settings():
    for name, value in SETTINGS.items():
        configuration.set_value(name, value)
    yield
    configuration.forget()


@pytest.fixture
def user():
    return make_user("ada", domain=make_domain("研发"))


def ask(user, address="192.0.2.1"):
    forgotten.ask(user.username, domain_path=user.domain.name_path, address=address)


def link():
    text = vault.unseal(Letter.objects.latest("pk").sealed_text)
    found = re.search(r"https://cloud\.example(/\S+)", text)
    return {k: v[0] for k, v in parse_qs(urlsplit(found[1]).query).items()}


def finish(given, password=NEW, **more):
    return forgotten.finish(
        given["username"], given["token"], password, domain_path=given["domain"], **more
    )


def test_the_link_gives_a_new_password_and_ends_every_session(user):
    old = sessions.log_in("ada", PASSWORD, domain_path="研发")
    ask(user)
    finish(link())
    assert sessions.find(old.token) is None
    assert sessions.log_in("ada", NEW, domain_path="研发")


def test_it_is_good_once(user):
    ask(user)
    given = link()
    finish(given)
    with pytest.raises(InvalidParameter, match="used already"):
        finish(given)


def test_it_is_good_for_a_while(user):
    ask(user)
    PasswordReset.objects.update(expires=timezone.now() - timedelta(seconds=1))
    with pytest.raises(InvalidParameter, match="too old"):
        finish(link())


def test_a_newer_link_ends_the_older(user):
    ask(user)
    older = link()
    ask(user)
    with pytest.raises(InvalidParameter):
        finish(older)
    finish(link())


def test_a_link_is_one_users(user):
    ask(user)
    other = make_user("eve", domain=user.domain)
    with pytest.raises(InvalidParameter):
        finish({**link(), "username": other.username})


def test_a_password_that_the_policy_refuses_leaves_the_link_good(user):
    configuration.set_value("password.policy.minimum.length", "12")
    ask(user)
    with pytest.raises(InvalidParameter, match="12 characters"):
        finish(link(), "short")
    finish(link())


def test_only_hashes_of_tokens_are_stored_and_letters_are_sealed(user):
    ask(user)
    token = link()["token"]
    assert token not in repr(list(PasswordReset.objects.values()) + list(Letter.objects.values()))


def test_a_password_or_an_address_that_changes_ends_the_link(user):
    for change in ({"password": NEW}, {"email": "ada@new.example"}):
        ask(user)
        given = link()
        users.update(admin_caller(), user, **change)
        with pytest.raises(InvalidParameter, match="used already"):
            finish(given)


def test_whether_there_is_such_a_user_does_not_show(user, monkeypatch):
    """Neither in the answer nor in the work: what is written, and sealed."""
    seen, sealed = set(), []
    seal = vault.seal
    monkeypatch.setattr(vault, "seal", lambda text: sealed.append(text) or seal(text))
    for name in ("Ada", "nobody"):  # neither is spelled so
        with CaptureQueriesContext(connection) as queries:
            given = {"username": name, "domain": "研发"}
            answer = execute(Visitor("192.0.2.9"), "forgotPassword", given).record()
        written = [q["sql"].split(" (")[0] for q in queries if q["sql"].startswith("INSERT")]
        seen.add((str(answer), tuple(w for w in written if "letter" in w), len(sealed)))
        sealed.clear()
    assert len(seen) == 1
    assert Letter.objects.count() == 2
    assert Letter.objects.exclude(recipient="").get().recipient == user.email


def test_the_letter_to_nobody_is_thrown_away(user, monkeypatch):
    monkeypatch.setattr(mail, "send", lambda *_given, **_more: pytest.fail("sent"))
    forgotten.ask("nobody", domain_path="研发")
    assert letters.send_letters() == 0
    assert not Letter.objects.exists()


@pytest.mark.parametrize("change", [{"email": ""}, {"source": "ldap"}, {"state": "locked"}])
def test_who_has_no_password_of_ours_or_may_not_come_in_gets_no_letter(user, change):
    type(user).objects.filter(pk=user.pk).update(**change)
    ask(user)
    assert not Letter.objects.exclude(recipient="").exists()


def test_asking_is_throttled(user):
    for _ in range(3):
        ask(user)
    with pytest.raises(Throttled):
        ask(user)
    assert Letter.objects.count() == 3


def test_guessing_tokens_is_throttled(user):
    for _ in range(5):
        with pytest.raises(InvalidParameter):
            finish({"username": "ada", "domain": "研发", "token": "x"}, address="192.0.2.1")
    with pytest.raises(Throttled):
        finish({"username": "ada", "domain": "研发", "token": "x"}, address="192.0.2.1")


@pytest.mark.parametrize("name", list(SETTINGS))
def test_it_is_off_unless_all_of_it_is_set(user, name):
    configuration.reset(name)
    with pytest.raises(ResourceUnavailable, match="Ask your administrator"):
        ask(user)


# -- letters -----------------------------------------------------------------------------


def test_a_letter_goes_once(user, monkeypatch):
    sent = []
    monkeypatch.setattr(mail, "send", lambda *given, **_more: sent.append(given))
    ask(user)
    assert letters.send_letters() == 1
    assert letters.send_letters() == 0
    assert sent[0][0] == [user.email]


def test_one_that_is_not_taken_is_tried_again_later(user, monkeypatch):
    def refuse(*_given, **_more):
        raise ResourceUnavailable("away")

    monkeypatch.setattr(mail, "send", refuse)
    ask(user)
    assert letters.send_letters() == 0
    letter = Letter.objects.get()
    assert (letter.attempts, letter.last_error) == (1, "away")
    assert letter.due > timezone.now()


def test_one_that_is_too_old_is_dropped(user, monkeypatch):
    monkeypatch.setattr(mail, "send", lambda *_given, **_more: pytest.fail("sent"))
    ask(user)
    Letter.objects.update(expires=timezone.now() - timedelta(seconds=1))
    assert letters.send_letters() == 0
    assert not Letter.objects.exists()
