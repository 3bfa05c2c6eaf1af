"""CloudStack's query API over HTTP: ``GET`` and ``POST /client/api``."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from accounts.caller import Caller
from api import authentication, dispatch, replies, settings, throttling, wire
from api.calls import Call
from core.commands import COMMANDS, Command
from core.errors import BadRequest, CloudError, InternalError, NotAuthenticated

log = logging.getLogger(__name__)

_SIGNATURE = authentication.SignatureAuthentication()


@csrf_exempt  # signed calls carry no cookie; a session's calls carry their own key
def client_api(request: HttpRequest) -> HttpResponse:
    return answered(request, serve)


def answered(request: HttpRequest, serve: Callable[[Call], HttpResponse]) -> HttpResponse:
    """Runs ``serve``; whatever is raised becomes a reply in the form the caller asked for."""
    call = Call.of(request)
    try:
        response = serve(call)
    except CloudError as error:
        response = refused(call, error)
    except Exception as error:
        log.exception("%s failed, reference %s", call.command, call.correlation_id)
        response = refused(call, _unforeseen(call, error))
    response["X-Request-Id"] = call.correlation_id
    return response


def serve(call: Call) -> HttpResponse:
    call.read()
    call.caller = caller = _authenticate(call)
    authentication.check_source(caller)
    throttling.check(caller, call.request)
    command = dispatch.find(caller, call.command)
    _check_method(call, command)
    return performed(call, caller)


def performed(call: Call, caller: Caller | dispatch.Visitor) -> HttpResponse:
    outcome = dispatch.execute(caller, call.command, call.given)
    return rendered(call, replies.of(outcome))


def _authenticate(call: Call) -> Caller:
    caller, _ = _SIGNATURE.authenticate(call.request, call)
    if call.command not in COMMANDS:
        raise NotAuthenticated
    return caller


def _check_method(call: Call, command: Command) -> None:
    if call.is_post or command.reads_only:
        return
    if settings.ENFORCE_POST.get():
        raise BadRequest(f"{command.name} changes something; send it by POST.")


# -- replies ---------------------------------------------------------------------------


def rendered(call: Call, reply: replies.Reply, status: int = 200) -> HttpResponse:
    renderer = call.renderer
    shows_version = call.caller is not None and settings.VERSION_IN_XML.get()
    content = renderer.render(reply, None, {"version": wire.VERSION if shows_version else ""})
    response = HttpResponse(content, status=status, content_type=renderer.content_type)
    response["Cache-Control"] = "no-store"
    return response


def refused(call: Call, error: CloudError) -> HttpResponse:
    """The error's body, and its text again in a header that CloudStack's pages show."""
    response = rendered(
        call, replies.of_error(error, call.command, known=call.command in COMMANDS), error.code
    )
    line = " ".join(error.message.split())[:1000]
    response["X-Description"] = line.encode("latin-1", "replace").decode("latin-1")
    return response


def _unforeseen(call: Call, error: Exception) -> InternalError:
    """A defect: its text is for administrators, the reference for everybody."""
    where = f"reference {call.correlation_id}"
    if call.caller is not None and call.caller.is_root_admin:
        return InternalError(f"{type(error).__name__}: {error} ({where})")
    return InternalError(f"Something unforeseen went wrong; {where}.")
