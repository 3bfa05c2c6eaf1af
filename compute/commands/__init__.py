"""Compute's commands, by subject. Importing this package registers them."""

from compute.commands import affinity, deployment, groups, keys, machines, offerings, tags

__all__ = ["affinity", "deployment", "groups", "keys", "machines", "offerings", "tags"]
