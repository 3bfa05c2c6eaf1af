"""Keeping a zone, pod, cluster or host for one domain or account, and giving it back."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.models import Account, Domain
from accounts.querysets import in_subtree
from compute.models import AffinityGroup, DedicatedResource, VirtualMachine
from compute.models.dedication import Place
from compute.models.groups import DEDICATED
from core import live
from core.errors import InUse, InvalidParameter
from core.locking import locked
from infra.models import Zone

_SHOWN = 5


@transaction.atomic
def dedicate(place: Place, domain: Domain, account: Account | None) -> DedicatedResource:
    """From now on machines of the new affinity group alone are placed there.

    Raises InvalidParameter when the place, or one around or inside it, is kept for others, and
    InUse when machines of others run there.
    """
    if domain.level == 0 and account is None:
        raise InvalidParameter("Domain ROOT is everybody; name one of its accounts, or a domain.")
    # Dedications around and inside each other are made one after the other.
    zone = locked(_zone(place))
    _refuse_dedicated(place, domain, account)
    _refuse_strangers(place, domain, account)
    row = DedicatedResource.objects.create(
        zone=zone,
        place_uuid=place.uuid,
        domain=domain,
        account=account,
        group=_group(domain, account),
        **({} if isinstance(place, Zone) else {_kind(place): place}),
    )
    if isinstance(place, Zone):
        _close_zone(zone, domain)
    live.changed(place)
    return row


@transaction.atomic
def release(place: Place) -> DedicatedResource:
    """The place takes everybody's machines again; those that run there stay.

    Raises InvalidParameter when it is not dedicated.
    """
    locked(_zone(place))
    row = DedicatedResource.objects.filter(place_uuid=place.uuid).first()
    if row is None:
        raise InvalidParameter(f"{_words(place).capitalize()} is not dedicated.")
    _end(row)
    return row


def release_all_of(holder: Account | Domain) -> None:
    """Of an account; or of a domain, its accounts' apart."""
    if isinstance(holder, Domain):
        mine = DedicatedResource.objects.filter(domain=holder, account=None)
    else:
        mine = DedicatedResource.objects.filter(account=holder)
    for row in mine:
        _end(row)


def _end(row: DedicatedResource) -> None:
    place = row.place
    row.remove()
    if isinstance(place, Zone) and place.domain_id == row.domain_id:
        place.domain = None
        place.save(update_fields=["domain"])
    if not DedicatedResource.objects.filter(group=row.group_id).exists():
        row.group.machines.clear()
        row.group.remove()
    live.changed(place)


def _refuse_dedicated(place: Place, domain: Domain, account: Account | None) -> None:
    own = DedicatedResource.objects.filter(place_uuid=place.uuid).first()
    if own is not None:
        raise InvalidParameter(
            f"{_words(place).capitalize()} is dedicated to {own.holder} already; release it first."
        )
    for row in _around(place):
        if not row.covers(domain, account):
            raise InvalidParameter(
                f"{_words(row.place).capitalize()}, which holds {_words(place)}, is dedicated "
                f"to {row.holder}."
            )
    for row in _inside(place):
        belongs = row.account_id == account.pk if account else _is_below(row.domain, domain)
        if not belongs:
            raise InvalidParameter(
                f"{_words(row.place).capitalize()}, which is in {_words(place)}, is dedicated "
                f"to {row.holder}; release it first."
            )


def _around(place: Place) -> QuerySet[DedicatedResource]:
    if isinstance(place, Zone):
        return DedicatedResource.objects.none()
    keys = [_zone(place).uuid]
    for kind in ("pod", "cluster"):
        holder = getattr(place, kind, None)
        if holder is not None:
            keys.append(holder.uuid)
    return DedicatedResource.objects.filter(place_uuid__in=keys)


def _inside(place: Place) -> QuerySet[DedicatedResource]:
    if isinstance(place, Zone):
        return DedicatedResource.objects.filter(zone=place).exclude(place_uuid=place.uuid)
    kind = _kind(place)
    if kind == "host":
        return DedicatedResource.objects.none()
    inner = Q(**{f"host__{kind}": place})
    if kind == "pod":
        inner |= Q(cluster__pod=place)
    return DedicatedResource.objects.filter(inner)


def _refuse_strangers(place: Place, domain: Domain, account: Account | None) -> None:
    path = "host" if _kind(place) == "host" else f"host__{_kind(place)}"
    there = VirtualMachine.objects.filter(**{path: place})
    mine = Q(account=account) if account else in_subtree(domain, "account__domain")
    others = list(there.exclude(mine).order_by("pk")[: _SHOWN + 1])
    if others:
        shown = ", ".join(str(vm) for vm in others[:_SHOWN])
        more = " and more" if len(others) > _SHOWN else ""
        raise InUse(
            f"{_words(place).capitalize()} cannot be dedicated: virtual machines of others run "
            f"there ({shown}{more}); stop or move these first."
        )


def _group(domain: Domain, account: Account | None) -> AffinityGroup:
    """The one group of all that is dedicated to the same holder."""
    if account is not None:
        owner, within, name = account, None, f"DedicatedGrp-{account.name}"
    else:
        owner, within = Account.objects.get(name="system", domain__level=0), domain
        name = f"DedicatedGrp-domain-{domain.name}"
    found = AffinityGroup.objects.filter(account=owner, domain=within, type=DEDICATED).first()
    if found is not None:
        return found
    if AffinityGroup.objects.filter(account=owner, name=name).exists():
        name = f"{name}-{domain.uuid}"
    return AffinityGroup.objects.create(
        account=owner, domain=within, type=DEDICATED, name=name[:255],
        description="Machines that use what is dedicated to their owner",
    )  # fmt: skip


def _close_zone(zone: Zone, domain: Domain) -> None:
    """Others no longer see the zone."""
    if zone.domain_id is None and domain.level:
        zone.domain = domain
        zone.save(update_fields=["domain"])
        live.changed(zone)


def _is_below(domain: Domain, other: Domain) -> bool:
    return domain.path.startswith(other.path)


def _zone(place: Place) -> Zone:
    return place if isinstance(place, Zone) else place.zone


def _kind(place: Place) -> str:
    return type(place).__name__.lower()


def _words(place: Place) -> str:
    return f"{_kind(place)} {place}"
