from accounts.commands import accounts, domains, keys, limits, permissions, roles, users

__all__ = ["accounts", "domains", "keys", "limits", "permissions", "roles", "users"]
