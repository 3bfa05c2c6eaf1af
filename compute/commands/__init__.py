"""Compute's commands, by subject. Importing this package registers them."""

from compute.commands import (
    access,
    affinity,
    assigning,
    dedication,
    deployment,
    groups,
    hosts,
    keys,
    lists,
    machines,
    metrics,
    nics,
    offerings,
    securitygroups,
    system_vms,
    volumes,
)

__all__ = [
    "access",
    "affinity",
    "assigning",
    "dedication",
    "deployment",
    "groups",
    "hosts",
    "keys",
    "lists",
    "machines",
    "metrics",
    "nics",
    "offerings",
    "securitygroups",
    "system_vms",
    "volumes",
]
