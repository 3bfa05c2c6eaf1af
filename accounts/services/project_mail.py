"""The letter that invites to a project, and the mail server it goes by."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

from accounts.models import Project
from accounts.services import letters
from accounts.services.forgotten import ADDRESS
from core import mail

mail.SERVERS["project"] = mail.declare(
    "project",
    host="The mail server for invitations to projects; empty: that of alert.smtp.host.",
    sender="The address invitations to projects come from; empty: that of alert.email.sender.",
    category="Project Defaults",
)


def post(project: Project, email: str, token: str, *, lifetime: timedelta) -> None:
    """In the invitation's transaction; it is sent once that has been committed."""
    letters.post(
        email,
        f"Invitation to project {project.name}",
        _letter(project, token, lifetime),
        good_for=lifetime,
        about="project",
    )


def _where(project: Project, token: str) -> str:
    by_hand = (
        "Sign in to the portal, open Projects, choose “Accept an invitation”, and enter\n"
        f"  project  {project.uuid}\n"
        f"  token    {token}\n"
    )
    address = ADDRESS.get().rstrip("/")
    if not address:
        return by_hand
    given = urlencode({"project": project.uuid, "token": token})
    return f"Accept or decline here:\n{address}/projects/invitation/?{given}\n\nOr: {by_hand}"


def _letter(project: Project, token: str, lifetime: timedelta) -> str:
    hours = max(round(lifetime.total_seconds() / 3600), 1)
    return (
        f"You are invited to join project {project.name} of domain {project.domain.name_path}.\n"
        "\n"
        f"{_where(project, token)}"
        "\n"
        f"The invitation holds for {hours} h. If you did not expect it, do nothing.\n"
    )
