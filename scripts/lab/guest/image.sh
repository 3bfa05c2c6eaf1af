# Sourced by build-guest: turn $root into kernel, initrd, disk image and guest.json.

# The last console is /dev/console, so the screen shows init's own words too.
kernel_options="console=ttyS0,115200 console=tty0 net.ifnames=0 cryptomgr.notests panic=5"
# Where memory can be hot-plugged the kernel sets 64 MiB aside for 32-bit devices, half of a
# small guest; 4096 slabs are 8 MiB.
kernel_options+=" memhp_default_state=online swiotlb=4096"
probe_option=cloudportal.probe
probe_marker=CLOUDPORTAL-PROBE-UP
ready_marker=CLOUDPORTAL-GUEST-READY

disk_mib=128 boot_start=2048 boot_sectors=65536
root_start=$((boot_start + boot_sectors))

# Files must belong to root inside the image, whoever builds it.
as_root() { if ((EUID == 0)); then "$@"; else unshare --user --map-root-user "$@"; fi; }

make_images() {
    cp "$packages/boot/vmlinuz-$kernel_version" "$work/vmlinuz"
    (cd "$root" && find . | sort | cpio --quiet -o -H newc -R 0:0) | lz4 -l -9 -q > "$work/initrd.img"
    make_disk
    describe > "$work/guest.json"
    # Renamed into place, never written over: running guests may use the old file as base.
    for file in vmlinuz initrd.img tiny.qcow2 guest.json; do mv -f "$work/$file" "$images/$file"; done
}

# MBR; a FAT16 partition with syslinux, kernel and initrd; an ext4 root.
make_disk() {
    local disk=$work/disk.raw
    rm -f "$disk"
    truncate -s "${disk_mib}M" "$disk"
    sfdisk -q "$disk" <<END
label: dos
label-id: 0xc10d0001
start=$boot_start,size=$boot_sectors,type=e,bootable
start=$root_start,type=83
END
    dd if=/usr/lib/syslinux/mbr/mbr.bin of="$disk" conv=notrunc bs=440 count=1 status=none
    make_boot_partition "$disk"
    as_root mke2fs -q -F -t ext4 -L GUESTROOT -m 0 -d "$root" \
        -E "root_owner=0:0,offset=$((root_start * 512))" \
        "$disk" "$((disk_mib * 1024 - root_start / 2))k"
    qemu-img convert -c -O qcow2 "$disk" "$work/tiny.qcow2"
    rm -f "$disk"
}

make_boot_partition() {
    local disk=$1 boot=$work/boot.fat
    rm -f "$boot"
    truncate -s $((boot_sectors * 512)) "$boot"
    mkfs.fat -F 16 -n GUESTBOOT "$boot" >/dev/null
    cat > "$work/syslinux.cfg" <<END
DEFAULT linux
PROMPT 0
TIMEOUT 0
LABEL linux
KERNEL /vmlinuz
INITRD /initrd.img
APPEND $kernel_options
END
    mcopy -i "$boot" "$work/vmlinuz" "$work/initrd.img" "$work/syslinux.cfg" ::/
    dd if="$boot" of="$disk" bs=1M seek=$((boot_start / 2048)) conv=notrunc status=none
    syslinux --offset $((boot_start * 512)) --install "$disk"
    rm -f "$boot" "$work/syslinux.cfg"
}

digest() { "$1" "$work/$2" | cut -d' ' -f1; }

describe() {
    cat <<END
{
  "name": "Tiny Linux",
  "display_text": "Tiny Linux: Debian's cloud kernel with busybox, SSH and the QEMU guest agent",
  "os_type": "Debian GNU/Linux 12 (64-bit)",
  "file": "tiny.qcow2",
  "format": "qcow2",
  "virtual_size_bytes": $((disk_mib * 1024 * 1024)),
  "size_bytes": $(stat -c %s "$work/tiny.qcow2"),
  "sha256": "$(digest sha256sum tiny.qcow2)",
  "md5": "$(digest md5sum tiny.qcow2)",
  "ssh_user": "root",
  "min_memory_mb": 96,
  "ready_marker": "$ready_marker",
  "kernel": "vmlinuz",
  "initrd": "initrd.img",
  "kernel_version": "$kernel_version",
  "kernel_sha256": "$(digest sha256sum vmlinuz)",
  "initrd_sha256": "$(digest sha256sum initrd.img)",
  "probe": {
    "kernel_options": "console=ttyS0,115200 panic=-1 $probe_option",
    "marker": "$probe_marker"
  }
}
END
}
