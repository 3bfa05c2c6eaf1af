"""One request to the API as read from HTTP: its parameters, form of reply and reference."""

from __future__ import annotations

import re
import uuid as uuids
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError

from accounts.caller import Caller
from api import addresses, parameters, renderers
from core.errors import InvalidParameter

_SAFE_REFERENCE = re.compile(r"[A-Za-z0-9._-]{8,36}\Z")


@dataclass
class Call:
    """``params`` are named as sent (a signature covers them so); ``given`` in lower case."""

    request: HttpRequest
    correlation_id: str
    address: str
    params: dict[str, str] = field(default_factory=dict)
    given: dict[str, Any] = field(default_factory=dict)
    caller: Caller | None = None
    named: str = ""  # the command, when the address names it

    @classmethod
    def of(cls, request: HttpRequest, named: str = "") -> Call:
        address = addresses.client_address(request)
        return cls(request, _reference(request), address, named=named)

    def read(self, *, body: bool = True) -> None:
        """Query string and form together; of two values the query string's, and the last,
        counts. Raises InvalidParameter when there is more than anybody should send."""
        try:
            form = self.request.POST if body and self.request.method == "POST" else {}
            params = {name: form[name] for name in form}
            for name in self.request.GET:
                params.pop(name, None)
                params[name] = self.request.GET[name]
        except (RequestDataTooBig, TooManyFieldsSent) as error:
            raise InvalidParameter(f"The request is too large: {error}") from error
        except MultiPartParserError as error:
            raise InvalidParameter(f"The form cannot be read: {error}") from error
        self.params = params
        self.given = parameters.lowered(params)
        if self.named:
            self._name()

    def _name(self) -> None:
        """The address stands for the parameter ``command``, in what is signed too."""
        sent = self.given.setdefault("command", self.named)
        if sent != self.named:
            raise InvalidParameter(f"The address names {self.named}, and command= names {sent}.")
        if not any(name.lower() == "command" for name in self.params):
            self.params["command"] = self.named

    @property
    def command(self) -> str:
        return str(self.given.get("command", ""))

    @property
    def renderer(self) -> renderers.JSONRenderer | renderers.XMLRenderer:
        wanted = str(self.given.get("response") or ("json" if self.named else "")).lower()
        return renderers.JSON if wanted == "json" else renderers.XML

    @property
    def is_post(self) -> bool:
        return self.request.method == "POST"


def _reference(request: HttpRequest) -> str:
    """The caller's own, when it is harmless in logs and headers; else a new one."""
    given: str = request.META.get("HTTP_X_REQUEST_ID", "")
    return given if _SAFE_REFERENCE.match(given) else str(uuids.uuid4())
