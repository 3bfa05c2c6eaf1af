"""Deciding that accounts, domains and users go, or come to rest; the plans do the rest."""

from __future__ import annotations

from django.db import transaction

from accounts import cleaning, jobs
from accounts.caller import Caller
from accounts.models import Account, Domain, User
from accounts.services import accounts, domains, project_members, sessions, users
from core.errors import InUse, PermissionDenied
from core.steps import Plan


@transaction.atomic
def disable_user(caller: Caller, user: User) -> Plan:
    users.check_not_self(caller, user, "disable")
    users.set_state(user, "disabled")
    return Plan(jobs.disable_user, user)


@transaction.atomic
def disable_account(caller: Caller, account: Account, *, lock: bool) -> Plan:
    """A locked account keeps its machines running; a disabled one comes to rest."""
    accounts.check_not_own(caller, account, "lock" if lock else "disable")
    accounts.set_state(account, "locked" if lock else "disabled")
    if lock:
        return Plan(jobs.lock_account, account)
    return Plan(jobs.disable_account, account)


@transaction.atomic
def delete_account(caller: Caller, account: Account) -> Plan:
    """The account is closed at once and gone when all it had is.

    Raises InUse when it has something that nothing here can remove.
    """
    _check_deletable(caller, account)
    accounts.set_state(account, "disabled")
    return Plan(jobs.delete_account, account)


def delete_again(account: Account) -> Plan:
    """What an earlier try did not get through."""
    return Plan(jobs.delete_account, account)


def _check_deletable(caller: Caller, account: Account) -> None:
    accounts.check_not_own(caller, account, "delete")
    if account.is_default:
        raise PermissionDenied(f"Account {account.name} came with the cloud and stays.")
    project_members.check_replaceable(account)
    left = cleaning.left_in(account, besides=cleaning.cleaned())
    if left:
        raise InUse(f"Account {account.name} still has {left}; remove these first.")


@transaction.atomic
def delete_domain(caller: Caller, domain: Domain, *, cleanup: bool) -> Plan:
    """Closed at once with all below it. Without ``cleanup`` it must be empty."""
    if domain.is_root:
        raise PermissionDenied("The ROOT domain cannot be deleted.")
    if cleanup:
        _close_all_in(caller, domain)
    else:
        domains.check_empty(domain)
    Domain.objects.within(domain).update(state="Inactive")
    return Plan(jobs.delete_domain, domain)


def _close_all_in(caller: Caller, domain: Domain) -> None:
    """However many accounts there are, the same few queries."""
    if caller.domain.path.startswith(domain.path):
        raise PermissionDenied("You cannot delete the domain that you are in.")
    below = Account.objects.filter(domain__in=Domain.objects.within(domain))
    stays = below.filter(is_default=True).first()
    if stays is not None:
        raise PermissionDenied(f"Account {stays.name} came with the cloud and stays.")
    left = cleaning.left_in(*below.only("pk"), besides=cleaning.cleaned())
    if left:
        raise InUse(f"The accounts of domain {domain} still have {left}; remove these first.")
    sessions.end_all(*User.objects.filter(account__in=below))
