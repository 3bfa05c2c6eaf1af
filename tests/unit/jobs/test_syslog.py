"""Events on their way to a syslog server, over real sockets on the loopback."""

import re
import socket
import threading
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from core.errors import InvalidParameter
from infra.services import configuration
from jobs import events, syslog
from jobs.models import Event, SyslogCursor
from tests.factories import make_account, make_user

pytestmark = pytest.mark.django_db

#: RFC 5424, section 6, as far as we use it.
MESSAGE = re.compile(
    r"<(?P<priority>\d{1,3})>1 (?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) "
    r"(?P<host>\S{1,255}) "
    r"(?P<app>\S{1,48}) (?P<process>\S{1,128}) (?P<kind>\S{1,32}) "
    r"\[(?P<data>event@32473(?: [a-z]+=\"(?:[^\"\\\]]|\\[\"\\\]])*\")*)\] \ufeff(?P<words>.*)"
)


@pytest.fixture
def udp():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(3)
        configuration.set_value("syslog.target", f"udp://127.0.0.1:{server.getsockname()[1]}")
        yield server


def happened(words="something", **more):
    """An event old enough to be sent."""
    made = events.record("ZONE.EDIT", words, account=make_account(), **more)
    Event.objects.filter(pk=made.pk).update(created=timezone.now() - timedelta(minutes=1))
    return made


def test_what_a_terminal_would_obey_is_not_sent(udp):
    syslog.send_new()
    happened("red \x1b[31m\x00\x07 \u202eback\x85next", user=make_user("ada"), address="\x1b]0;x")
    assert syslog.send_new() == 1
    text = udp.recv(65536).decode()
    assert "red [31m back next" in text
    assert all(c.isprintable() or c == "\ufeff" for c in text)


def test_what_is_new_is_sent_once_as_rfc_5424_over_udp(udp):
    happened("before anybody listened")
    assert syslog.send_new() == 0
    user = make_user("ada")
    job = uuid4()
    happened('a "quoted" [name] \\ and\na line', user=user, level="ERROR", address="203.0.113.7",
             command="updateZone", correlation_id="abc-12345", job_uuid=job)  # fmt: skip
    assert syslog.send_new() == 1
    found = MESSAGE.fullmatch(udp.recv(65536).decode())
    assert found
    assert int(found["priority"]) == 16 * 8 + 3
    assert (found["app"], found["kind"]) == ("cloudportal", "ZONE.EDIT")
    assert found["words"] == 'a "quoted" [name] \\ and a line'
    for part in ('user="ada"', 'address="203.0.113.7"', 'command="updateZone"',
                 'correlationid="abc-12345"', f'jobid="{job}"', 'domain="ROOT"'):  # fmt: skip
        assert part in found["data"]
    assert syslog.send_new() == 0


def test_what_has_just_happened_waits_for_slower_transactions(udp):
    syslog.send_new()
    events.record("ZONE.EDIT", "now", account=make_account())
    assert syslog.send_new() == 0
    Event.objects.update(created=timezone.now() - timedelta(minutes=1))
    assert syslog.send_new() == 1


def test_names_cannot_break_out_of_their_fields(udp):
    syslog.send_new()
    account = make_account(name='x"] evil="1')
    made = events.record("ZONE.EDIT", "words", account=account)
    Event.objects.filter(pk=made.pk).update(created=timezone.now() - timedelta(minutes=1))
    syslog.send_new()
    found = MESSAGE.fullmatch(udp.recv(65536).decode())
    assert found
    assert 'account="x\\"\\] evil=\\"1"' in found["data"]


def test_over_tcp_each_message_says_how_long_it_is():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(3)
        configuration.set_value("syslog.target", f"tcp://127.0.0.1:{server.getsockname()[1]}")
        syslog.send_new()
        happened("first"), happened("second, 中文")
        got = []

        def take():
            link, _ = server.accept()
            with link:
                while chunk := link.recv(65536):
                    got.append(chunk)

        thread = threading.Thread(target=take)
        thread.start()
        assert syslog.send_new() == 2
        thread.join(5)
    stream, said = b"".join(got), []
    while stream:
        length, _, stream = stream.partition(b" ")
        said.append(MESSAGE.fullmatch(stream[: int(length)].decode())["words"])
        stream = stream[int(length) :]
    assert said == ["first", "second, 中文"]


def test_a_server_that_is_away_misses_nothing():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    configuration.set_value("syslog.target", f"tcp://127.0.0.1:{port}")
    syslog.send_new()
    happened("one")
    with pytest.raises(OSError, match="refused"):
        syslog.send_new()
    with socket.create_server(("127.0.0.1", port)):
        assert syslog.send_new() == 1


def test_switched_off_and_on_it_begins_anew(udp):
    syslog.send_new()
    address = syslog.TARGET.get()
    configuration.set_value("syslog.target", "")
    assert syslog.send_new() == 0
    assert not SyslogCursor.objects.exists()
    happened("meanwhile")
    configuration.set_value("syslog.target", address)
    assert syslog.send_new() == 0
    assert syslog.send_new() == 0


@pytest.mark.parametrize("text", ["logs.example", "http://logs.example", "udp://", "udp://a:b"])
def test_an_address_that_is_none_is_refused(text):
    with pytest.raises(InvalidParameter, match="no syslog server"):
        configuration.set_value("syslog.target", text)
