from infra.models.alerts import Alert
from infra.models.configuration import ConfigurationValue
from infra.models.guests import OsCategory, OsType
from infra.models.hosts import Host, HostCapacity, HostSample
from infra.models.places import Cluster, Pod, Zone

__all__ = [
    "Alert",
    "Cluster",
    "ConfigurationValue",
    "Host",
    "HostCapacity",
    "HostSample",
    "OsCategory",
    "OsType",
    "Pod",
    "Zone",
]
