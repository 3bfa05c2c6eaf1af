"""Columns that many sections share."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from frontend.sections.base import Column, Facts, Filter
from frontend.states import look

NAME = Column("name", _("Name"), "name")
STATE = Column("state", _("State"), "state")
DESCRIPTION = Column("displaytext", _("Description"))
CREATED = Column("created", _("Created"), "time")
ACCOUNT = Column("account", _("Account"), shown=False)
DOMAIN = Column("domain", _("Domain"), to="domains", by="domainid", shown=False)
ZONE = Column("zonename", _("Zone"), to="zones", by="zoneid")
POD = Column("podname", _("Pod"), to="pods", by="podid", shown=False)
CLUSTER = Column("clustername", _("Cluster"), to="clusters", by="clusterid", shown=False)
HOST = Column("hostname", _("Host"), to="hosts", by="hostid")
HYPERVISOR = Column("hypervisor", _("Hypervisor"), shown=False)
ID = Column("id", _("ID"), "copy")
TAGS = Column("tags", _("Tags"), shown=False, make=lambda r: tag_words(r.get("tags")))

OWNER = Facts(
    _("Owner"),
    (
        Column("account", _("Account")),
        Column("project", _("Project"), to="projects", by="projectid"),
        Column("domain", _("Domain"), to="domains", by="domainid"),
        Column("created", _("Created"), "date"),
    ),
)

OWNER_ONLY = Facts(OWNER.title, OWNER.lines[:3])

ZONE_FILTER = Filter("zoneid", _("Zone"), section="zones")
DOMAIN_FILTER = Filter("domainid", _("Domain"), section="domains")
ACCOUNT_FILTER = Filter("account", _("Account"))


def tag_words(tags: object) -> str:
    """“env=prod, tier=web”."""
    pairs = tags if isinstance(tags, list) else []
    words = (f"{t['key']}={t['value']}" if t.get("value") else str(t["key"]) for t in pairs)
    return ", ".join(words)


def states(param: str, label: object, *values: str) -> Filter:
    """A filter over states, each worded as its pill is."""
    return Filter(param, label, choices=tuple((v, look(v).word) for v in values))
