from __future__ import annotations

from typing import Annotated, Any

from accounts import quota_responses as responses
from accounts.caller import Caller
from accounts.models import Account, Domain, Project
from accounts.resources import FACTS, Resource
from accounts.services import limits, quotas, recounting
from accounts.services.scoping import named
from core.commands import DOMAIN_ADMIN, USER, Length, Read, Use, command
from core.errors import InvalidParameter

_TAG_HELP = "Only what offerings with this host or storage tag use"


@command(roles=USER, response=responses.resourcelimit, paged=True)
def listResourceLimits(
    caller: Caller,
    resourcetype: Annotated[int | None, "Only this type, by CloudStack's number"] = None,
    resourcetypename: Annotated[str | None, "Only this type, by name; wins over the number"] = None,
    account: Annotated[str | None, "Those of this account; goes with domainid"] = None,
    domainid: Annotated[Domain | None, Read, "Those of this domain, or of account in it"] = None,
    projectid: Annotated[Project | None, Read, "Those of this project"] = None,
    tag: Annotated[str | None, Length(64), _TAG_HELP] = None,
) -> list[dict[str, Any]]:
    """Lists the limits in force: the caller's, an account's, a project's or a domain's."""
    holder: Account | Domain = caller.account
    if projectid is not None:
        holder = projectid.account
    elif account:
        holder = named(caller, account, domainid)
    elif domainid is not None:
        holder = domainid
    wanted = None if tag is None else tag.strip().lower()
    return responses.limits_of(holder, _resource(resourcetype, resourcetypename), wanted)


@command(roles=DOMAIN_ADMIN, event="RESOURCE.LIMIT.UPDATE", response=responses.resourcelimit)
def updateResourceLimit(
    caller: Caller,
    resourcetype: Annotated[int, "The type, by CloudStack's number"],
    account: Annotated[str | None, "Of this account; goes with domainid"] = None,
    domainid: Annotated[Domain | None, Use, "Of this domain, or of account in it"] = None,
    max: Annotated[int | None, "The new limit (GiB for storage, MiB for memory); -1: none"] = None,
    projectid: Annotated[Project | None, Use, "Of this project"] = None,
    tag: Annotated[str | None, Length(64), _TAG_HELP] = None,
) -> dict[str, Any]:
    """Sets how much of something an account, a project or a domain may have."""
    resource = _resource(resourcetype, None)
    holder = quotas.holder(caller, account, domainid, projectid)
    maximum = limits.UNLIMITED if max is None else max
    wanted = quotas.set_limit(holder, resource, maximum, tag or "")
    shown = responses.limits_of(holder, resource, wanted)[0]
    note = quotas.note_of(holder, resource, maximum, wanted)
    return {**shown, **({"note": note} if note else {})}


@command(roles=DOMAIN_ADMIN, response=responses.resourcecount)
def updateResourceCount(
    caller: Caller,
    domainid: Annotated[Domain, Read, "Of this domain and all below it, or of account in it"],
    account: Annotated[str | None, "Only of this account"] = None,
    resourcetype: Annotated[int | None, "Only this type, by CloudStack's number"] = None,
    projectid: Annotated[Project | None, Read, "Only of this project"] = None,
    tag: Annotated[str | None, Length(64), _TAG_HELP] = None,
) -> list[dict[str, Any]]:
    """Counts anew what accounts, projects and domains use, and mends what was wrong."""
    only = _resource(resourcetype, None)
    holder: Account | None = named(caller, account, domainid) if account else None
    if projectid is not None:
        holder = projectid.account
    wanted = None if tag is None else tag.strip().lower()
    recounting.recount(domainid if holder is None else holder.domain, holder, only, wanted)
    return responses.counts_of(holder or domainid, only, wanted)


def _resource(number: int | None, name: str | None) -> Resource | None:
    if name:
        for resource, facts in FACTS.items():
            if facts.wire == name.strip().lower():
                return resource
        raise InvalidParameter(f"There is no resource type {name}.")
    if number is None:
        return None
    try:
        return Resource(number)
    except ValueError:
        raise InvalidParameter(f"There is no resource type {number}.") from None
