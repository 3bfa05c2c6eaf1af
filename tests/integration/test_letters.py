"""E-mail, taken by a real mail server on the loopback."""

import email
import re

import pytest
from aiosmtpd.controller import Controller

from accounts.models import Letter
from accounts.services import forgotten, sessions
from infra.services import configuration
from jobs import letters
from tests.factories import make_user
from tests.integration.directory import free_port

pytestmark = pytest.mark.django_db


class Sink:
    """Keeps what it is given."""

    def __init__(self):
        self.taken = []
        self.refuses = False

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 (aiosmtpd's name)
        if self.refuses:
            return "451 Try again later"
        self.taken.append(envelope)
        return "250 OK"


@pytest.fixture
def sink():
    sink, port = Sink(), free_port()
    controller = Controller(sink, hostname="127.0.0.1", port=port)
    controller.start()
    for name, value in {
        "alert.smtp.host": "127.0.0.1", "alert.smtp.port": str(port),
        "alert.email.sender": "cloud@example.org",
        "user.password.reset.enabled": "true",
        "user.password.reset.mail.domain.url": "https://cloud.example",
    }.items():  # fmt: skip
        configuration.set_value(name, value)
    yield sink
    controller.stop()
    configuration.forget()


def test_a_forgotten_password_is_replaced_by_the_letter(sink):
    user = make_user("ada")
    forgotten.ask("ada")
    assert letters.send_letters() == 1
    (envelope,) = sink.taken
    assert envelope.rcpt_tos == [user.email]
    assert envelope.mail_from == "cloud@example.org"
    text = email.message_from_bytes(envelope.content).get_payload(decode=True).decode()
    assert "您好 ada" in text
    token = re.search(r"https://cloud\.example/forgotten/new\?\S*token=(\S+)", text)[1]
    forgotten.finish("ada", token, "quite another one")
    assert sessions.log_in("ada", "quite another one")


def test_a_letter_that_is_not_taken_waits_and_goes_later(sink):
    make_user("ada")
    sink.refuses = True
    forgotten.ask("ada")
    assert letters.send_letters() == 0
    assert "451" in Letter.objects.get().last_error
    sink.refuses = False
    assert letters.send_letters() == 0  # not due yet
    Letter.objects.update(due=Letter.objects.get().created)
    assert letters.send_letters() == 1
    assert len(sink.taken) == 1
    assert not Letter.objects.exists()
