"""Plans over accounts and domains: what takes other contexts' work to finish."""

from __future__ import annotations

from django.db import transaction

from accounts import cleaning
from accounts.models import Account, Domain, User
from accounts.services import keys, sessions
from core.errors import CloudError, InUse
from core.steps import Later, Run, Step, plan

_LOOK_AGAIN_S = 0.5


@plan(cancellable=False)
def disable_user(user: User) -> list[Step]:
    return [Step(end_sessions_of_user)]


def end_sessions_of_user(user: User) -> None:
    sessions.end_all(user)


@plan(cancellable=False)
def lock_account(account: Account) -> list[Step]:
    return [Step(end_sessions_of_account)]


def end_sessions_of_account(account: Account) -> None:
    sessions.end_all(*account.users.all())


@plan(cancellable=False)
def disable_account(account: Account) -> list[Step]:
    return [Step(stop_what_it_runs, label="stop what the account runs")]


def stop_what_it_runs(account: Account, run: Run) -> None:
    _until_done(cleaning.STOPPERS, account, run)


@plan(cancellable=False)
def delete_account(account: Account) -> list[Step]:
    return [
        Step(remove_what_it_has, undo=keep_for_cleanup, label="remove what the account has"),
        Step(forget_account, label="remove the account"),
    ]


def remove_what_it_has(account: Account, run: Run) -> None:
    _until_done(cleaning.CLEANERS, account, run)
    left = cleaning.left_in(account)
    if left:
        raise InUse(f"Account {account.name} still has {left}; it was not deleted.")


def keep_for_cleanup(account: Account) -> None:
    """The account stays closed: half of what it had is gone."""
    Account.objects.filter(pk=account.pk).update(cleanup_needed=True)


def forget_account(account: Account) -> None:
    """Its users with it; harmless when it is gone already."""
    with transaction.atomic():
        account = Account.everything.select_for_update().get(pk=account.pk)
        if account.removed is not None:
            return
        for user in account.users.filter(removed=None):
            keys.delete(user)
            sessions.end_all(user)
            user.remove(state="disabled")
        account.remove(state="removed", cleanup_needed=False)


@plan(cancellable=False)
def delete_domain(domain: Domain) -> list[Step]:
    return [
        Step(empty_accounts_below, undo=open_domains_again, label="empty the accounts in it"),
        Step(forget_domains, label="remove the domain"),
    ]


def empty_accounts_below(domain: Domain, run: Run) -> None:
    accounts = Account.objects.filter(domain__in=Domain.objects.within(domain))
    for account in accounts.order_by("-domain__level", "pk"):
        try:
            remove_what_it_has(account, run)
        except CloudError:
            keep_for_cleanup(account)
            raise
        forget_account(account)


def open_domains_again(domain: Domain) -> None:
    """What is left of the subtree may be used again; accounts that are gone stay gone."""
    Domain.objects.within(domain).update(state="Active")


def forget_domains(domain: Domain) -> None:
    with transaction.atomic():
        late = Account.objects.filter(domain__in=Domain.objects.within(domain)).first()
        if late is not None:
            raise InUse(f"Account {late.name} was made in {late.domain} meanwhile.")
        for below in Domain.objects.within(domain).order_by("-level", "pk"):
            below.remove()


def _until_done(registered: list[cleaning.Registered], account: Account, run: Run) -> None:
    for entry in registered:
        left = entry.function(account, run)
        if left:
            raise Later(_LOOK_AGAIN_S, f"Account {account.name}: {left} {entry.words} to go.")
