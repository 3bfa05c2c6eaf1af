"""The socket of a page: who may open it, what it is told of, and when it is closed."""

import json
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from asgiref.testing import ApplicationCommunicator
from channels.layers import get_channel_layer
from channels.routing import URLRouter
from django.utils import timezone

from accounts.models import Role, Session
from accounts.services import project_members, sessions
from frontend.consumers import NOT_SIGNED_IN
from frontend.routing import websocket_urlpatterns
from infra.services import configuration
from tests.factories import PASSWORD, make_account, make_domain, make_project, make_user

pytestmark = pytest.mark.django_db(transaction=True)
application = URLRouter(websocket_urlpatterns)


def opened(token="", origin="http://portal.example"):
    headers = [
        (b"host", b"portal.example"),
        (b"origin", origin.encode()),
        (b"cookie", f"JSESSIONID={token}".encode()),
    ]
    scope = {"type": "websocket", "path": "/live", "headers": headers, "client": ("192.0.2.1", 1)}
    return ApplicationCommunicator(application, scope)


async def connect(socket):
    await socket.send_input({"type": "websocket.connect"})
    return (await socket.receive_output(5))["type"]


async def tell(group, kind, uuid):
    message = {"type": "changed", "kind": kind, "id": uuid, "account": None}
    await get_channel_layer().group_send(group, message)


async def heard(socket):
    return json.loads((await socket.receive_output(5))["text"])


async def leave(socket):
    await socket.send_input({"type": "websocket.disconnect", "code": 1000})
    await socket.wait(5)


def sign_in(user):
    path = user.domain.name_path.removeprefix("ROOT")
    return sessions.log_in(user.username, PASSWORD, domain_path=path)


@async_to_sync
async def listening(token, *messages):
    """What a socket hears of ``messages`` and then of its own last one."""
    socket = opened(token)
    assert await connect(socket) == "websocket.accept"
    for group, kind, uuid in messages:
        await tell(group, kind, uuid)
    out = []
    while not await socket.receive_nothing(0.2):
        out.append(await heard(socket))
    await leave(socket)
    return out


def test_who_is_in_a_project_hears_of_its_things_and_who_is_taken_out_does_not():
    user = make_user()
    project = make_project(make_account(domain=user.domain), user.account)
    things = f"live.account.{project.account_id}"

    @async_to_sync
    async def heard_before_and_after(token):
        socket = opened(token)
        await connect(socket)
        await tell(things, "volume", "before")
        out = [await heard(socket)]
        remove = sync_to_async(project_members.remove, thread_sensitive=True)
        await remove(project, user.account, None)
        await tell(things, "project", "gone")
        out.append(await heard(socket))
        await tell(things, "volume", "after")
        while not await socket.receive_nothing(0.2):
            out.append(await heard(socket))
        await leave(socket)
        return [message["id"] for message in out]

    told = heard_before_and_after(sign_in(user).token)
    assert told == ["before", "gone"]


def test_another_site_may_not_listen():
    signed = sign_in(make_user())

    @async_to_sync
    async def kind():
        socket = opened(signed.token, origin="http://evil.example")
        answer = await connect(socket)
        await socket.wait(1)
        return answer

    assert kind() == "websocket.close"


def test_who_is_not_signed_in_is_told_so():
    @async_to_sync
    async def code():
        socket = opened("nonsense")
        await connect(socket)
        closed = await socket.receive_output(5)
        await leave(socket)
        return closed["code"]

    assert code() == NOT_SIGNED_IN


def test_a_user_hears_of_its_own_account_and_of_no_other():
    user = make_user(account=make_account())
    other = make_account()
    mine = f"live.account.{user.account_id}"
    told = listening(
        sign_in(user).token,
        (f"live.account.{other.pk}", "volume", "theirs"),
        ("live.admin", "host", "the house's"),
        (mine, "virtualmachine", "mine"),
    )
    assert told == [{"kind": "virtualmachine", "id": "mine"}]


def test_a_domain_administrator_hears_of_its_branch():
    branch = make_domain()
    inside, outside = make_account(domain=branch), make_account()
    ruler = make_user(account=make_account(domain=branch, role_type="DomainAdmin"))
    told = listening(
        sign_in(ruler).token,
        (f"live.account.{inside.pk}", "volume", "inside"),
        (f"live.account.{outside.pk}", "volume", "outside"),
    )
    assert [m["id"] for m in told] == ["inside"]


def test_a_root_administrator_hears_of_everything_once():
    told = listening(
        sessions.log_in("admin", PASSWORD).token, ("live.admin", "host", "h"),
        ("live.admin", "volume", "v"),
    )  # fmt: skip
    assert [m["id"] for m in told] == ["h", "v"]


def test_the_end_of_the_session_closes_the_socket():
    user = make_user(account=make_account())
    signed = sign_in(user)

    @async_to_sync
    async def code():
        socket = opened(signed.token)
        assert await connect(socket) == "websocket.accept"
        await tell(f"live.account.{user.account_id}", "session", str(signed.session.uuid))
        closed = await socket.receive_output(5)
        await leave(socket)
        return closed["code"]

    assert code() == NOT_SIGNED_IN


def test_a_session_that_times_out_closes_the_socket_when_it_is_swept(monkeypatch):
    signed = sign_in(make_user(account=make_account()))
    told = []
    monkeypatch.setattr(sessions.live, "tell", lambda *given: told.append(given))
    Session.objects.update(last_seen=timezone.now() - timedelta(days=400))
    assert sessions.sweep() == 1
    assert told == [("session", str(signed.session.uuid), signed.caller.account.pk)]


def test_an_address_that_is_not_allowed_hears_nothing():
    user = make_user(account=make_account())
    signed = sign_in(user)
    configuration.set_value("api.allowed.source.cidr.list", "198.51.100.0/24", user.account)

    @async_to_sync
    async def code():
        socket = opened(signed.token)
        await connect(socket)
        closed = await socket.receive_output(5)
        await leave(socket)
        return closed["code"]

    assert code() == NOT_SIGNED_IN
    configuration.forget()


def test_who_rules_no_more_hears_no_more():
    branch = make_domain()
    inside = make_account(domain=branch)
    ruler = make_user(account=make_account(domain=branch, role_type="DomainAdmin"))
    signed, own = sign_in(ruler), ruler.account

    @async_to_sync
    async def heard_of():
        socket = opened(signed.token)
        await connect(socket)
        await sync_to_async(demote)(own)
        await tell(f"live.account.{own.pk}", "account", str(own.uuid))
        first = await heard(socket)
        await tell(f"live.account.{inside.pk}", "volume", "inside")
        is_silent = await socket.receive_nothing(0.3)
        await leave(socket)
        return first["kind"], is_silent

    assert heard_of() == ("account", True)


def demote(account):
    account.role = Role.objects.get(name="User")
    account.save()
