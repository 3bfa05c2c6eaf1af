# Sourced: which libvirtd the portal uses, and a private one where the machine has none.

services=${services:-$CLOUDPORTAL_DATA/services}

# ensure_libvirt: sets and exports CLOUDPORTAL_LIBVIRT_URI, records it in services/libvirt/uri,
# and sets libvirt_is to a sentence about the choice. Fails with a sentence when there is none.
ensure_libvirt() {
    mkdir -p "$services/libvirt"
    if [[ -n ${CLOUDPORTAL_LIBVIRT_URI:-} ]]; then
        libvirt_is="$CLOUDPORTAL_LIBVIRT_URI, as CLOUDPORTAL_LIBVIRT_URI says"
    elif ! is_running "$services/libvirt/pid" && system_libvirt_will_do; then
        CLOUDPORTAL_LIBVIRT_URI=qemu:///system
        libvirt_is="the machine's own, qemu:///system"
    else
        start_private_libvirtd
        libvirt_is="the portal's own, ${why_private:-already running}"
    fi
    export CLOUDPORTAL_LIBVIRT_URI
    echo "$CLOUDPORTAL_LIBVIRT_URI" > "$services/libvirt/uri"
}

# The machine's libvirtd serves if it answers and its QEMU user can reach the portal's disks.
system_libvirt_will_do() {
    why_private="as no other answers"
    [[ -S /run/libvirt/libvirt-sock || -S /run/libvirt/virtqemud-sock ]] || return 1
    timeout 15 virsh -q -c qemu:///system uri >/dev/null 2>&1 || return 1
    why_private="as the system's QEMU user cannot enter $CLOUDPORTAL_DATA"
    ((EUID != 0)) && return 0
    local user
    user=$(sed -n 's/^ *user *= *"+*\([^"]*\)".*/\1/p' /etc/libvirt/qemu.conf 2>/dev/null | tail -1)
    setpriv --reuid "${user:-libvirt-qemu}" --clear-groups test -x "$CLOUDPORTAL_DATA" 2>/dev/null
}

start_private_libvirtd() {
    local home=$services/libvirt run
    run=$(libvirt_run_folder)
    CLOUDPORTAL_LIBVIRT_URI="qemu+unix:///system?socket=$run/libvirt-sock"
    is_running "$home/pid" && return
    ((EUID == 0)) || die "no libvirtd answers on qemu:///system and only root may start one"
    command -v libvirtd >/dev/null || die "libvirtd is not installed; see scripts/setup"
    configure_libvirtd "$home"
    mkdir -p "$run"
    chmod 700 "$run"
    start_recorded "$home/pid" "$home/log/libvirtd.out" \
        unshare --mount --propagation slave -- \
        "$CLOUDPORTAL_REPOSITORY/scripts/lib/run-libvirtd" "$home" "$run"
    wait_for_service 30 "$home/pid" libvirt_answers "$CLOUDPORTAL_LIBVIRT_URI" ||
        die "libvirtd does not answer; see $home/log/libvirtd.log and libvirtd.out beside it"
    # The first question about QEMU makes libvirt probe it for seconds; it keeps the answer.
    virsh -q -c "$CLOUDPORTAL_LIBVIRT_URI" domcapabilities --virttype qemu >/dev/null 2>&1 || true
}

libvirt_answers() { timeout 10 virsh -q -c "$1" uri >/dev/null 2>&1; }

# Short, for socket names end at 107 characters, and gone after a reboot, like the guests.
libvirt_run_folder() {
    echo "/run/cloudportal-$(printf %s "$services" | sha256sum | cut -c1-8)/libvirt"
}

# configure_libvirtd FOLDER: etc, lib, cache and log of a libvirtd; own settings stay.
# Stock settings make QEMU another user and libvirt change owners of files; on machines where
# only root opens /dev/kvm that costs a minute of probing at every define.
configure_libvirtd() {
    local home=$1
    mkdir -p "$home"/{etc,lib,cache,log}
    [[ -d $home/etc/nwfilter ]] || cp -r /etc/libvirt/nwfilter "$home/etc/" 2>/dev/null || true
    [[ -s $home/host_uuid ]] || cat /proc/sys/kernel/random/uuid > "$home/host_uuid"
    cat > "$home/etc/libvirtd.conf" <<END
unix_sock_group = "root"
unix_sock_rw_perms = "0700"
unix_sock_ro_perms = "0700"
auth_unix_rw = "none"
auth_unix_ro = "none"
host_uuid = "$(cat "$home/host_uuid")"
log_outputs = "3:file:/var/log/libvirt/libvirtd.log"
END
    cat > "$home/etc/qemu.conf" <<END
user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
namespaces = [ ]
stdio_handler = "file"
vnc_listen = "127.0.0.1"
max_core = 0
$([[ -d /sys/fs/cgroup/cpu ]] || echo 'cgroup_controllers = [ ]')
END
}

# Guests go on: a libvirtd started later finds them again.
stop_private_libvirtd() { stop_recorded "$services/libvirt/pid" 20; }
