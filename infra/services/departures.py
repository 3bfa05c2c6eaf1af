"""What an account or a domain that goes had of the house's: settings and preferences."""

from __future__ import annotations

from accounts import cleaning
from accounts.models import Account, Domain
from core.config import Scope
from infra.models import ConfigurationValue, DefaultZone
from infra.services import configuration


@cleaning.forgetter
def let_go(holder: Account | Domain) -> None:
    scope = Scope.DOMAIN if isinstance(holder, Domain) else Scope.ACCOUNT
    if ConfigurationValue.objects.filter(scope=scope, holder=holder.pk).delete()[0]:
        configuration.forget()
    if isinstance(holder, Account):
        DefaultZone.objects.filter(account=holder).delete()
