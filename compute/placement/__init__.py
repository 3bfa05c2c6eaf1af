"""Where a machine goes: hosts and pools filtered, then weighed, and why each was refused."""

from compute.placement.decide import Placement, place
from compute.placement.explain import explain
from compute.placement.wanted import DiskWish, Wanted

__all__ = ["DiskWish", "Placement", "Wanted", "explain", "place"]
