from __future__ import annotations

from typing import Annotated, Any

from accounts.caller import Caller
from accounts.models import Role, User
from accounts.services import explaining
from core.commands import USER, Length, Read, command
from core.errors import InvalidParameter
from core.responses import Field, Response

permissioncheck = Response(
    "permissioncheck",
    None,
    (
        Field("name"),
        Field("passed", "boolean"),
        Field("text"),
        Field("rule"),
        Field("rulenumber", "integer"),
        Field("ruleid"),
        Field("roletype"),
        Field("setting"),
    ),
)
permissionexplanation = Response(
    "permissionexplanation",
    None,
    (
        Field("command"),
        Field("isallowed", "boolean"),
        Field("reason"),
        Field("role"),
        Field("roleid"),
        Field("user"),
        Field("userid"),
        Field("check", "list", of=permissioncheck),
    ),
)


@command(roles=USER, response=permissionexplanation)
def explainPermission(
    caller: Caller,
    name: Annotated[str, "The command asked about"],
    roleid: Annotated[Role | None, Read, "Whether this role may use it"] = None,
    userid: Annotated[User | None, Read, "Whether this user may; oneself, without roleid"] = None,
    objectid: Annotated[str, Length(36), "About this very thing, by its id; goes with userid"] = "",
    address: Annotated[str, Length(64), "As if called from this address; goes with userid"] = "",
) -> dict[str, Any]:
    """Says whether a role or a user may use a command, and what decides that."""
    asked = explaining.command_called(name)
    if roleid is not None:
        if userid is not None or objectid or address:
            raise InvalidParameter("A role is asked about alone: leave userid and the rest out.")
        checks = explaining.of_role(roleid, asked)
        about = {"role": roleid.name, "roleid": roleid.uuid}
    else:
        user = userid or caller.user
        if user is None:
            raise InvalidParameter("Say whom you ask about: userid or roleid.")
        user = User.objects.select_related("account__domain", "account__role").get(pk=user.pk)
        thing = explaining.find_thing(caller, asked, objectid) if objectid else None
        checks = explaining.of_user(user, asked, thing=thing, address=address)
        role = user.account.role
        about = {"role": role.name, "roleid": role.uuid, "user": user.username,
                 "userid": user.uuid}  # fmt: skip
    return {"command": asked.name, **about, **_verdict(checks)}


def _verdict(checks: list[explaining.Check]) -> dict[str, Any]:
    hindrance = explaining.decisive(checks)
    decided = hindrance or next(c for c in checks if c.name == "rule")
    return {
        "isallowed": hindrance is None,
        "reason": decided.text,
        "check": [
            {
                "name": c.name,
                "text": c.text,
                **({} if c.passed is None else {"passed": c.passed}),
                **c.more,
            }
            for c in checks
        ],
    }
