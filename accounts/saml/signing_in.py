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
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import SamlAuthorization, SamlMark, SamlProvider, Session, User
from accounts.saml import messages, providers, settings
from accounts.saml.messages import Message
from accounts.services import sessions, throttle
from core import vault
from core.errors import LoginFailed

SOURCE = "saml2"
_GOOD_FOR_S = 600
_PROOF_GOOD_FOR_S = 60


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
    request, address = client().ask(providers.named(idp), force=settings.FORCE.get())
    kept = {"request": request, "until": time.time() + _GOOD_FOR_S}
    return address, vault.seal(json.dumps(kept))


def metadata() -> str:
    """What the portal says of itself."""
    return str(client().metadata())


def verify(response: str, *, address: str = "") -> Proof:
    """The answer of an identity provider, as it was posted. Raises LoginFailed, Throttled: it
    costs a process to find a signature wrong."""
    things = throttle.watched_source("saml", address)
    throttle.refuse_if_paused(things)
    try:
        return _verified(response)
    except LoginFailed:
        throttle.failed(things)
        raise


def _verified(response: str) -> Proof:
    issuer, request = messages.outline(Message(response))
    provider = SamlProvider.objects.filter(entity_id=issuer).first()
    if provider is None or not settings.is_available():
        raise LoginFailed("Nobody signs in by this identity provider here.")
    speaker = client()
    try:
        found = speaker.read_answer(provider, response, request)
    except speaker.OutOfTime as error:
        raise LoginFailed(_off(response)) from error
    except speaker.NotGenuine as error:
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
    about = {
        "idp": proof.idp, "external_name": proof.username, "external_subject": proof.subject,
        "external_index": proof.index,
    }  # fmt: skip
    return _started(users[0], about, address, device)


def go_on_as(user: User, session: Session, address: str) -> sessions.SignedIn:
    """Another user of the same person, by the same word of the identity provider."""
    names = ("idp", "external_name", "external_subject", "external_index")
    about = {name: getattr(session, name) for name in names}
    return _started(user, about, address, session.device)


def _started(user: User, about: dict[str, str], address: str, device: str) -> sessions.SignedIn:
    signed = sessions.start(user, address, device=device, source=SOURCE)
    for name, value in about.items():
        setattr(signed.session, name, value)
    signed.session.save(update_fields=list(about))
    return signed


def users_of(idp: str, username: str) -> list[User]:
    """Users of this name, in whichever domain, who were authorised for this provider."""
    if not username:
        return []
    related = ("account__domain", "account__role", "domain", "second_factor", "saml")
    rows = User.objects.select_related(*related).filter(
        username__iexact=username, saml__enabled=True, saml__entity_id__in=["", idp]
    )
    # MariaDB takes é for e: another person's name must not pass for the user's.
    same = (user for user in rows.order_by("pk") if user.username.casefold() == username.casefold())
    return [user for user in same if sessions.may_sign_in(user)]


def authorise(user: User, enable: bool, entity_id: str) -> None:
    SamlAuthorization.objects.update_or_create(
        user=user, defaults={"enabled": enable, "entity_id": entity_id}
    )
    if not enable:
        for session in Session.objects.filter(user=user, source=SOURCE).select_related("user"):
            sessions.log_out(session)


def sweep() -> int:
    return SamlMark.objects.filter(expires__lt=timezone.now()).delete()[0]


@functools.cache
def client() -> Any:
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


def _refusal(response: str) -> str:
    """If its times are off, the clock is to be named, whatever else is wrong."""
    return _off(response) if _is_off(response) else (
        "The answer of the identity provider is not one for this portal, or not signed as it "
        "should be."
    )


def _issued(response: str) -> datetime | None:
    text = messages.tree(Message(response)).attrib.get("IssueInstant", "").replace("Z", "+00:00")
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
