from network.commands import (
    addresses,
    house_ranges,
    networks,
    offerings,
    permissions,
    physical,
    providers,
    ranges,
    routers,
    vlans,
)

__all__ = [
    "addresses",
    "house_ranges",
    "networks",
    "offerings",
    "permissions",
    "physical",
    "providers",
    "ranges",
    "routers",
    "vlans",
]
