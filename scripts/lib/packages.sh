# Sourced by setup: the Debian packages, and how they get onto the machine.

# To compile Python packages and translations.
build_packages=(
    gcc python3-dev python3-venv pkg-config libvirt-dev libmariadb-dev libldap2-dev libsasl2-dev
    gettext procps xmlsec1
)
# To run guests and their networks, and to make the tiny guest.
hypervisor_packages=(
    libvirt-daemon-system libvirt-daemon-driver-qemu libvirt-clients
    qemu-system-x86 qemu-utils qemu-block-extra dnsmasq-base nftables iproute2 genisoimage
    mtools syslinux syslinux-common dosfstools fdisk e2fsprogs cpio lz4 kmod
)
test_packages=(
    openssh-client mariadb-server redis-server chromium fonts-noto-cjk gnutls-bin
    slapd ldap-utils
)

# Any Node.js will do; where there is none, Debian's and its npm.
needed_packages() {
    printf '%s\n' "${build_packages[@]}"
    command -v node >/dev/null || echo nodejs
    command -v npm >/dev/null || echo npm
    # Whoever may not install packages can still have the simulator.
    [[ ${CLOUDPORTAL_VIRT:-} == simulator && $EUID != 0 ]] ||
        printf '%s\n' "${hypervisor_packages[@]}" "${test_packages[@]}"
}

missing_packages() {
    local package
    needed_packages | while read -r package; do
        [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
            echo "$package"
    done
}

# Debian starts a server as soon as it is installed; ours run from our own folders and ports,
# so unless somebody has said otherwise nothing new is started. Undone when the install ends.
without_starting_services() {
    local policy=/usr/sbin/policy-rc.d made=
    if [[ ! -e $policy && ! -d /run/systemd/system ]]; then
        printf '#!/bin/sh\nexit 101\n' > "$policy"
        chmod 755 "$policy"
        made=1
    fi
    "$@"
    local status=$?
    [[ -z $made ]] || rm -f "$policy"
    return $status
}

install_packages() {
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq update && without_starting_services apt-get -qq -y install \
        --no-install-recommends -o Dpkg::Use-Pty=0 "$@"
}

# Prints what it did; fails with the list when it may not install.
ensure_packages() {
    local missing
    command -v dpkg-query >/dev/null ||
        die "this is not Debian or one of its kin; install what these packages hold by hand:" \
            $(needed_packages)
    mapfile -t missing < <(missing_packages)
    if ((${#missing[@]} == 0)); then
        echo "already there"
        return
    fi
    ((EUID == 0)) ||
        die "only root may install packages. As root: apt-get install ${missing[*]}"
    install_packages "${missing[@]}" >> "$setup_log" 2>&1 ||
        die "apt-get could not install ${missing[*]}; its words are in $setup_log"
    echo "installed ${#missing[@]}: ${missing[*]}"
}
