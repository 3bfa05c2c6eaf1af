from accounts.commands import accounts, domains, keys, limits, permissions, roles, tags, users

__all__ = ["accounts", "domains", "keys", "limits", "permissions", "roles", "tags", "users"]
