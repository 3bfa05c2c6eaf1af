"""Limits and counts, as clients know them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from accounts.models import Account, Domain
from accounts.resources import FACTS, Resource, limited_tags
from accounts.services import limits
from core.responses import Field, Response, many
from core.units import gb

_HOLDER = (
    Field("account"),
    Field("project"),
    Field("projectid"),
    Field("domain"),
    Field("domainid"),
    Field("domainpath"),
    Field("resourcetype"),
    Field("resourcetypename"),
    Field("tag"),
)
#: ``note`` is our own: what a limit below what is in use already means.
resourcelimit = Response(
    "resourcelimit", None, (*_HOLDER, Field("max", "long"), Field("note"))
)
resourcecount = Response("resourcecount", None, (*_HOLDER, Field("resourcecount", "long")))

Records = list[dict[str, Any]]


def _held(holder: Account | Domain, resource: int, tag: str) -> dict[str, Any]:
    where = holder if isinstance(holder, Domain) else holder.domain
    return {
        **_named(holder),
        "domain": where.name,
        "domainid": where.uuid,
        "domainpath": where.name_path,
        "resourcetype": str(int(resource)),
        "resourcetypename": FACTS[Resource(resource)].wire,
        **({"tag": tag} if tag else {}),
    }


def _named(holder: Account | Domain) -> dict[str, Any]:
    if isinstance(holder, Domain):
        return {}
    if holder.is_project:
        return {"project": holder.project.name, "projectid": holder.project.uuid}
    return {"account": holder.name}


def limits_of(
    holder: Account | Domain, only: Resource | None = None, tag: str | None = None
) -> Records:
    """Those without a tag, then those of each tag that the settings name; or of ``tag`` alone."""
    if isinstance(holder, Domain):
        plain = limits.limits_of_domains([(holder.pk, holder.level)])[holder.pk]
        tagged = limits.tagged_limits("domain", {holder.pk: plain})[holder.pk]
    else:
        plain = limits.limits_of_account(holder)
        tagged = limits.tagged_limits("account", {holder.pk: plain})[holder.pk]
    found = {**{(r, ""): n for r, n in plain.items()}, **tagged}
    return [
        {**_held(holder, r, t), "max": maximum}
        for (r, t), maximum in found.items()
        if only in (None, r) and tag in (None, t)
    ]


def counts_of(
    holder: Account | Domain, only: Resource | None = None, tag: str | None = None
) -> Records:
    """Bytes for storage, MiB for memory, as they are counted."""
    ask = limits.used_by_domains if isinstance(holder, Domain) else limits.used_by_accounts
    wanted = [r for r in FACTS if only in (None, r)]
    shown: Records = []
    for name in _tags_of(wanted) if tag is None else [tag]:
        used = ask([holder.pk], name).get(holder.pk, {})
        shown += [
            {**_held(holder, r, name), "resourcecount": used.get(r, 0)}
            for r in wanted
            if not name or name in limited_tags(r)
        ]
    return shown


def _tags_of(resources: Iterable[Resource]) -> list[str]:
    """No tag, then each that one of them is limited by."""
    return ["", *dict.fromkeys(tag for r in resources for tag in limited_tags(r))]


# -- by tag, beside what an account or a domain may have in all --------------------------

taggedresource = Response(
    "taggedresource",
    None,
    (
        Field("resourcetype", "integer"),
        Field("resourcetypename"),
        Field("tag"),
        Field("total", "long"),
        Field("limit", "long"),
        Field("available", "long"),
    ),
)


def _tagged_of_accounts(keys: Sequence[int], caller: Any) -> dict[int, Records]:
    tags = _tags_of(FACTS)[1:]
    if not tags:
        return {}
    kinds = Account.everything.filter(pk__in=keys).values_list(*limits.KIND)
    ceilings = limits.tagged_limits("account", limits.limits_of_accounts(kinds))
    return _tagged(ceilings, {t: limits.used_by_accounts(keys, t) for t in tags})


def _tagged_of_domains(keys: Sequence[int], caller: Any) -> dict[int, Records]:
    tags = _tags_of(FACTS)[1:]
    if not tags:
        return {}
    levels = Domain.everything.filter(pk__in=keys).values_list("pk", "level")
    ceilings = limits.tagged_limits("domain", limits.limits_of_domains(levels))
    return _tagged(ceilings, {t: limits.used_by_domains(keys, t) for t in tags})


def _tagged(
    ceilings: dict[int, dict[limits.Key, int]], used: dict[str, dict[int, dict[int, int]]]
) -> dict[int, Records]:
    return {
        key: [
            _line(Resource(r), tag, maximum, used[tag].get(key, {}).get(r, 0))
            for (r, tag), maximum in of.items()
        ]
        for key, of in ceilings.items()
    }


def _line(resource: Resource, tag: str, maximum: int, used: int) -> dict[str, Any]:
    total = used if FACTS[resource].unit == 1 else gb(used)
    free = limits.UNLIMITED if maximum == limits.UNLIMITED else max(maximum - total, 0)
    return {
        "resourcetype": int(resource),
        "resourcetypename": FACTS[resource].wire,
        "tag": tag,
        "total": total,
        "limit": maximum,
        "available": free,
    }


#: In the limit's unit (GiB, MiB), -1 for no limit; there only while tags are limited.
tagged_of_accounts = many("taggedresources", _tagged_of_accounts, taggedresource, group="resource")
tagged_of_domains = many("taggedresources", _tagged_of_domains, taggedresource, group="resource")
