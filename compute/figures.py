"""A measurement in the names and units that clients know."""

from __future__ import annotations

from typing import Any

from compute.models import SystemVmSample, VmSample


def figures(sample: VmSample | SystemVmSample) -> dict[str, Any]:
    return {
        "cpuused": f"{sample.cpu_percent:.2f}%",
        "memorykbs": sample.memory_kb,
        "memorytargetkbs": sample.memory_target_kb,
        "memoryintfreekbs": max(sample.memory_target_kb - sample.memory_kb, 0),
        "diskioread": sample.disk_read_ops,
        "diskiowrite": sample.disk_write_ops,
        "diskkbsread": sample.disk_read_bytes // 1024,
        "diskkbswrite": sample.disk_write_bytes // 1024,
        "networkkbsread": sample.network_read_bytes // 1024,
        "networkkbswrite": sample.network_write_bytes // 1024,
    }
