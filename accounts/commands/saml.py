from __future__ import annotations

from typing import Annotated

from django.db.models import QuerySet

from accounts.caller import Caller
from accounts.models import SamlAuthorization, User
from accounts.saml import providers, signing_in
from core.commands import ADMIN, DOMAIN_ADMIN, Filter, Operate, Read, command, listing
from core.responses import SUCCESS, Response, flag, number, text

authorization_response = Response(
    "samlauthorization",
    SamlAuthorization,
    (
        text("id", "uuid"),
        text("userid", "user__uuid"),
        text("idpid", "entity_id"),
        flag("status", "enabled"),
        text("username", "user__username"),
        text("domain", "user__domain__name_path"),
    ),
)
refreshed_response = Response("idps", fields=(number("total"),))


@command(roles=DOMAIN_ADMIN, event="USER.UPDATE", response=SUCCESS)
def authorizeSamlSso(
    caller: Caller,
    userid: Annotated[User, Operate, "The user"],
    enable: Annotated[bool, "Whether the user may sign in by SAML"],
    entityid: Annotated[str | None, "By this identity provider only"] = None,
) -> None:
    """Lets a user sign in by SAML, or no longer: sessions that came of it end then."""
    signing_in.authorise(userid, enable, entityid or "")


@listing(
    SamlAuthorization, response=authorization_response, roles=DOMAIN_ADMIN,
    keyword=("user__username",), scoped=False,
)  # fmt: skip
def listSamlAuthorization(
    caller: Caller,
    rows: QuerySet,
    userid: Annotated[User | None, Read, Filter("user"), "Only this user's"] = None,
) -> QuerySet:
    """Lists who may sign in by SAML."""
    return rows


@command(
    roles=ADMIN, event="SAML.IDP.REFRESH", response=refreshed_response, own_transactions=True
)
def refreshIdps(caller: Caller) -> dict[str, int]:
    """Reads the identity providers' metadata anew, and says how many there are. (A command of
    cloudportal's own.)"""
    return {"total": providers.refresh()}
