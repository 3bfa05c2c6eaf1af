"""Setting limits: whose, by whom, and within what the domain above has."""

from __future__ import annotations

from accounts.caller import Caller
from accounts.models import Account, Domain, Project
from accounts.resources import FACTS, Resource, limited_tags, tagged_with
from accounts.services import limits
from accounts.services.scoping import operable
from core.errors import InvalidParameter, PermissionDenied


def holder(
    caller: Caller, account: str | None, domain: Domain | None, project: Project | None = None
) -> Account | Domain:
    """The project's account, the account named, else the domain: one below the caller's own
    (rule R2)."""
    if project is not None:
        return _of_project(caller, project, account)
    if account:
        return operable(caller, account, domain)
    if domain is None:
        raise InvalidParameter("Say whose limit: give domainid, or account and domainid.")
    if not Domain.objects.all().operable_by(caller).filter(pk=domain.pk).exists():
        raise PermissionDenied("Nobody sets the limits of its own domain.")
    return domain


def _of_project(caller: Caller, project: Project, account: str | None) -> Account:
    if account:
        raise InvalidParameter("Parameters account and projectid exclude each other.")
    if not Domain.objects.all().visible_to(caller).filter(pk=project.domain_id).exists():
        raise PermissionDenied(
            f"Project {project.name} is in a domain that is not yours; "
            "its administrators set the limits there."
        )
    return project.account


def set_limit(of: Account | Domain, resource: Resource, maximum: int, tag: str = "") -> str:
    """``maximum`` in the limit's unit; -1 lifts it as far as the domains above allow. Returns
    the tag as it is counted."""
    tag = _checked(resource, tag)
    if maximum < limits.UNLIMITED:
        raise InvalidParameter("A limit is a number from 0, or -1 for none.")
    above = of.parent if isinstance(of, Domain) else of.domain
    if above is None:
        raise PermissionDenied("The ROOT domain has no limits.")
    plain = limits.limits_of_domains([(above.pk, above.level)])
    tagged = limits.tagged_limits("domain", plain)[above.pk] if tag else {}
    ceiling = tagged[resource, tag] if tag else plain[above.pk][resource]
    if ceiling != limits.UNLIMITED and maximum > ceiling:
        raise InvalidParameter(
            f"Domain {above.name_path} may have {ceiling} {FACTS[resource].words} itself; "
            f"the limit cannot be {maximum}."
        )
    limits.set_limit(of, resource, maximum, tag)
    return tag


def _checked(resource: Resource, tag: str) -> str:
    tag = tag.strip().lower()
    if tag and tag not in limited_tags(resource):
        setting = tagged_with(resource)
        if setting is None:
            raise InvalidParameter(f"The limit of {FACTS[resource].words} is not divided by tags.")
        raise InvalidParameter(
            f"Tag {tag} has no limits of its own; name it in {setting.name} first."
        )
    return tag


def note_of(of: Account | Domain, resource: Resource, maximum: int, tag: str) -> str:
    """What a limit below what is in use means; empty for one that is not."""
    ask = limits.used_by_domains if isinstance(of, Domain) else limits.used_by_accounts
    used = ask([of.pk], tag).get(of.pk, {}).get(resource, 0)
    facts = FACTS[resource]
    if maximum == limits.UNLIMITED or used <= maximum * facts.unit:
        return ""
    whose = f"Domain {of.name_path}" if isinstance(of, Domain) else limits.account_words(of)
    return (
        f"{whose} has {facts.show(used)} of {facts.things} already, more than the new limit. "
        "What is there stays; nothing is added until enough of it is gone."
    )
