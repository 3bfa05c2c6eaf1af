"""From an assertion to a session.

An identity provider answers with a form that the browser posts from its page: our cookies do not
come along (SameSite). So the answer is verified where it arrives and sealed, and the browser
brings the sealed *proof* back by a plain link, with the cookie that says which request it had
made. Nothing is written until both agree.
"""

from __future__ import annotations

import functools
import hashlib
import json
import time
from base64 import b64decode
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

from defusedxml.ElementTree import ParseError
from defusedxml.ElementTree import fromstring as parsed
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import SamlAuthorization, SamlMark, SamlProvider, Session, User
from accounts.saml import providers, settings
from accounts.services import sessions, throttle
from core import vault
from core.errors import LoginFailed

SOURCE = "saml2"
_GOOD_FOR_S = 600
_PROOF_GOOD_FOR_S = 60
_PROTOCOL = "{urn:oasis:names:tc:SAML:2.0:protocol}"
_ASSERTION = "{urn:oasis:names:tc:SAML:2.0:assertion}"


@dataclass(frozen=True)
class Proof:
    """What an identity provider said, verified. ``request`` is what it answered, ``assertion``
    its id, ``subject`` and ``index`` what it calls the user and the session."""

    idp: str
    request: str
    assertion: str
    username: str
    subject: str
    index: str
    until: float

    def sealed(self) -> str:
        return vault.seal(json.dumps(asdict(self)))

    @classmethod
    def opened(cls, text: str) -> Proof:
        """Raises LoginFailed for one that is not ours, or too old."""
        try:
            found = cls(**json.loads(vault.unseal(text)))
        except (ValueError, TypeError):
            found = None
        if found is None or found.until < time.time():
            raise LoginFailed("This sign-in took too long. Begin again.")
        return found


def leave(idp: str | None) -> tuple[str, str]:
    """Where to send the browser, and what it must bring back (for a cookie)."""
    request, address = _client().ask(providers.named(idp), force=settings.FORCE.get())
    kept = {"request": request, "until": time.time() + _GOOD_FOR_S}
    return address, vault.seal(json.dumps(kept))


def metadata() -> str:
    """What the portal says of itself."""
    return str(_client().metadata())


def verify(response: str, *, address: str = "") -> Proof:
    """The answer of an identity provider, as it was posted. Raises LoginFailed, Throttled: it
    costs a process to find a signature wrong."""
    things = throttle.watched("saml", address)
    throttle.refuse_if_paused(things)
    try:
        return _verified(response)
    except LoginFailed:
        throttle.failed(things)
        raise


def _verified(response: str) -> Proof:
    issuer, request = _outline(response)
    provider = SamlProvider.objects.filter(entity_id=issuer).first()
    if provider is None or not settings.is_available():
        raise LoginFailed("Nobody signs in by this identity provider here.")
    client = _client()
    try:
        found = client.read_answer(provider, response, request)
    except client.OutOfTime as error:
        raise LoginFailed(_off(response)) from error
    except client.NotGenuine as error:
        raise LoginFailed(_refusal(response)) from error
    if found.issuer != provider.entity_id:
        raise LoginFailed("The answer is of another identity provider.")
    values = found.values.get(settings.USER_ATTRIBUTE.get()) or []
    return Proof(
        idp=provider.entity_id,
        request=request,
        assertion=found.assertion,
        username=str(values[0]) if values else "",
        subject=found.subject,
        index=found.index,
        until=time.time() + _PROOF_GOOD_FOR_S,
    )


def log_in(
    proof: Proof, kept: str, *, address: str = "", device: str = ""
) -> sessions.SignedIn:
    """A session for whoever brings both halves: the proof, and what ``leave`` gave it to keep.

    Raises LoginFailed; an assertion is taken once.
    """
    try:
        errand = json.loads(vault.unseal(kept))
    except ValueError:
        errand = {}
    if errand.get("request") != proof.request or errand.get("until", 0) < time.time():
        raise LoginFailed("This sign-in was not begun here, or too long ago. Begin again.")
    users = users_of(proof.idp, proof.username)
    if not users:
        raise LoginFailed(
            f"{proof.username or 'Nobody'} is not authorised to sign in by SAML. Ask your "
            "administrator."
        )
    _mark(proof)
    return start(users[0], proof.idp, proof.username, proof.index, address, device)


