"""Invitations to projects: to an account or a user, who find them when they sign in, and to
whoever holds the token that was mailed. Only a hash of the token is kept."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import uuid as uuids
from datetime import timedelta

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import Account, Project, ProjectInvitation, User
from accounts.services import membership, project_mail, project_members
from accounts.services.project_members import Part
from core import live
from core.config import Setting
from core.errors import InvalidParameter
from core.locking import locked

REQUIRED = Setting(
    "project.invite.required", False,
    "Whether accounts and users must accept an invitation before they are in a project.",
    category="Project Defaults",
)  # fmt: skip
TIMEOUT_S = Setting(
    "project.invite.timeout", 86400, "How long an invitation to a project holds, in seconds.",
    category="Project Defaults", minimum=60,
)  # fmt: skip

_P = ProjectInvitation


def bring(
    project: Project, account: Account | None, user: User | None, email: str, part: Part
) -> None:
    """Into the project at once, or invited: when invitations are required, and when only an
    address is known."""
    membership.check_active(project)
    part.check(project)
    if account is not None and not REQUIRED.get():
        project_members.add(project, account, user, part)
        _close_pending(project, account, user)
    elif account is not None or email:
        _invite(project, account, user, email, part)
    else:
        raise InvalidParameter("Say whom: give account, or email to send an invitation to.")


@transaction.atomic
def _invite(
    project: Project, account: Account | None, user: User | None, email: str, part: Part
) -> None:
    if email:
        _check_address(email)
    project = locked(project, "domain")
    pending = pending_in(project)
    if account is not None:
        project_members.check_addable(project, account, user)
        pending = pending.filter(invited=account, user=user)
    else:
        pending = pending.filter(invited=None, email__iexact=email)
    if pending.exists():
        who = user or account or email
        raise InvalidParameter(f"{who} is invited to project {project.name} already.")
    token = secrets.token_urlsafe(32)
    _P.objects.create(
        project=project,
        invited=account,
        user=user,
        email=email,
        token_hash=_hash(token) if email else "",
        is_admin=part.is_admin,
        role=part.role,
    )
    if email:
        project_mail.post(project, email, token, lifetime=_lifetime())
    live.changed(project)


def pending_in(project: Project):
    """Those that can still be accepted."""
    return _P.objects.filter(still_open(), project=project)


def still_open() -> Q:
    return Q(state=_P.PENDING, created__gt=timezone.now() - _lifetime())


def project_of(uuid: str) -> Project | None:
    """Whoever is invited does not see the project yet; None when there is none such."""
    try:
        wanted = uuids.UUID(uuid)
    except ValueError:
        raise InvalidParameter(f"Parameter projectid must be a uuid, not “{uuid}”.") from None
    return Project.objects.select_related("domain").filter(uuid=wanted).first()


@transaction.atomic
def answer(
    project: Project | None,
    *,
    account: Account,
    user: User | None,
    token: str | None,
    accept: bool,
) -> None:
    """Raises InvalidParameter, in the same words, when there is no such project, no pending
    invitation, or the token is not its own."""
    invitation = _meant(project, account, user, token)
    if invitation is None:
        raise InvalidParameter(
            "There is no open invitation to this project for you; it may have expired. "
            "Ask an administrator of the project for another."
        )
    if accept:
        # To whoever has the token: the account that answers joins.
        joins, alone = invitation.invited or account, invitation.user
        project_members.add(
            invitation.project, joins, alone, Part(invitation.is_admin, invitation.role)
        )
        _close_pending(invitation.project, joins, alone, besides=invitation)
    invitation.state = _P.COMPLETED if accept else _P.DECLINED
    invitation.token_hash = ""
    invitation.save(update_fields=["state", "token_hash"])
    live.changed(invitation.project)


def _meant(
    project: Project | None, account: Account, user: User | None, token: str | None
) -> ProjectInvitation | None:
    if project is None:
        return None
    found = pending_in(locked(project, "domain")).select_related(
        "project__domain", "invited__domain", "user", "role"
    )
    if token:
        wanted = _hash(token)
        same = [i for i in found.exclude(token_hash="") if _equal(i.token_hash, wanted)]
        return next((i for i in same if i.invited_id in (None, account.pk)), None)
    mine = list(found.filter(invited=account))
    own = [i for i in mine if user is not None and i.user_id == user.pk]
    return next(iter([*own, *(i for i in mine if i.user_id is None)]), None)


@transaction.atomic
def withdraw(invitation: ProjectInvitation) -> None:
    """Not while it is being answered: both hold the project."""
    locked(invitation.project)
    locked(invitation).remove()
    live.changed(invitation.project)


def expire() -> int:
    """Mark those that nobody answered in time."""
    old = _P.objects.filter(state=_P.PENDING, created__lte=timezone.now() - _lifetime())
    return old.update(state=_P.EXPIRED, token_hash="")


def _close_pending(
    project: Project,
    account: Account,
    user: User | None,
    besides: ProjectInvitation | None = None,
) -> None:
    """Who is in has no invitation left to answer."""
    pending = _P.objects.filter(project=project, state=_P.PENDING, invited=account)
    if besides is not None:
        pending = pending.exclude(pk=besides.pk)
    for invitation in pending.filter(user=user) if user else pending:
        invitation.remove()


def _lifetime() -> timedelta:
    return timedelta(seconds=TIMEOUT_S.get())


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _equal(one: str, other: str) -> bool:
    return hmac.compare_digest(one, other)


def _check_address(email: str) -> None:
    try:
        validate_email(email)
    except ValidationError:
        raise InvalidParameter(f"“{email}” is not an e-mail address.") from None
