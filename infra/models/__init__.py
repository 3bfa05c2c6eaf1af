from infra.models.alerts import Alert
from infra.models.configuration import ConfigurationChange, ConfigurationValue
from infra.models.enrolment import HostCredential, HostEnrolment
from infra.models.guests import OsCategory, OsType
from infra.models.hosts import Host, HostCapacity, HostSample
from infra.models.places import Cluster, Pod, Zone
from infra.models.pod_ranges import PodAddress, PodIpRange
from infra.models.preferences import DefaultZone
from infra.models.regions import Region
from infra.models.trends import CapacityPoint, HostTrend

__all__ = [
    "Alert",
    "CapacityPoint",
    "Cluster",
    "ConfigurationChange",
    "ConfigurationValue",
    "DefaultZone",
    "Host",
    "HostCapacity",
    "HostCredential",
    "HostEnrolment",
    "HostSample",
    "HostTrend",
    "OsCategory",
    "OsType",
    "Pod",
    "PodAddress",
    "PodIpRange",
    "Region",
    "Zone",
]
