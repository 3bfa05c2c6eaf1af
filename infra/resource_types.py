"""The kinds of things of this context."""

from accounts.pinned.types import register
from infra.models import Cluster, Host, OsCategory, OsType, Pod, Zone

register("Zone", Zone)
register("Pod", Pod)
register("Cluster", Cluster)
register("Host", Host)
register("GuestOs", OsType)
register("GuestOsCategory", OsCategory)
