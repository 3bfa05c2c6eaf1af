"""Whose a thing is, as nearly every reply has it: an account's, or a project's."""

from __future__ import annotations

from core.responses import Field, computed, text


def owner(path: str = "account") -> tuple[Field, ...]:
    """Account or project, and domain, of the account reached by the ORM ``path``."""
    return (*account(path), *project(path), *domain(f"{path}__domain"))


def account(path: str = "account") -> tuple[Field, ...]:
    """Left out where a project is the owner: its account is nobody's to know by name."""
    name = f"{path}__name"
    needs = (name, f"{path}__is_project")
    return (computed("account", needs, _unless_project, source=name),)


def project(path: str = "account") -> tuple[Field, ...]:
    return (
        text("projectid", f"{path}__project__uuid"),
        text("project", f"{path}__project__name"),
    )


def domain(path: str) -> tuple[Field, ...]:
    return (
        text("domainid", f"{path}__uuid"),
        text("domain", f"{path}__name"),
        text("domainpath", f"{path}__name_path"),
    )


def _unless_project(name: str | None, is_project: bool | None) -> str | None:
    return None if is_project else name
