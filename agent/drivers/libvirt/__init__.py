"""KVM and QEMU through libvirt, split by subject; ``driver.LibvirtDriver`` ties it up."""
