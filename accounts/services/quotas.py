"""Setting limits: whose, by whom, and within what the domain above has."""

from __future__ import annotations

from accounts.caller import Caller
from accounts.models import Account, Domain
from accounts.resources import FACTS, Resource
from accounts.services import limits
from accounts.services.scoping import operable
from core.errors import InvalidParameter, PermissionDenied


def holder(caller: Caller, account: str | None, domain: Domain | None) -> Account | Domain:
    """The account named, else the domain: one below the caller's own (rule R2)."""
    if account:
        return operable(caller, account, domain)
    if domain is None:
        raise InvalidParameter("Say whose limit: give domainid, or account and domainid.")
    if not Domain.objects.all().operable_by(caller).filter(pk=domain.pk).exists():
        raise PermissionDenied("Nobody sets the limits of its own domain.")
    return domain


def set_limit(caller: Caller, of: Account | Domain, resource: Resource, maximum: int) -> None:
    """``maximum`` in the limit's unit; -1 lifts it as far as the domains above allow."""
    if maximum < limits.UNLIMITED:
        raise InvalidParameter("A limit is a number from 0, or -1 for none.")
    above = of.parent if isinstance(of, Domain) else of.domain
    if above is None:
        raise PermissionDenied("The ROOT domain has no limits.")
    ceiling = limits.limits_of_domains([(above.pk, above.level)])[above.pk][resource]
    if ceiling != limits.UNLIMITED and maximum > ceiling:
        raise InvalidParameter(
            f"Domain {above.name_path} may have {ceiling} {FACTS[resource].words} itself; "
            f"the limit cannot be {maximum}."
        )
    limits.set_limit(of, resource, maximum)
