"""Providers, as clients know them."""

from __future__ import annotations

from typing import Any

from accounts.models import OauthProvider
from core.responses import Response, flag, text

provider_response = Response(
    "oauthprovider",
    OauthProvider,
    (
        text("id", "uuid"), text("provider"), text("name", "provider"), text("description"),
        text("clientid", "client_id"), text("redirecturi", "redirect_uri"), flag("enabled"),
        text("issuer"),
    ),
)  # fmt: skip


def shown(row: OauthProvider) -> dict[str, Any]:
    """To anybody: never the secret, nor whether there is one."""
    return {
        "id": row.uuid, "provider": row.provider, "name": row.provider,
        "description": row.description, "clientid": row.client_id,
        "redirecturi": row.redirect_uri, "enabled": row.enabled, "issuer": row.issuer,
    }  # fmt: skip
