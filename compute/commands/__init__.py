"""Compute's commands, by subject. Importing this package registers them."""

from compute.commands import deployment, machines

__all__ = ["deployment", "machines"]
