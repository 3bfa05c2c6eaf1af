# Sourced by build-guest: download Debian packages and unpack them into $packages.

# The cloud kernel's metapackage names the current kernel package.
kernel_package() {
    apt-cache depends linux-image-cloud-amd64 |
        sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -1
}

# With an empty package database apt resolves the whole closure, libraries included, whatever
# this machine has installed. usr-is-merged keeps it from choosing usrmerge and with it Perl.
download_closure() {
    : > "$work/no-packages"
    apt-get -qq -y --download-only --no-install-recommends \
        -o Dir::State::status="$work/no-packages" -o Dir::Cache::archives="$work/debs" \
        -o Debug::NoLocking=1 -o APT::Sandbox::User="$(id -un)" \
        install usr-is-merged busybox qemu-guest-agent dropbear-bin
}

# Without its dependencies: they serve to make an initramfs, and we make our own.
download_kernel() {
    local package
    package=$(kernel_package)
    [[ -n $package ]] || die "apt knows no linux-image-cloud-amd64: the guest needs Debian's sources"
    (cd "$work/debs" && apt-get -qq -o APT::Sandbox::User="$(id -un)" download "$package")
}

fetch_packages() {
    if ! ls "$work"/debs/linux-image-*.deb >/dev/null 2>&1; then
        [[ -n $(kernel_package) ]] || ((EUID != 0)) || apt-get -qq update
        mkdir -p "$work/debs/partial"
        download_closure
        download_kernel
    fi
    rm -rf "$packages"
    mkdir -p "$packages"/usr/{bin,sbin,lib,lib64}
    for folder in bin sbin lib lib64; do ln -s "usr/$folder" "$packages/$folder"; done
    for deb in "$work"/debs/*.deb; do
        dpkg-deb --fsys-tarfile "$deb" |
            tar -x --keep-directory-symlink --no-same-owner -C "$packages"
    done
}
