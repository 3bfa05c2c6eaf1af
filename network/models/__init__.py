from network.models.addresses import GuestAddress, IpRange
from network.models.house_ranges import PortableIpRange, StorageIpRange
from network.models.networks import (
    Network,
    NetworkOffering,
    NetworkPermission,
    NetworkState,
)
from network.models.physical import PhysicalNetwork, TrafficType
from network.models.providers import (
    InternalLbElement,
    NetworkServiceProvider,
    ProviderElement,
)
from network.models.public import PublicIp
from network.models.routers import Router
from network.models.vlans import DedicatedVlanRange, GuestVlan

__all__ = [
    "DedicatedVlanRange",
    "GuestAddress",
    "GuestVlan",
    "InternalLbElement",
    "IpRange",
    "Network",
    "NetworkOffering",
    "NetworkPermission",
    "NetworkServiceProvider",
    "NetworkState",
    "PhysicalNetwork",
    "PortableIpRange",
    "ProviderElement",
    "PublicIp",
    "Router",
    "StorageIpRange",
    "TrafficType",
]
