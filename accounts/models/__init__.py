"""Who there is: domains in a tree, accounts in domains, users in accounts, roles over all."""

from accounts.models.directories import LdapLink, LdapServer
from accounts.models.entities import Entity, Owned
from accounts.models.factors import RecoveryCode, SecondFactor
from accounts.models.letters import Letter
from accounts.models.limits import ResourceCount, ResourceLimit
from accounts.models.marks import OfProject
from accounts.models.passwords import OldPassword, PasswordReset
from accounts.models.pinned import Annotation, ResourceDetail, ResourceIcon, ResourceTag
from accounts.models.projects import (
    Project,
    ProjectInvitation,
    ProjectMember,
    ProjectMove,
    ProjectRole,
    ProjectRoleRule,
)
from accounts.models.providers import ExternalIdentity, OauthProvider, Voucher
from accounts.models.saml import SamlAuthorization, SamlKey, SamlMark, SamlProvider
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
from accounts.models.users import (
    ApiKey,
    LoginFailure,
    RetiredKey,
    Session,
    User,
    UserQuerySet,
)

__all__ = [
    "Account",
    "AccountQuerySet",
    "Annotation",
    "ApiKey",
    "Domain",
    "DomainQuerySet",
    "Entity",
    "ExternalIdentity",
    "LdapLink",
    "LdapServer",
    "Letter",
    "LoginFailure",
    "OauthProvider",
    "OldPassword",
    "OfProject",
    "Owned",
    "PasswordReset",
    "Project",
    "ProjectInvitation",
    "ProjectMember",
    "ProjectMove",
    "ProjectRole",
    "ProjectRoleRule",
    "RecoveryCode",
    "ResourceCount",
    "ResourceDetail",
    "ResourceIcon",
    "ResourceLimit",
    "ResourceTag",
    "RetiredKey",
    "Role",
    "RoleQuerySet",
    "RoleRule",
    "RoleRuleQuerySet",
    "SamlAuthorization",
    "SamlKey",
    "SamlMark",
    "SamlProvider",
    "SecondFactor",
    "Session",
    "User",
    "UserQuerySet",
    "Voucher",
]
