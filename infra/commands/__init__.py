"""All commands of this context; importing them registers them."""

from infra.commands import (
    alerts,
    capacity,
    clusters,
    configuration,
    enrolment,
    guests,
    hosts,
    metrics,
    pod_ranges,
    pods,
    preferences,
    regions,
    servers,
    simulator,
    summary,
    zones,
)

__all__ = [
    "alerts",
    "capacity",
    "clusters",
    "configuration",
    "enrolment",
    "guests",
    "hosts",
    "metrics",
    "pod_ranges",
    "pods",
    "preferences",
    "regions",
    "servers",
    "simulator",
    "summary",
    "zones",
]
