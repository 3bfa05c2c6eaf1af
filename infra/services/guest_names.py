"""Names of guest operating systems a new cloud offers, by CloudStack's categories."""

from __future__ import annotations


def _with_bits(name: str, versions: tuple[str, ...]) -> list[str]:
    return [f"{name} {version} (64-bit)" for version in versions]


BY_CATEGORY: dict[str, list[str]] = {
    "Ubuntu": [
        *(f"Ubuntu {v} LTS" for v in ("16.04", "18.04", "20.04", "22.04", "24.04", "26.04")),
        "Other Ubuntu (32-bit)",
        "Other Ubuntu (64-bit)",
    ],
    "Debian": [
        *(f"Debian GNU/Linux {v} (64-bit)" for v in ("9", "10", "11", "12", "13")),
        "Debian GNU/Linux 10 (32-bit)",
        "Debian GNU/Linux 11 (32-bit)",
        "Other Debian (64-bit)",
    ],
    "Fedora": [
        *(f"Fedora Linux {v} (64-bit)" for v in ("38", "39", "40", "41", "42", "43")),
        "Other Fedora (64-bit)",
    ],
    "CentOS": [
        "CentOS 7",
        "CentOS 8",
        "CentOS Stream 8",
        "CentOS Stream 9",
        "CentOS Stream 10",
        "Other CentOS (64-bit)",
    ],
    "Rocky Linux": ["Rocky Linux 8", "Rocky Linux 9", "Rocky Linux 10"],
    "AlmaLinux": ["AlmaLinux 8", "AlmaLinux 9", "AlmaLinux 10"],
    "Oracle": [
        "Oracle Linux 7",
        "Oracle Linux 8",
        "Oracle Linux 9",
        "Oracle Linux 10",
        "Oracle Solaris 11 (64-bit)",
    ],
    "RedHat": [
        *(f"Red Hat Enterprise Linux {v}" for v in ("7", "8", "9", "10")),
        "Other Red Hat (64-bit)",
    ],
    "SUSE": [
        "SUSE Linux Enterprise Server 12 (64-bit)",
        "SUSE Linux Enterprise Server 15 (64-bit)",
        "openSUSE Leap 15 (64-bit)",
        "openSUSE Leap 16 (64-bit)",
        "openSUSE Tumbleweed (64-bit)",
        "Other SUSE (64-bit)",
    ],
    "Windows": [
        "Windows 10 (32-bit)",
        *_with_bits("Windows", ("10", "11")),
        *_with_bits("Windows Server", ("2012", "2012 R2", "2016", "2019", "2022", "2025")),
        "Windows PV",
    ],
    "Other": [
        "Other Linux (32-bit)",
        "Other Linux (64-bit)",
        "Other (32-bit)",
        "Other (64-bit)",
        "Other PV (32-bit)",
        "Other PV (64-bit)",
        "Other PV Virtio-SCSI (64-bit)",
        "Alpine Linux (64-bit)",
        "Arch Linux (64-bit)",
        "Gentoo (64-bit)",
        "NixOS (64-bit)",
        "openEuler (64-bit)",
        "Kylin (64-bit)",
        "Flatcar Container Linux (64-bit)",
        "Fedora CoreOS (64-bit)",
        "FreeBSD 13 (64-bit)",
        "FreeBSD 14 (64-bit)",
        "OpenBSD (64-bit)",
        "NetBSD (64-bit)",
        "VyOS (64-bit)",
        "OPNsense (64-bit)",
        "None",
        "DOS",
    ],
}
