"""How long operations take on real hosts, for simulated ones that are to take as long.

Of a small machine on a directory pool: guests of 2 GiB, images over a gigabit.
"""

from __future__ import annotations

_SECONDS = {
    "domain.start": 1.5,
    "domain.stop": 4.0,
    "domain.reboot": 5.0,
    "image.copy": 10.0,
    "image.download": 15.0,
    "router.apply": 0.8,
    "volume.copy_to_pool": 8.0,
    "volume.copy_to_store": 8.0,
    "volume.install_template": 6.0,
    "volume.revert": 2.0,
    "volume.snapshot": 2.0,
}
_LOOK_S = 0.02  # what only asks
_LOOKS = (
    "host.", "domain.state", "domain.console", "domain.screenshot", "pool.list", "pool.stats",
    "router.state", "store.list", "store.stats", "volume.info",
)  # fmt: skip
_OTHERS_S = 0.15


def seconds(operation: str) -> float:
    if operation.startswith(_LOOKS):
        return _LOOK_S
    return _SECONDS.get(operation, _OTHERS_S)