def start(
    user: User, idp: str, name: str, index: str, address: str = "", device: str = ""
) -> sessions.SignedIn:
    signed = sessions.start(user, address, device=device, source=SOURCE)
    signed.session.idp, signed.session.external_name = idp, name
    signed.session.external_index = index
    signed.session.save(update_fields=["idp", "external_name", "external_index"])
    return signed


def users_of(idp: str, username: str) -> list[User]:
    """Users of this name, in whichever domain, who were authorised for this provider."""
    if not username:
        return []
    related = ("account__domain", "account__role", "domain", "second_factor", "saml")
    rows = User.objects.select_related(*related).filter(
        username__iexact=username, saml__enabled=True, saml__entity_id__in=["", idp]
    )
    return [user for user in rows.order_by("pk") if sessions.may_sign_in(user)]


def authorise(user: User, enable: bool, entity_id: str) -> None:
    SamlAuthorization.objects.update_or_create(
        user=user, defaults={"enabled": enable, "entity_id": entity_id}
    )
    if not enable:
        for session in Session.objects.filter(user=user, source=SOURCE).select_related("user"):
            sessions.log_out(session)


def told_of_log_out(request: str) -> int:
    """An identity provider tells, by a signed form, that somebody signed out there: the
    sessions that came of it end. Returns how many. Raises LoginFailed."""
    issuer, _answers = _outline(request)
    provider = SamlProvider.objects.filter(entity_id=issuer).first()
    if provider is None or not settings.is_available():
        raise LoginFailed("This identity provider is not known here.")
    client = _client()
    try:
        indexes = client.read_log_out(provider, request)
    except client.NotGenuine as error:
        raise LoginFailed("The log-out is not signed as it should be.") from error
    ended = Session.objects.filter(source=SOURCE, idp=issuer, external_index__in=indexes)
    for session in list(ended.select_related("user")):
        sessions.log_out(session)
    return len(ended)


def sweep() -> int:
    return SamlMark.objects.filter(expires__lt=timezone.now()).delete()[0]


@functools.cache
def _client() -> Any:
    """``accounts.saml.client``, loaded when it is first needed."""
    return import_module("accounts.saml.client")


def _mark(proof: Proof) -> None:
    text = hashlib.sha256(f"{proof.idp} {proof.assertion}".encode()).hexdigest()
    try:
        with transaction.atomic():
            SamlMark.objects.create(
                assertion_hash=text, expires=timezone.now() + timedelta(hours=12)
            )
    except IntegrityError:
        raise LoginFailed("This answer was used already. Begin again.") from None


def _outline(message: str) -> tuple[str, str]:
    """Who says that it wrote this, and what it answers: not believed, only looked up by."""
    root = _tree(message)
    issuer = root.find(f"{_ASSERTION}Issuer")
    name = str(issuer.text or "").strip() if issuer is not None else ""
    return name, root.attrib.get("InResponseTo", "")


def _tree(message: str) -> Any:
    try:
        return parsed(b64decode(message), forbid_dtd=True)
    except (ParseError, ValueError) as error:
        raise LoginFailed("The answer of the identity provider cannot be read.") from error


def _refusal(response: str) -> str:
    """If its times are off, the clock is to be named, whatever else is wrong."""
    return _off(response) if _is_off(response) else (
        "The answer of the identity provider is not one for this portal, or not signed as it "
        "should be."
    )


def _issued(response: str) -> datetime | None:
    text = _tree(response).attrib.get("IssueInstant", "").replace("Z", "+00:00")
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _is_off(response: str) -> bool:
    issued = _issued(response)
    away = abs((timezone.now() - issued).total_seconds()) if issued else 0
    return away > settings.LEEWAY_S


def _off(response: str) -> str:
    issued = _issued(response) or timezone.now()
    return (
        f"The answer of the identity provider was made at {issued:%H:%M:%S} UTC by its clock; by "
        f"the portal's it is {timezone.now():%H:%M:%S} UTC. One of the two clocks is wrong, or "
        "the answer is old."
    )
