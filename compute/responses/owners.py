"""Account and domain of the owner, as nearly every reply has them."""

from __future__ import annotations

from core.responses import Field, text


def owner(path: str = "account") -> tuple[Field, ...]:
    return (
        text("account", f"{path}__name"),
        text("domainid", f"{path}__domain__uuid"),
        text("domain", f"{path}__domain__name"),
        text("domainpath", f"{path}__domain__name_path"),
    )
