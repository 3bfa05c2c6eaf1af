"""Global settings."""

from __future__ import annotations

import uuid as uuids
from typing import Annotated, Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import QuerySet

from accounts.caller import Caller
from accounts.models import Account, Domain
from accounts.services import sources
from core.commands import ADMIN, DOMAIN_ADMIN, Filter, Length, Operate, command, listing
from core.config import Scope
from core.errors import InvalidParameter, NoSuchObject, PermissionDenied
from core.responses import Cut
from infra.models import Cluster, ConfigurationChange, Zone
from infra.responses import configuration, configurationchange, configurationgroup
from infra.services import configuration as settings
from infra.services import pages, setting_records
from infra.services.setting_groups import place_of

ZoneScope = Annotated[Zone | None, Operate, "The value for this zone"]
ClusterScope = Annotated[Cluster | None, Operate, "The value for this cluster"]
DomainScope = Annotated[Domain | None, Operate, "The value for this domain"]
AccountScope = Annotated[Account | None, Operate, "The value for this account"]
PoolScope = Annotated[str, "The value for this primary storage pool"]
StoreScope = Annotated[str, "The value for this secondary store"]


def _holder(caller: Caller, command_name: str, *rows: Any, pool: str, store: str) -> Any:
    """Whose value is meant: one thing at most, or nothing for the global value."""
    given = [row for row in rows if row is not None]
    for scope, name, uuid in (
        (Scope.STORAGE_POOL, "storageid", pool),
        (Scope.IMAGE_STORE, "imagestoreuuid", store),
    ):
        if uuid:
            given.append(_find(caller, command_name, scope, name, uuid))
    if len(given) > 1:
        raise InvalidParameter("A value belongs to one thing: give one of the ids only.")
    if not given and not caller.is_root_admin:
        raise PermissionDenied("Say whose value: domainid or accountid.")
    return given[0] if given else None


def _find(caller: Caller, command_name: str, scope: Scope, name: str, uuid: str) -> Any:
    model: type[models.Model] | None = settings.HOLDERS.get(scope)
    try:
        row = model and model._default_manager.all().operable_by(caller).filter(uuid=uuid).first()
    except (ValueError, ValidationError):
        row = None
    if row is None:
        raise NoSuchObject(command_name, name, uuid)
    return row


@command(roles=DOMAIN_ADMIN, response=configuration)
def listConfigurations(
    caller: Caller,
    name: Annotated[str, "Only the setting of this name"] = "",
    category: Annotated[str, "Only settings of this category"] = "",
    group: Annotated[str, "Only settings of this group"] = "",
    subgroup: Annotated[str, "Only settings of this subgroup; goes with group"] = "",
    keyword: Annotated[str, "Only settings with this in their name or description"] = "",
    zoneid: ZoneScope = None,
    clusterid: ClusterScope = None,
    domainid: DomainScope = None,
    accountid: AccountScope = None,
    storageid: PoolScope = "",
    imagestoreuuid: StoreScope = "",
    page: Annotated[int | None, "Which page, from 1; goes with pagesize"] = None,
    pagesize: Annotated[int | None, "Settings in a page"] = None,
) -> Cut:
    """Lists settings with the value in force: globally, or for one thing."""
    rows = (zoneid, clusterid, domainid, accountid)
    holder = _holder(caller, "listConfigurations", *rows, pool=storageid, store=imagestoreuuid)
    found = setting_records.records(
        holder,
        only=lambda s: (
            (not name or s.name == name)
            and (not category or s.category.lower() == category.lower())
            and (not group or place_of(s.name)[0].lower() == group.lower())
            and (not subgroup or place_of(s.name)[1].lower() == subgroup.lower())
        ),
    )
    return pages.cut(
        found, keyword=keyword, page=page, pagesize=pagesize, names=("name", "description")
    )


@command(roles=DOMAIN_ADMIN, event="CONFIGURATION.VALUE.EDIT", response=configuration)
def updateConfiguration(
    caller: Caller,
    name: Annotated[str, "The setting to change"],
    value: Annotated[str, Length(4096), "Its value from now on"] = "",
    zoneid: ZoneScope = None,
    clusterid: ClusterScope = None,
    domainid: DomainScope = None,
    accountid: AccountScope = None,
    storageid: PoolScope = "",
    imagestoreuuid: StoreScope = "",
) -> dict:
    """Sets the value of a setting, globally or for one thing."""
    rows = (zoneid, clusterid, domainid, accountid)
    holder = _holder(caller, "updateConfiguration", *rows, pool=storageid, store=imagestoreuuid)
    if settings.setting(name).house and not caller.is_root_admin:
        raise PermissionDenied(f"Only root administrators set {name}.")
    chosen = settings.set_value(name, value, holder, by=caller)
    _refuse_lockout(caller)
    return setting_records.record(chosen, holder)


def _refuse_lockout(caller: Caller) -> None:
    """Whoever changes where calls may come from must still be able to change it back."""
    why = sources.refusal(caller.account, caller.address)
    if why:
        settings.forget()  # what was read here is rolled back
        raise InvalidParameter(f"{why} That would shut you out; name your own network as well.")


@command(roles=ADMIN, event="CONFIGURATION.VALUE.EDIT", response=configuration)
def resetConfiguration(
    caller: Caller,
    name: Annotated[str, "The setting to put back"],
    zoneid: ZoneScope = None,
    clusterid: ClusterScope = None,
    domainid: DomainScope = None,
    accountid: AccountScope = None,
    storageid: PoolScope = "",
    imagestoreid: StoreScope = "",
) -> dict:
    """Puts a setting back to its default, or to the value of the wider scope."""
    rows = (zoneid, clusterid, domainid, accountid)
    holder = _holder(caller, "resetConfiguration", *rows, pool=storageid, store=imagestoreid)
    return setting_records.record(settings.reset(name, holder, by=caller), holder)


@command(roles=ADMIN, response=configurationgroup)
def listConfigurationGroups(
    caller: Caller,
    group: Annotated[str, "Only the group of this name"] = "",
    keyword: Annotated[str, "Only groups with this in their name or description"] = "",
    page: Annotated[int | None, "Which page, from 1; goes with pagesize"] = None,
    pagesize: Annotated[int | None, "Groups in a page"] = None,
) -> Cut:
    """Lists the groups that settings are shown in."""
    found = [g for g in setting_records.groups() if not group or g["name"].lower() == group.lower()]
    return pages.cut(
        found, keyword=keyword, page=page, pagesize=pagesize, names=("name", "description")
    )


@listing(
    ConfigurationChange,
    response=configurationchange,
    roles=DOMAIN_ADMIN,
    keyword=("name", "holder_name"),
    order=("-at", "-pk"),
)
def listConfigurationHistory(
    caller: Caller,
    rows: QuerySet,
    name: Annotated[str | None, Filter("name"), "Only changes of this setting"] = None,
    scope: Annotated[Scope | None, Filter("scope"), "Only changes at this scope"] = None,
    resourceid: Annotated[str, Length(36), "Only changes for this thing, by its id"] = "",
) -> QuerySet:
    """Lists who set what, when, from which value to which; the newest first."""
    if resourceid:
        try:
            return rows.filter(holder_uuid=uuids.UUID(resourceid))
        except ValueError:
            raise InvalidParameter(f"resourceid must be an id, not “{resourceid}”.") from None
    return rows
