"""Compute's commands, by subject. Importing this package registers them."""

from compute.commands import (
    access,
    affinity,
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
    volumes,
)

__all__ = [
    "access",
    "affinity",
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
    "volumes",
]
