"""What every view starts with: somebody signed in, a section they may see."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme

from frontend.sections import SECTIONS
from frontend.sections.base import Record, Section

View = Callable[..., HttpResponse]


def signed_in(view: View) -> View:
    """Others are sent to sign in, and back here afterwards."""

    @functools.wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.reader is not None:
            return view(request, *args, **kwargs)
        if request.headers.get("HX-Request"):
            response = HttpResponse(status=204)
            response["HX-Redirect"] = "/signin"
            return response
        return redirect(f"/signin?next={quote(request.get_full_path())}")

    return guarded


def administrators(view: View) -> View:
    """For root administrators; to others the page does not exist."""

    @signed_in
    @functools.wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.reader.is_admin:
            raise Http404
        return view(request, *args, **kwargs)

    return guarded


def back(request: HttpRequest) -> str:
    """Where the form came from, if that is a page of ours."""
    wanted = request.POST.get("next") or request.headers.get("Referer", "/")
    safe = url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()})
    return wanted if safe else "/"


def section_for(request: HttpRequest, key: str) -> Section:
    section = SECTIONS.get(key)
    if section is None or not request.reader.sees(section):
        raise Http404
    return section


def record_for(request: HttpRequest, section: Section, uuid: str) -> Record:
    """What belongs to somebody else is not there."""
    record = request.reader.one(section, uuid)
    if record is None:
        raise Http404
    return record
