# Sourced by build-guest: lay out the guest's file system in $root from $packages and rootfs/.

guest_programs=(usr/bin/busybox usr/sbin/qemu-ga usr/sbin/dropbear usr/bin/dropbearkey)

# What a machine type may have: virtio or SCSI or IDE disks, a CD with a ConfigDrive, hot-plugged
# memory, the power button. The cloud kernel has no AHCI: on q35 a CD must be virtio-scsi.
guest_modules=(virtio_pci virtio_blk virtio_net virtio_console virtio_balloon virtio_scsi
    virtio_rng virtio_mem sd_mod sr_mod ata_piix ata_generic isofs vfat nls_ascii
    button evdev 8021q)

make_tree() {
    kernel_version=$(ls "$packages/usr/lib/modules")
    rm -rf "$root"
    mkdir -p "$root"/usr/{bin,sbin,lib,lib64} "$root"/{dev,proc,sys,tmp,run,mnt,data} \
        "$root"/root/.ssh "$root"/etc/dropbear "$root"/var/{log,lib/guest}
    for folder in bin sbin lib lib64; do ln -s "usr/$folder" "$root/$folder"; done
    ln -s ../run "$root/var/run"
    add_programs
    add_modules
    cp -r "$here/guest/rootfs/." "$root/"
    set_modes
}

add_programs() {
    for program in "${guest_programs[@]}"; do cp "$packages/$program" "$root/$program"; done
    for applet in $("$(loader)" --library-path "$(library_path)" \
        "$packages/usr/bin/busybox" --list); do
        [[ -e $root/usr/bin/$applet ]] || ln -s busybox "$root/usr/bin/$applet"
    done
    ln -s ../bin/busybox "$root/usr/sbin/init"
    add_libraries
}

loader() { echo "$packages/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"; }
library_path() { echo "$packages/usr/lib/x86_64-linux-gnu"; }

# The packages' own loader lists what their programs need; glibc opens the name service
# modules only at run time, so they are named here.
add_libraries() {
    local libraries=$root/usr/lib/x86_64-linux-gnu library
    mkdir -p "$libraries"
    cp -L "$(loader)" "$root/usr/lib64/"
    for program in "${guest_programs[@]}"; do
        "$(loader)" --library-path "$(library_path)" --list "$packages/$program"
    done | grep -o "$packages/[^ ]*" | sort -u | while read -r library; do
        cp -L "$library" "$libraries/"
    done
    for library in libnss_dns.so.2 libnss_files.so.2 libresolv.so.2; do
        cp -L "$(library_path)/$library" "$libraries/"
    done
}

add_modules() {
    local modules=$root/usr/lib/modules/$kernel_version module file
    mkdir -p "$modules"
    depmod -b "$packages" "$kernel_version"
    for module in "${guest_modules[@]}"; do
        modprobe -d "$packages" -S "$kernel_version" --show-depends "$module" 2>/dev/null |
            sed -n 's/^insmod \([^ ]*\).*/\1/p'
    done | sort -u | while read -r file; do
        mkdir -p "$root/$(dirname "${file#"$packages"/}")"
        cp "$file" "$root/${file#"$packages"/}"
    done
    cp "$packages/usr/lib/modules/$kernel_version"/modules.{order,builtin,builtin.modinfo} "$modules/"
    depmod -b "$root" "$kernel_version"
}

set_modes() {
    chmod 755 "$root/init" "$root/etc/rc" "$root"/usr/sbin/* "$root"/etc/acpi/PWRF/*
    chmod 600 "$root/etc/shadow"
    chmod 700 "$root/root" "$root/root/.ssh"
    chmod 1777 "$root/tmp"
}
