"""CloudStack's query API over HTTP: ``GET`` and ``POST /client/api``, or with the command as the
address's last part."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from accounts.caller import Caller
from api import (
    addresses,
    authentication,
    dispatch,
    idempotency,
    replies,
    settings,
    settling,
    throttling,
    trial,
    wire,
)
from api.calls import Call
from api.commands.saml import BACK, COOKIE, Elsewhere
from api.commands.signing_in import SignedIn, SignedOut
from core.commands import Command, named
from core.errors import (
    BadRequest,
    CloudError,
    InternalError,
    NotAuthenticated,
    ResourceUnavailable,
    WrongMethod,
)

log = logging.getLogger(__name__)

_SIGNATURE = authentication.SignatureAuthentication()
_SESSION = authentication.SessionAuthentication()


@csrf_exempt  # signed calls carry no cookie; a session's calls carry its key beside
def client_api(request: HttpRequest, command: str = "") -> HttpResponse:
    return answered(request, _serve, command)


def answered(
    request: HttpRequest, serve: Callable[[Call], HttpResponse], command: str = ""
) -> HttpResponse:
    """Runs ``serve``; whatever is raised becomes a reply in the form the caller asked for."""
    call = Call.of(request, command)
    try:
        response = serve(call)
    except CloudError as error:
        response = refused(call, error)
    except (OperationalError, InterfaceError) as error:
        log.warning("%s: database: %s, reference %s", call.command, error, call.correlation_id)
        response = refused(call, ResourceUnavailable("The database is not answering; try again."))
    except Exception as error:
        log.exception("%s failed, reference %s", call.command, call.correlation_id)
        response = refused(call, _unforeseen(call, error))
    response["X-Request-Id"] = call.correlation_id
    response._has_been_logged = True  # Django's own line per refusal would drown the log
    return response


def _serve(call: Call) -> HttpResponse:
    call.read()
    if call.request.method not in ("GET", "POST"):
        raise WrongMethod("The API is called by GET or POST.")
    known = named(call.command)
    if known is not None and known.anonymous and (known.post_only or not _is_signed(call)):
        return _serve_visitor(call, known)
    call.caller = caller = authenticated(call)
    authentication.check_source(caller)
    throttling.check(caller, call.request)
    if not call.command:
        raise BadRequest("No command was given; name one with command=…")
    _check_method(call, dispatch.find(caller, call.command))
    return performed(call, caller)


#: What pages of identity providers make browsers send: a signature in it says from whom.
_FROM_ELSEWHERE = frozenset({"samlSso", "samlSlo"})


def _is_signed(call: Call) -> bool:
    """Who signs a call that anybody may make sees what a caller of that role sees."""
    return bool(call.given.get("apikey") and call.given.get("signature"))


def _serve_visitor(call: Call, command: Command) -> HttpResponse:
    """A command that needs no caller (log-in): by POST, and not from another site's page."""
    if command.post_only and not call.is_post:
        raise WrongMethod(f"{command.name} works by POST only.")
    if not authentication.is_same_origin(call.request) and command.name not in _FROM_ELSEWHERE:
        raise NotAuthenticated
    device = call.request.META.get("HTTP_USER_AGENT", "")
    return performed(call, dispatch.Visitor(call.address, call.correlation_id, device))


def authenticated(call: Call) -> Caller:
    for method in (_SIGNATURE, _SESSION):
        found = method.authenticate(call.request, call)
        if found is not None:
            break
    else:
        raise NotAuthenticated
    caller: Caller = found[0]
    if caller.session is None and named(call.command) is None:
        raise NotAuthenticated  # as CloudStack answers a signed call of an unknown command
    return caller


def _check_method(call: Call, command: Command) -> None:
    """GET changes nothing for a session, whose cookies a browser sends by itself. Clients that
    sign each call may use it, as CloudStack's do, unless the operator forbids it too."""
    if call.is_post or command.reads_only or command.name == "logout":
        return
    if call.caller.session is not None or settings.ENFORCE_POST.get():
        raise BadRequest(f"{command.name} changes something; send it by POST.")


