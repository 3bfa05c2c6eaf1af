from network.models.addresses import GuestAddress, IpRange
from network.models.networks import Network, NetworkOffering, NetworkState
from network.models.physical import PhysicalNetwork, TrafficType
from network.models.routers import Router

__all__ = [
    "GuestAddress",
    "IpRange",
    "Network",
    "NetworkOffering",
    "NetworkState",
    "PhysicalNetwork",
    "Router",
    "TrafficType",
]
