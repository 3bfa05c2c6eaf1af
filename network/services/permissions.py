"""Letting other accounts use a network; changing it stays its owner's."""

from __future__ import annotations

from collections.abc import Iterable

from accounts.models import Account, Project
from core import live
from core.errors import InvalidParameter
from network.models import Network, NetworkPermission


def named(
    network: Network,
    names: Iterable[str],
    accounts: Iterable[Account],
    projects: Iterable[Project],
) -> list[Account]:
    """Everybody who was named; ``names`` are of accounts in the network's domain."""
    found = [_in_domain_of(network, name) for name in names]
    found += accounts
    found += [project.account for project in projects]
    if not found:
        raise InvalidParameter("Name somebody: accounts, accountids or projectids.")
    return list({a.pk: a for a in found}.values())


def _in_domain_of(network: Network, name: str) -> Account:
    """Neighbours in a domain know each other by name (CloudStack lets them, too)."""
    domain = network.account.domain
    found = Account.objects.filter(domain=domain, name=name, is_project=False).first()
    if found is None:
        raise InvalidParameter(f"There is no account {name} in domain {domain.name_path}.")
    return found


def grant(network: Network, accounts: Iterable[Account]) -> None:
    """Once is enough. Raises InvalidParameter for networks that are not one account's."""
    _check_private(network)
    for account in accounts:
        if account.pk == network.account_id:
            raise InvalidParameter(f"Network {network} is account {account}'s own.")
        NetworkPermission.objects.get_or_create(network=network, account=account)
    live.changed(network)


def revoke(network: Network, accounts: Iterable[Account]) -> None:
    """Machines that are in it stay; no more come."""
    _check_private(network)
    for account in accounts:
        deleted, _ = NetworkPermission.objects.filter(network=network, account=account).delete()
        if not deleted:
            raise InvalidParameter(f"Account {account} has no permission for network {network}.")
    live.changed(network)


def reset(network: Network) -> None:
    _check_private(network)
    NetworkPermission.objects.filter(network=network).delete()
    live.changed(network)


def _check_private(network: Network) -> None:
    if network.acl_type != "Account":
        raise InvalidParameter(
            f"Network {network} is shared with a whole domain; permissions are for an account's "
            "own networks."
        )
