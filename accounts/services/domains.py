"""The tree of domains. Whoever changes its shape holds ROOT's row, so that two changes at
once cannot leave a path that fits neither."""

from __future__ import annotations

import uuid as uuids

from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Concat, Substr

from accounts.models import Account, Domain
from accounts.services import recounting
from core import live
from core.errors import InUse, InvalidParameter, NotAllowedInState, PermissionDenied

_DEEPEST_PATH = 255


@transaction.atomic
def create(
    name: str,
    parent: Domain,
    *,
    network_domain: str = "",
    uuid: uuids.UUID | None = None,
) -> Domain:
    _hold_tree()
    parent.refresh_from_db()
    if parent.state != "Active":
        raise NotAllowedInState(f"Domain {parent.name_path} is being deleted.")
    _check_name(name, parent)
    domain = Domain(
        name=name,
        parent=parent,
        level=parent.level + 1,
        path="",
        name_path=_joined(parent, name),
        network_domain=network_domain,
    )
    if uuid is not None:
        _check_uuid(uuid)
        domain.uuid = uuid
    domain.save()
    domain.path = f"{parent.path}{domain.pk}/"
    if len(domain.path) > _DEEPEST_PATH:
        raise InvalidParameter(f"Domain {parent.name_path} is nested too deeply for another.")
    domain.save(update_fields=["path"])
    live.changed(domain)
    return domain


@transaction.atomic
def update(
    domain: Domain, *, name: str | None = None, network_domain: str | None = None
) -> Domain:
    if name is not None and name != domain.name:
        _rename(domain, name)
    if network_domain is not None:
        domain.network_domain = network_domain
        domain.save(update_fields=["network_domain"])
    live.changed(domain)
    return domain


def _rename(domain: Domain, name: str) -> None:
    _hold_tree()
    domain.refresh_from_db()
    if domain.is_root:
        raise PermissionDenied("The ROOT domain keeps its name.")
    _check_name(name, domain.parent, domain)
    _repath(domain, domain.parent, name)


@transaction.atomic
def move(domain: Domain, parent: Domain) -> Domain:
    """Hang a domain, with all below it, under another; what it uses counts there from now on."""
    _hold_tree()
    domain.refresh_from_db()
    parent.refresh_from_db()
    if domain.is_root:
        raise PermissionDenied("The ROOT domain cannot be moved.")
    if parent.path.startswith(domain.path):
        raise InvalidParameter(f"Domain {domain.name_path} cannot be moved below itself.")
    if parent.pk == domain.parent_id:
        raise InvalidParameter(f"Domain {domain.name_path} is below {parent.name_path} already.")
    _check_name(domain.name, parent, domain)
    old = domain.parent.ancestor_ids
    recounting.move_domain(domain, old, parent.ancestor_ids)
    _repath(domain, parent, domain.name)
    live.changed(domain)
    return domain


def _repath(domain: Domain, parent: Domain, name: str) -> None:
    """Give the domain and everything below it their new paths, in one statement."""
    path, name_path = f"{parent.path}{domain.pk}/", _joined(parent, name)
    Domain.everything.filter(pk=domain.pk).update(name=name, parent=parent)
    Domain.everything.within(domain).update(
        level=F("level") + parent.level + 1 - domain.level,
        path=Concat(Value(path), Substr("path", len(domain.path) + 1)),
        name_path=Concat(Value(name_path), Substr("name_path", len(domain.name_path) + 1)),
    )
    domain.refresh_from_db()


def check_empty(domain: Domain) -> None:
    """Raises InUse that names what a domain still holds."""
    children = Domain.objects.filter(parent=domain).values_list("name", flat=True)
    accounts = Account.objects.filter(domain=domain).values_list("name", flat=True)
    left = [*(f"domain {n}" for n in children), *(f"account {n}" for n in accounts)]
    if left:
        shown = ", ".join(left[:5]) + (f" and {len(left) - 5} more" if len(left) > 5 else "")
        raise InUse(
            f"Domain {domain.name_path} still has {shown}. Remove these first, or delete it "
            "with cleanup=true."
        )


def _hold_tree() -> None:
    Domain.objects.select_for_update().get(level=0)


def _joined(parent: Domain, name: str) -> str:
    joined = f"{parent.name_path}/{name}"
    if len(joined) > 2000:
        raise InvalidParameter("The names from ROOT down to this domain are too long together.")
    return joined


def _check_name(name: str, parent: Domain, domain: Domain | None = None) -> None:
    if not name.strip() or "/" in name:
        raise InvalidParameter("A domain needs a name, and a name has no slash in it.")
    twins = Domain.objects.filter(parent=parent, name__iexact=name)
    if twins.exclude(pk=domain.pk if domain else None).exists():
        raise InvalidParameter(f"Domain {parent.name_path} has a domain {name} already.")


def _check_uuid(uuid: uuids.UUID) -> None:
    if Domain.everything.filter(uuid=uuid).exists():
        raise InvalidParameter(f"The id {uuid} is taken.")
