"""The kinds of things of this context."""

from accounts.models import Account, Domain, User
from accounts.pinned.types import register

register("Account", Account)
register("Domain", Domain)
register("User", User)
