"""The kinds of things of this context."""

from accounts.models import Account, Domain, Project, User
from accounts.pinned.types import register

register("Account", Account)
register("Domain", Domain)
register("Project", Project)
register("User", User)
