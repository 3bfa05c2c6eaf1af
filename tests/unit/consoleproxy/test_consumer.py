"""The socket itself: what opens it, and that a refusal looks the same whatever the reason."""

import pytest
from asgiref.sync import async_to_sync
from asgiref.testing import ApplicationCommunicator
from channels.exceptions import DenyConnection
from channels.routing import URLRouter

from accounts.services import sessions
from agent.protocol import ConsoleAddress, HostUnavailable
from cloudportal.sockets import websocket_urlpatterns
from consoleproxy import screens, tickets
from consoleproxy.models import ConsoleSession
from tests.factories import PASSWORD, make_user, make_vm
from tests.unit.consoleproxy.fake_screen import Screen

pytestmark = pytest.mark.django_db(transaction=True)

application = URLRouter(websocket_urlpatterns)


@pytest.fixture(params=["", "s3cret"], ids=["open", "with a password"])
def screen(monkeypatch, request):
    """A machine's screen that echoes, where the host says it is."""
    made = Screen(request.param)
    where = ConsoleAddress("127.0.0.1", made.port, request.param)
    monkeypatch.setattr(screens.agents, "call", lambda *a: where)
    yield made
    made.close()


@pytest.fixture
def signed_in():
    return sessions.log_in(make_user().username, PASSWORD)


@pytest.fixture
def ticket(signed_in):
    vm = make_vm("Running", account=signed_in.caller.account)
    return tickets.issue(signed_in.caller, vm, "vnc")[1]


class Visitor(ApplicationCommunicator):
    """A browser's side of the socket (channels.testing would need daphne)."""

    async def connect(self):
        await self.send_input({"type": "websocket.connect"})
        answer = await self.receive_output(5)
        return answer["type"] == "websocket.accept", answer.get("subprotocol")

    async def receive_from(self):
        return (await self.receive_output(5))["bytes"]

    async def send_to(self, bytes_data):
        await self.send_input({"type": "websocket.receive", "bytes": bytes_data})

    async def disconnect(self):
        await self.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.wait(5)


def visit(ticket, token="", origin="http://cloud.example", path=""):
    headers = [(b"host", b"cloud.example"), (b"origin", origin.encode())]
    if token:
        headers.append((b"cookie", f"JSESSIONID={token}".encode()))
    scope = {
        "type": "websocket", "path": path or f"/console/ws/{ticket}", "headers": headers,
        "subprotocols": ["binary"], "client": ("127.0.0.1", 1234), "query_string": b"",
    }  # fmt: skip
    return Visitor(application, scope)


def is_refused(ticket, token="", **more):
    async def story():
        visitor = visit(ticket, token, **more)
        opened, _ = await visitor.connect()
        if opened:
            await visitor.disconnect()
        return not opened

    return async_to_sync(story)()


def test_the_screen_is_shown_and_typing_reaches_it(screen, signed_in, ticket):
    async def story():
        visitor = visit(ticket, signed_in.token)
        opened, protocol = await visitor.connect()
        assert opened
        assert protocol == "binary"
        assert await visitor.receive_from() == b"RFB 003.008\n"
        await visitor.send_to(bytes_data=b"RFB 003.008\n")
        assert await visitor.receive_from() == b"\1\1", "the browser is asked for no password"
        await visitor.send_to(bytes_data=b"\1")
        assert await visitor.receive_from() == b"\0\0\0\0"
        await visitor.send_to(bytes_data=b"typed")
        assert await visitor.receive_from() == b"typed"
        await visitor.disconnect()

    async_to_sync(story)()
    assert ConsoleSession.objects.get().removed


def test_a_used_ticket_is_refused(screen, signed_in, ticket):
    tickets.redeem(ticket, signed_in.session, address="", proxy="p-1")
    assert is_refused(ticket, signed_in.token)


def test_another_user_nobody_and_another_origin_are_refused(screen, signed_in, ticket):
    other = sessions.log_in(make_user().username, PASSWORD)
    assert is_refused(ticket, other.token)
    assert is_refused(ticket)
    assert is_refused(ticket, signed_in.token, origin="http://evil.example")
    assert not is_refused(ticket, signed_in.token), "the refusals must not have used it up"


def test_a_host_that_does_not_answer_leaves_no_open_session(signed_in, ticket, monkeypatch):
    def gone(*_):
        raise HostUnavailable("away")

    monkeypatch.setattr(screens.agents, "call", gone)
    assert is_refused(ticket, signed_in.token)
    assert not ConsoleSession.objects.filter(removed=None).exists()


def test_a_screen_that_refuses_leaves_no_open_session(signed_in, ticket, monkeypatch):
    screen = Screen("s3cret")
    where = ConsoleAddress("127.0.0.1", screen.port, "another")
    monkeypatch.setattr(screens.agents, "call", lambda *a: where)
    assert is_refused(ticket, signed_in.token)
    assert not ConsoleSession.objects.filter(removed=None).exists()
    screen.close()


def test_other_paths_are_refused(signed_in):
    async def story():
        visitor = visit("", path="/nowhere")
        with pytest.raises(DenyConnection):
            await visitor.connect()

    async_to_sync(story)()