def performed(call: Call, caller: Caller | dispatch.Visitor) -> HttpResponse:
    note = _note(call, caller)
    if note is None:
        outcome = dispatch.execute(caller, call.command, call.given)
    elif note.reply is not None:
        return rendered(call, note.reply)
    else:
        outcome = _noted(call, caller, note)
    if isinstance(caller, Caller):
        settling.settle(outcome, caller)
    if isinstance(outcome.value, Elsewhere):
        return _sent_elsewhere(call, outcome.value)
    response = rendered(call, replies.of(outcome))
    if isinstance(outcome.value, SignedIn):
        _set_cookies(call, response, outcome.value)
    elif isinstance(outcome.value, SignedOut):
        _drop_cookies(response)
    return response


def _note(call: Call, caller: Caller | dispatch.Visitor) -> idempotency.Note | None:
    """The note of a call that changes something and carries an idempotency key."""
    sent = call.given.get(idempotency.PARAMETER, "")
    key = str(sent or call.request.META.get("HTTP_IDEMPOTENCY_KEY", ""))
    if not key or isinstance(caller, dispatch.Visitor):
        return None
    command = named(call.command)
    if command is None or command.reads_only or trial.is_wanted(command, call.given):
        return None
    return idempotency.note(caller, command, key, call.given)


def _noted(call: Call, caller: Caller, note: idempotency.Note) -> dispatch.Outcome:
    try:
        return dispatch.execute(
            caller, call.command, call.given, then=lambda outcome: note.keep(replies.of(outcome))
        )
    except BaseException:
        note.forget()
        raise


# -- cookies ---------------------------------------------------------------------------

_PATH = "/client"


def _set_cookies(call: Call, response: HttpResponse, reply: SignedIn) -> None:
    same_site = {"NoneAllowed": "None", "Null": None}
    chosen = settings.COOKIE_SAMESITE.get()
    about = {
        "path": _PATH,
        "httponly": True,
        "secure": addresses.is_secure(call.request) or settings.SECURE_COOKIE.get(),
        "samesite": same_site.get(chosen, chosen),
    }
    response.set_cookie(authentication.SESSION_COOKIE, reply.signed_in.token, **about)
    response.set_cookie(authentication.KEY_COOKIE, reply.signed_in.key, **about)


def _sent_elsewhere(call: Call, where: Elsewhere) -> HttpResponse:
    response = HttpResponse(status=303)
    response["Location"] = where.address
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "no-referrer"
    if where.kept:
        is_secure = addresses.is_secure(call.request) or settings.SECURE_COOKIE.get()
        response.set_cookie(
            COOKIE, where.kept, path=BACK, httponly=True, samesite="Lax", secure=is_secure
        )
    return response


def _drop_cookies(response: HttpResponse) -> None:
    for name in (authentication.SESSION_COOKIE, authentication.KEY_COOKIE):
        response.delete_cookie(name, path=_PATH)


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
    reply = replies.of_error(error, call.command, known=named(call.command) is not None)
    response = rendered(call, reply, error.code)
    line = " ".join(error.message.split())[:1000]
    response["X-Description"] = line.encode("latin-1", "replace").decode("latin-1")
    has_cookie = authentication.SESSION_COOKIE in call.request.COOKIES
    if error.code == 401 and has_cookie and authentication.is_same_origin(call.request):
        _drop_cookies(response)
    return response


def _unforeseen(call: Call, error: Exception) -> InternalError:
    """A defect: its text is for administrators, the reference for everybody."""
    where = f"reference {call.correlation_id}"
    if call.caller is not None and call.caller.is_root_admin:
        return InternalError(f"{type(error).__name__}: {error} ({where})")
    return InternalError(f"Something unforeseen went wrong; {where}.")
