"""Who vouches for people beside the portal itself: LDAP, OAuth; and who is signed in."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from frontend import devices
from frontend.sections.base import Action, Column, F, Facts, Filter, Form, Section
from frontend.sections.columns import DOMAIN_FILTER
from frontend.sections.tenants import ruled_domain

_TLS = (
    ("none", _("None: passwords go in the clear")),
    ("starttls", _("StartTLS: on the plain port")),
    ("ldaps", _("LDAPS: from the first byte")),
)
_KINDS = (("GROUP", _("Group")), ("OU", _("Organisational unit")))
_TYPES = (("0", _("User")), ("2", _("Domain administrator")))

SERVERS = Section(
    key="ldapservers",
    title=_("LDAP servers"),
    one=_("LDAP server"),
    icon="address-book",
    list="listLdapConfigurations",
    name_field="hostname",
    state_field="",
    has_detail=False,
    rulers=True,
    about=_(
        "A directory that keeps passwords of users. Those of a linked group or unit sign in here "
        "with the same password."
    ),
    about_of_root=_(
        "Say first where the search begins and as whom (ldap.basedn, ldap.bind.principal, "
        "ldap.bind.password in the settings of the domain, or the global ones), then add the "
        "server."
    ),
    columns=(
        Column("hostname", _("Server"), "name"),
        Column("port", _("Port"), "number"),
        Column("tls", _("Encryption"), make=lambda r: dict(_TLS).get(r.get("tls", ""), "")),
        Column("domain", _("Domain"), to="domains", by="domainid"),
        Column("created", _("Added"), "time"),
    ),
    filters=(DOMAIN_FILTER,),
    actions=(
        Action(
            "deleteLdapConfiguration",
            _("Remove"),
            "trash",
            danger=True,
            ask=_("Users whose passwords it keeps cannot sign in until there is another."),
        ),
    ),
    create=(
        Action(
            "addLdapConfiguration",
            _("Add a server"),
            "plus",
            form=Form(
                (
                    F("hostname", placeholder="ldap.example.org"),
                    F("port", initial="636"),
                    F("tls", choices=_TLS, initial="ldaps"),
                    "domainid",
                    F(
                        "cacertificate",
                        widget="textarea",
                        placeholder="-----BEGIN CERTIFICATE-----",
                    ),
                )
            ),
            ask=_("A connection is tried before the server is added."),
        ),
        Action("importLdapUsers", _("Import users"), "user-plus", url="/ldap/import"),
    ),
)

LINKS = Section(
    key="ldaplinks",
    title=_("LDAP links"),
    one=_("LDAP link"),
    icon="link",
    list="listLdapLinks",
    state_field="",
    has_detail=False,
    about=_(
        "Members of a linked group or unit come in by themselves at their first sign-in, and are "
        "disabled once they have left it."
    ),
    columns=(
        Column("name", _("Group or unit"), "name"),
        Column("type", _("Kind"), make=lambda r: dict(_KINDS).get(r.get("type", ""), "")),
        Column("domain", _("Domain"), to="domains", by="domainid"),
        Column("account", _("Account"), to="accounts", by="accountid"),
        Column("rolename", _("Role")),
        Column("created", _("Created"), "time"),
    ),
    filters=(DOMAIN_FILTER,),
    actions=(
        Action(
            "deleteLdapLink",
            _("Take away"),
            "trash",
            danger=True,
            bulk=True,
            ask=_("Nobody new comes in by it. Users in no other link of the domain are disabled."),
        ),
    ),
    create=(
        Action(
            "linkDomainToLdap",
            _("Link a domain"),
            "sitemap",
            form=Form(
                (
                    "domainid",
                    F("type", choices=_KINDS, initial="GROUP", required=True),
                    F("ldapdomain", placeholder="cn=devs,ou=groups,dc=example,dc=org"),
                    F("accounttype", choices=_TYPES, initial="0", required=True),
                ),
                more=("admin",),
            ),
            ask=_("Each member gets an account of its own at the first sign-in."),
        ),
        Action(
            "linkAccountToLdap",
            _("Link an account"),
            "users-group",
            form=Form(
                (
                    F("domainid", initial=ruled_domain),
                    F("account", section=""),
                    F("type", choices=_KINDS, initial="GROUP"),
                    F("ldapdomain", placeholder="cn=devs,ou=groups,dc=example,dc=org"),
                ),
                more=("roleid", "admin"),
            ),
            ask=_("Each member becomes a user of this account at the first sign-in."),
        ),
    ),
)

PROVIDERS = Section(
    key="oauthproviders",
    title=_("OAuth providers"),
    one=_("OAuth provider"),
    icon="external-link",
    list="listOauthProvider",
    name_field="description",
    state_field="",
    admin=True,
    about=_(
        "Providers of OAuth and OpenID Connect by which users may sign in, each with a button on "
        "the sign-in page. The setting oauth2.enabled turns them on."
    ),
    columns=(
        Column("description", _("Button"), "name"),
        Column("provider", _("Provider")),
        Column("enabled", _("Enabled"), "flag"),
        Column("issuer", _("Issuer"), "mono"),
        Column("clientid", _("Client id"), "mono", shown=False),
    ),
    facts=(
        Facts(
            _("OAuth provider"),
            (
                Column("id", _("Id"), "copy"),
                Column("provider", _("Provider")),
                Column("enabled", _("Enabled"), "flag"),
                Column("issuer", _("Issuer"), "mono"),
                Column("clientid", _("Client id"), "copy"),
                Column("redirecturi", _("Way back"), "copy"),
            ),
        ),
    ),
    actions=(
        Action(
            "updateOauthProvider",
            _("Edit"),
            "edit",
            primary=True,
            form=Form(
                ("description", "clientid", F("secretkey", widget="password"), "redirecturi",
                 "enabled"),
                prefill=True,
            ),
        ),
        Action(
            "deleteOauthProvider",
            _("Remove"),
            "trash",
            danger=True,
            ask=_("Nobody signs in by it any more. Users stay, and those who have a password can "
                  "sign in by it."),
        ),
    ),
    create=(
        Action(
            "registerOauthProvider",
            _("Register a provider"),
            "plus",
            form=Form(
                (
                    F("provider", placeholder="google"),
                    F("description", label=_("Button"), placeholder=_("Sign in with Google")),
                    "clientid",
                    F("secretkey", widget="password"),
                    F("redirecturi", placeholder="https://cloud.example.org/signin/oauth/back"),
                    F("details", placeholder="issuer=https://id.example.org"),
                )
            ),
        ),
    ),
)  # fmt: skip

SESSIONS = Section(
    key="sessions",
    title=_("Sessions"),
    one=_("Session"),
    icon="devices",
    list="listSessions",
    name_field="username",
    state_field="",
    has_detail=False,
    about=_("Who is signed in, from where: your own sessions and those of users below you."),
    columns=(
        Column("username", _("User"), to="users", by="userid"),
        Column("device", _("Device"), make=lambda r: devices.words(r.get("device", ""))),
        Column("address", _("Address"), "mono"),
        Column("current", _("This one"), "flag"),
        Column("usersource", _("Signs in by"), "word"),
        Column("account", _("Account"), to="accounts", by="accountid"),
        Column("domain", _("Domain"), to="domains", by="domainid"),
        Column("created", _("Signed in"), "time"),
        Column("lastseen", _("Last seen"), "time"),
    ),
    filters=(Filter("userid", _("User"), section="users"),),
    actions=(
        Action(
            "deleteSession",
            _("End session"),
            "logout",
            danger=True,
            bulk=True,
            ask=_("Whoever holds it has to sign in anew."),
        ),
    ),
)

SAML = Section(
    key="samlauthorizations",
    title=_("SAML authorisations"),
    one=_("SAML authorisation"),
    icon="shield-check",
    list="listSamlAuthorization",
    name_field="username",
    state_field="",
    has_detail=False,
    about=_("Who may sign in by an identity provider of SAML 2."),
    about_of_root=_(
        "The settings saml2.enabled, saml2.sp.sso.url and saml2.idp.metadata.url turn it on."
    ),
    columns=(
        Column("username", _("User"), to="users", by="userid"),
        Column("domain", _("Domain")),
        Column("status", _("Enabled"), "flag"),
        Column("idpid", _("Identity provider"), "mono"),
    ),
    filters=(Filter("userid", _("User"), section="users"),),
    actions=(
        Action(
            "authorizeSamlSso",
            _("Withdraw"),
            "ban",
            param="userid",
            source="userid",
            danger=True,
            form=Form(fixed={"enable": "false"}),
            ask=_("The user cannot sign in by SAML any more; sessions that came of it end."),
        ),
    ),
    create=(
        Action(
            "authorizeSamlSso",
            _("Authorise a user"),
            "plus",
            form=Form(
                (
                    F("userid", section="users"),
                    F("entityid", placeholder="https://idp.example.org/metadata"),
                ),
                fixed={"enable": "true"},
            ),
        ),
        Action(
            "refreshIdps",
            _("Read the metadata anew"),
            "refresh",
            ask=_("The identity providers are read from saml2.idp.metadata.url."),
            admin=True,
        ),
    ),
)

SECTIONS = (SERVERS, LINKS, PROVIDERS, SAML, SESSIONS)
