"""Tags on anything that has a uuid and a place in the tenants' tree."""

from __future__ import annotations

import uuid as uuids
from collections.abc import Sequence
from typing import Any

from django.db import models

from accounts.caller import Caller
from accounts.models import Account, Domain, User
from compute.models import (
    AffinityGroup,
    InstanceGroup,
    Nic,
    ResourceTag,
    ServiceOffering,
    SshKeyPair,
    UserData,
    VirtualMachine,
)
from core import live
from core.errors import InvalidParameter, NoSuchObject
from infra.models import Cluster, Host, OsCategory, OsType, Pod, Zone
from network.models import Network, NetworkOffering, Router
from storage.models import DiskOffering, ImageStore, Snapshot, StoragePool, Template, Volume

#: CloudStack's resource types (and a few it lacks), each with what it names.
TYPES: dict[str, type[models.Model]] = {
    "UserVm": VirtualMachine,
    "Template": Template,
    "ISO": Template,
    "Volume": Volume,
    "Snapshot": Snapshot,
    "Network": Network,
    "Nic": Nic,
    "DomainRouter": Router,
    "Account": Account,
    "User": User,
    "Domain": Domain,
    "Zone": Zone,
    "Pod": Pod,
    "Cluster": Cluster,
    "Host": Host,
    "Storage": StoragePool,
    "ImageStore": ImageStore,
    "ServiceOffering": ServiceOffering,
    "DiskOffering": DiskOffering,
    "NetworkOffering": NetworkOffering,
    "GuestOs": OsType,
    "GuestOsCategory": OsCategory,
    "AffinityGroup": AffinityGroup,
    "InstanceGroup": InstanceGroup,
    "SSHKeyPair": SshKeyPair,
    "UserData": UserData,
}
_ALIASES = {"virtualmachine": "UserVm", "instance": "UserVm", "storagepool": "Storage"}
_MOST = 50  # tags on one thing


def kind_of(text: str) -> str:
    """The resource type in its own spelling. Raises InvalidParameter."""
    wanted = text.strip().lower()
    for name in TYPES:
        if name.lower() == wanted:
            return name
    if wanted in _ALIASES:
        return _ALIASES[wanted]
    raise InvalidParameter(f"“{text}” is not a resource type; use one of {', '.join(TYPES)}.")


def uuid_of(text: str) -> uuids.UUID | None:
    try:
        return uuids.UUID(text)
    except ValueError:
        return None


def things(caller: Caller, command: str, kind: str, ids: Sequence[str]) -> list[models.Model]:
    """Rows that the caller may change; someone else's look missing."""
    model: Any = TYPES[kind]
    found = []
    for text in dict.fromkeys(ids):
        wanted = uuid_of(text)
        if wanted is None:
            raise NoSuchObject(command, "resourceids", text)
        rows = model._default_manager.all().operable_by(caller).filter(uuid=wanted)
        if model is Template:
            rows = rows.filter(kind="ISO" if kind == "ISO" else "TEMPLATE")
        row = rows.first()
        if row is None:
            raise NoSuchObject(command, "resourceids", text)
        found.append(row)
    if not found:
        raise InvalidParameter("Give resourceids: the things the tags are about.")
    return found


def create(
    caller: Caller,
    kind: str,
    rows: Sequence[models.Model],
    tags: Sequence[dict[str, str]],
    customer: str = "",
) -> None:
    """Raises InvalidParameter for a key that a thing has already."""
    pairs = _pairs(tags)
    if not pairs:
        raise InvalidParameter("Give tags: at least one key.")
    for row in rows:
        have = set(
            ResourceTag.objects.filter(resource_uuid=row.uuid).values_list("key", flat=True)
        )
        for key in pairs:
            if key in have:
                raise InvalidParameter(f"{row} has a tag {key} already; delete that first.")
        if len(have) + len(pairs) > _MOST:
            raise InvalidParameter(f"{row} would have more than {_MOST} tags.")
        ResourceTag.objects.bulk_create(
            ResourceTag(
                account=_owner(caller, row),
                resource_type=kind,
                resource_uuid=row.uuid,
                key=key,
                value=value,
                customer=customer,
            )
            for key, value in pairs.items()
        )
        live.changed(row)


def delete(
    kind: str, rows: Sequence[models.Model], tags: Sequence[dict[str, str]] | None
) -> None:
    """Those of these keys (and values, where given), or all."""
    found = ResourceTag.objects.filter(
        resource_type=kind, resource_uuid__in=[row.uuid for row in rows]
    )
    if tags:
        chosen = models.Q()
        for tag in tags:
            low = {k.lower(): v for k, v in tag.items()}
            one = models.Q(key=low.get("key", ""))
            if low.get("value"):
                one &= models.Q(value=low["value"])
            chosen |= one
        found = found.filter(chosen)
    if not found.delete()[0]:
        raise InvalidParameter("None of these tags is there.")
    for row in rows:
        live.changed(row)


def copy(source: models.Model, target: VirtualMachine) -> None:
    tags = ResourceTag.objects.filter(resource_uuid=source.uuid)
    ResourceTag.objects.bulk_create(
        ResourceTag(
            account=target.account, resource_type="UserVm", resource_uuid=target.uuid,
            key=tag.key, value=tag.value,
        )
        for tag in tags
    )  # fmt: skip


def matching(kind: str, tags: Sequence[dict[str, str]]) -> list[models.QuerySet]:
    """For each tag of a list's filter, the uuids of the things that have it."""
    found = []
    for tag in tags:
        low = {k.lower(): v for k, v in tag.items()}
        if not low.get("key"):
            raise InvalidParameter("A tag to look for needs a key: tags[0].key=…")
        rows = ResourceTag.objects.filter(resource_type=kind, key=low["key"])
        if "value" in low:
            rows = rows.filter(value=low["value"])
        found.append(rows.values("resource_uuid"))
    return found


def _pairs(tags: Sequence[dict[str, str]]) -> dict[str, str]:
    pairs = {}
    for tag in tags:
        low = {k.lower(): str(v) for k, v in tag.items()}
        key = low.get("key", "").strip()
        if not key or len(key) > 255 or len(low.get("value", "")) > 255:
            raise InvalidParameter(
                "Each tag needs a key, and key and value are at most 255 characters long: "
                "tags[0].key=env&tags[0].value=prod"
            )
        if key in pairs:
            raise InvalidParameter(f"Tag {key} is given twice.")
        pairs[key] = low.get("value", "")
    return pairs


def _owner(caller: Caller, row: models.Model) -> Account:
    if isinstance(row, Account):
        return row
    path = getattr(type(row), "OWNER", "")
    owner: Any = row
    for part in path.split("__") if path else ():
        owner = getattr(owner, part)
    return owner if isinstance(owner, Account) else caller.account
