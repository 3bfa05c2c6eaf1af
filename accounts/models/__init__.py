"""Who there is: domains in a tree, accounts in domains, users in accounts, roles over all."""

from accounts.models.entities import Entity, Owned
from accounts.models.limits import ResourceCount, ResourceLimit
from accounts.models.tenants import (
    Account,
    AccountQuerySet,
    Domain,
    DomainQuerySet,
    Role,
    RoleQuerySet,
    RoleRule,
    RoleRuleQuerySet,
)
from accounts.models.users import ApiKey, LoginFailure, Session, User, UserQuerySet

__all__ = [
    "Account",
    "AccountQuerySet",
    "ApiKey",
    "Domain",
    "DomainQuerySet",
    "Entity",
    "LoginFailure",
    "Owned",
    "ResourceCount",
    "ResourceLimit",
    "Role",
    "RoleQuerySet",
    "RoleRule",
    "RoleRuleQuerySet",
    "Session",
    "User",
    "UserQuerySet",
]
