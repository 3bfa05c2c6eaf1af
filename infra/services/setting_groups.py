"""Where a setting is found on the page: group and subgroup, as CloudStack divides them.

The first line whose beginning a setting's name has decides; longer beginnings come first.
"""

from __future__ import annotations

from functools import lru_cache

Place = tuple[str, str]

#: Groups in the order of the page, with what each is about.
GROUPS: dict[str, str] = {
    "Access": "Accounts, domains, projects, and how people and programs get in",
    "Compute": "Virtual machines, their sizes and where they run",
    "Storage": "Volumes, pools, snapshots, templates and secondary stores",
    "Network": "Networks, addresses and what routers do",
    "Infrastructure": "Zones, clusters, hosts, capacity and alerts",
    "System VMs": "Machines of the house: consoles, secondary storage, routers",
    "Management Server": "The portal itself: API, jobs, events, mail",
}

_BEGINNINGS: dict[str, Place] = {
    # accounts
    "max.account.": ("Access", "Limits of accounts"),
    "max.domain.": ("Access", "Limits of domains"),
    "max.project.": ("Access", "Limits of projects"),
    "resource.limit.": ("Access", "Limits of accounts"),
    "resource.count.": ("Access", "Limits of accounts"),
    "resourcecount.": ("Access", "Limits of accounts"),
    "account.": ("Access", "Accounts"),
    "project.": ("Access", "Projects"),
    "allow.user.create.projects": ("Access", "Projects"),
    "password.policy.": ("Access", "Passwords"),
    "user.password.reset.": ("Access", "Passwords"),
    "user.2fa.": ("Access", "Two-factor sign-in"),
    "enable.user.2fa": ("Access", "Two-factor sign-in"),
    "mandate.user.2fa": ("Access", "Two-factor sign-in"),
    "ldap.": ("Access", "LDAP"),
    "signin.": ("Access", "Sign-in"),
    "saml2.": ("Access", "SAML"),
    "oauth2.": ("Access", "OpenID Connect"),
    "oidc.": ("Access", "OpenID Connect"),
    "incorrect.login.": ("Access", "Sign-in"),
    "session.": ("Access", "Sign-in"),
    "api.sessionkey.": ("Access", "Sign-in"),
    "enable.secure.session.": ("Access", "Sign-in"),
    "api.key.": ("Access", "API keys"),
    "apikey.": ("Access", "API keys"),
    "api.allowed.": ("Access", "Addresses"),
    "api.source.": ("Access", "Addresses"),
    # compute
    "vm.stats.": ("Compute", "Measurements"),
    "vm.disk.stats.": ("Compute", "Measurements"),
    "vm.allocation.": ("Compute", "Placement"),
    "cpu.overprovisioning.": ("Compute", "Placement"),
    "mem.overprovisioning.": ("Compute", "Placement"),
    "vm.serviceoffering.": ("Compute", "Offerings"),
    "allow.domain.admins.to.create.tagged": ("Compute", "Offerings"),
    "vm.": ("Compute", "Virtual machines"),
    "user.vm.": ("Compute", "Virtual machines"),
    "expunge.": ("Compute", "Virtual machines"),
    "instance.": ("Compute", "Virtual machines"),
    "ssh.key.": ("Compute", "Virtual machines"),
    "allow.user.force.stop.vm": ("Compute", "Virtual machines"),
    "allow.user.expunge.recover.vm": ("Compute", "Virtual machines"),
    "allow.user.view.destroyed.vm": ("Compute", "Virtual machines"),
    # storage
    "allow.user.expunge.recover.volume": ("Storage", "Volumes"),
    "custom.diskoffering.": ("Storage", "Volumes"),
    "storage.max.volume.": ("Storage", "Volumes"),
    "storage.cleanup.": ("Storage", "Volumes"),
    "volume.": ("Storage", "Volumes"),
    "kvm.snapshot.": ("Storage", "Snapshots"),
    "snapshot.": ("Storage", "Snapshots"),
    "pool.storage.": ("Storage", "Primary storage"),
    "storage.": ("Storage", "Primary storage"),
    "storage.template.": ("Storage", "Templates and ISOs"),
    "max.template.": ("Storage", "Templates and ISOs"),
    "template.": ("Storage", "Templates and ISOs"),
    "allow.public.user.templates": ("Storage", "Templates and ISOs"),
    "share.public.templates": ("Storage", "Templates and ISOs"),
    "store.": ("Storage", "Secondary storage"),
    "secstorage.": ("Storage", "Secondary storage"),
    "secondary.storage.": ("Storage", "Secondary storage"),
    "image.store.": ("Storage", "Secondary storage"),
    # network
    "guest.": ("Network", "Guest networks"),
    "network.": ("Network", "Guest networks"),
    "vpc.": ("Network", "VPCs"),
    "security": ("Network", "Security groups"),
    # infrastructure
    "host.": ("Infrastructure", "Hosts"),
    "ping.": ("Infrastructure", "Hosts"),
    "hypervisor.": ("Infrastructure", "Hosts"),
    "simulator.": ("Infrastructure", "Hosts"),
    "reconciler.": ("Infrastructure", "Hosts"),
    "capacity.": ("Infrastructure", "Capacity"),
    "cluster.": ("Infrastructure", "Capacity"),
    "zone.": ("Infrastructure", "Capacity"),
    "pod.": ("Infrastructure", "Capacity"),
    "alert.": ("Infrastructure", "Alerts"),
    # the house's own machines
    "consoleproxy.": ("System VMs", "Consoles"),
    "console.": ("System VMs", "Consoles"),
    "novnc.": ("System VMs", "Consoles"),
    "router.": ("System VMs", "Routers"),
    "system.vm.": ("System VMs", "System VMs"),
    "systemvm.": ("System VMs", "System VMs"),
    # the portal
    "api.": ("Management Server", "API"),
    "enforce.": ("Management Server", "API"),
    "integration.": ("Management Server", "API"),
    "default.page.": ("Management Server", "API"),
    "expose.": ("Management Server", "API"),
    "default.ui.": ("Management Server", "Pages"),
    "event.": ("Management Server", "Events and jobs"),
    "job.": ("Management Server", "Events and jobs"),
    "audit.": ("Management Server", "Events and jobs"),
    "prometheus.": ("Management Server", "Monitoring"),
    "syslog.": ("Management Server", "Events and jobs"),
}
_ORDER = sorted(_BEGINNINGS, key=len, reverse=True)
_OTHER: Place = ("Management Server", "Others")


@lru_cache(maxsize=2048)
def place_of(name: str) -> Place:
    """(group, subgroup) of a setting."""
    for beginning in _ORDER:
        if name.startswith(beginning):
            return _BEGINNINGS[beginning]
    return _OTHER
