"""The kinds of things of this context."""

from accounts.pinned.types import register
from network.models import Network, NetworkOffering, PhysicalNetwork, PublicIp, Router

register("Network", Network)
register("DomainRouter", Router, entity="VR", also=("Router",))
register("NetworkOffering", NetworkOffering)
register("PhysicalNetwork", PhysicalNetwork)
register("PublicIpAddress", PublicIp, also=("PublicIp",))
