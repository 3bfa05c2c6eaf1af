"""Plans over accounts and domains: what takes other contexts' work to finish."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts import cleaning
from accounts.models import Account, Domain, ResourceCount, ResourceLimit, User
from accounts.services import project_members, sessions, users
from core.errors import InUse
from core.steps import Run, Step, plan


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
    return [
        Step(count_what_runs, label="count what the account runs"),
        Step(stop_what_it_runs, label="stop what the account runs"),
    ]


def only(account: Account) -> QuerySet[Account]:
    return Account.everything.filter(pk=account.pk)


def count_what_runs(account: Account) -> dict[str, int]:
    return cleaning.count(cleaning.STOPPERS, only(account))


def stop_what_it_runs(account: Account, run: Run) -> None:
    counted = run.results.get("count_what_runs", {})
    cleaning.go_on(
        cleaning.STOPPERS, only(account), run, whose=words_of(account), counted=counted
    )


def words_of(account: Account) -> str:
    return f"Project {account.project}" if account.is_project else f"Account {account.name}"


# -- an account goes -----------------------------------------------------------------------


@plan(cancellable=False)
def delete_account(account: Account) -> list[Step]:
    return [
        Step(count_what_it_has, undo=keep_for_cleanup, label="count what the account has"),
        Step(remove_what_it_has, label="remove what the account has"),
        Step(forget_account, label="remove the account"),
    ]


def count_what_it_has(account: Account) -> dict[str, int]:
    return cleaning.count(cleaning.CLEANERS, only(account))


def remove_what_it_has(account: Account, run: Run) -> None:
    counted = run.results.get("count_what_it_has", {})
    cleaning.go_on(
        cleaning.CLEANERS, only(account), run, whose=words_of(account), counted=counted
    )
    left = cleaning.left_in(account)
    if left:
        raise InUse(f"{words_of(account)} still has {left}; it was not deleted.")


def keep_for_cleanup(account: Account) -> None:
    """The account stays closed: half of what it had is gone."""
    Account.objects.filter(pk=account.pk).update(cleanup_needed=True)


def forget_account(account: Account) -> None:
    """Its users, limits and settings with it; harmless when it is gone already."""
    with transaction.atomic():
        account = Account.everything.select_for_update().get(pk=account.pk)
        if account.removed is not None:
            return
        if account.is_project:
            project_members.dissolve(account.project)
        project_members.forget(account)
        for user in account.users.filter(removed=None):
            users.remove(user)
        forget_limits(account)
        cleaning.forget(account)
        account.remove(state="removed", cleanup_needed=False)


def forget_limits(holder: Account | Domain) -> None:
    where = Q(domain=holder) if isinstance(holder, Domain) else Q(account=holder)
    ResourceLimit.objects.filter(where).delete()
    ResourceCount.objects.filter(where).delete()


# -- a domain goes -------------------------------------------------------------------------


@plan(cancellable=False)
def delete_domain(domain: Domain) -> list[Step]:
    return [
        Step(count_what_they_have, undo=open_again, label="count what its accounts have"),
        Step(remove_what_they_have, label="remove what its accounts have"),
        Step(forget_accounts, label="remove its projects and accounts"),
        Step(forget_domains, label="remove the domain"),
    ]


def _below(domain: Domain) -> QuerySet[Account]:
    return Account.objects.filter(domain__in=Domain.objects.within(domain))


def count_what_they_have(domain: Domain) -> dict[str, int]:
    counted = cleaning.count(cleaning.CLEANERS, _below(domain))
    return {**counted, "accounts": _below(domain).count()}


def remove_what_they_have(domain: Domain, run: Run) -> None:
    """All accounts together: many small ones take no longer than a large one."""
    counted = dict(run.results.get("count_what_they_have", {}))
    counted.pop("accounts", None)
    cleaning.go_on(
        cleaning.CLEANERS, _below(domain), run, whose=f"Domain {domain}", counted=counted
    )
    left = cleaning.left_in(*_below(domain).only("pk"))
    if left:
        raise InUse(f"The accounts of domain {domain} still have {left}; it was not deleted.")


def forget_accounts(domain: Domain, run: Run) -> None:
    """Projects before the accounts that administer them."""
    there = run.results.get("count_what_they_have", {}).get("accounts", 0)
    order = ("-is_project", "-domain__level", "pk")
    for number, account in enumerate(_below(domain).order_by(*order), 1):
        forget_account(account)
        share = 100 * number / max(there, number)
        run.progress(min(share, 99), f"{number:,} of {there:,} accounts.")


def open_again(domain: Domain) -> None:
    """What is left of the subtree may be used again; its accounts stay closed, as half of what
    they had is gone, until they or the domain are deleted once more."""
    _below(domain).update(cleanup_needed=True, state="disabled")
    Domain.objects.within(domain).update(state="Active")


def forget_domains(domain: Domain) -> None:
    with transaction.atomic():
        late = _below(domain).first()
        if late is not None:
            raise InUse(f"Account {late.name} was made in {late.domain} meanwhile.")
        for below in Domain.objects.within(domain).order_by("-level", "pk"):
            forget_limits(below)
            cleaning.forget(below)
            below.remove()
