import pytest
from django.core.mail.backends.smtp import EmailBackend

from core import mail
from core.errors import ResourceUnavailable


@pytest.fixture
def sent(settings_of_mail, monkeypatch):
    messages = []
    monkeypatch.setattr(EmailBackend, "send_messages", lambda _self, given: messages.extend(given))
    return messages


@pytest.fixture
def settings_of_mail(monkeypatch):
    values = {"alert.smtp.host": "mail.example", "alert.email.sender": "cloud@example.com"}
    monkeypatch.setattr("core.config._store", lambda name, _holder: values.get(name))
    return values


def test_nothing_is_sent_before_a_server_is_named(settings_of_mail):
    settings_of_mail.clear()
    with pytest.raises(ResourceUnavailable, match="alert.smtp.host"):
        mail.send(["a@example.com"], "Hello", "…")


def test_each_reader_gets_a_message_of_their_own(sent):
    mail.send(["a@example.com", "b@example.com"], "Hello", "Body")
    assert [m.to for m in sent] == [["a@example.com"], ["b@example.com"]]
    assert sent[0].from_email == "cloud@example.com"


def test_a_line_break_in_a_subject_makes_no_header(sent):
    mail.send(["a@example.com"], "Host down\nBcc: all@example.com", "Body")
    assert sent[0].subject == "Host down Bcc: all@example.com"


def test_a_server_that_refuses_is_named(settings_of_mail, monkeypatch):
    def refuse(_self, _messages):
        raise ConnectionRefusedError("Connection refused")

    monkeypatch.setattr(EmailBackend, "send_messages", refuse)
    with pytest.raises(ResourceUnavailable, match="mail.example:465"):
        mail.send(["a@example.com"], "Hello", "Body")
