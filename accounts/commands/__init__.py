from accounts.commands import (
    accounts,
    domains,
    keys,
    limits,
    permissions,
    roles,
    sessions,
    tags,
    two_factor,
    users,
)

__all__ = [
    "accounts",
    "domains",
    "keys",
    "limits",
    "permissions",
    "roles",
    "sessions",
    "tags",
    "two_factor",
    "users",
]
