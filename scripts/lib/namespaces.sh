# Sourced by what runs a libvirtd in namespaces of its own: the portal's private libvirtd and
# the simulated hosts. Each function changes the namespace it is called in.

# mount_libvirt_state FOLDER RUN: libvirt's paths are compiled in, so ours go over them.
mount_libvirt_state() {
    local folder=$1 run=$2
    mkdir -p /run/libvirt /etc/libvirt /var/lib/libvirt /var/cache/libvirt /var/log/libvirt
    mount --bind "$folder/etc" /etc/libvirt
    mount --bind "$folder/lib" /var/lib/libvirt
    mount --bind "$folder/cache" /var/cache/libvirt
    mount --bind "$folder/log" /var/log/libvirt
    mount --bind "$run" /run/libvirt
}

# The cgroup v1 controllers of this process. With v2 and no service manager there is none that
# libvirt could use, and configure_libvirtd says so.
cgroup_controllers() {
    sed -nE 's/^[1-9][0-9]*:(cpu|cpuacct|cpuset|memory|devices|freezer|blkio):.*/\1/p' /proc/self/cgroup
}

# enter_cgroup NAME: in every hierarchy; two libvirtd would otherwise share the groups of
# guests that have the same name.
enter_cgroup() {
    local controller group
    for controller in $(cgroup_controllers); do
        group=/sys/fs/cgroup/$controller/$1
        mkdir -p "$group" || return
        if [[ $controller == cpuset ]]; then
            cat "/sys/fs/cgroup/cpuset/cpuset.cpus" > "$group/cpuset.cpus"
            cat "/sys/fs/cgroup/cpuset/cpuset.mems" > "$group/cpuset.mems"
            echo 1 > "$group/cgroup.clone_children"
        fi
        echo $$ > "$group/cgroup.procs"
    done
}

# In a new cgroup namespace: show what enter_cgroup made as the roots of the hierarchies.
show_own_cgroups() {
    local controller
    [[ -n $(cgroup_controllers) ]] || return 0
    mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
    for controller in $(cgroup_controllers); do
        mkdir "/sys/fs/cgroup/$controller"
        mount -t cgroup -o "$controller" cgroup "/sys/fs/cgroup/$controller"
    done
}

# Groups of dead guests stay behind and keep the name; remove_cgroup NAME is for afterwards.
remove_cgroup() {
    local group
    for group in /sys/fs/cgroup/*/"$1"; do
        [[ -d $group ]] && find "$group" -depth -type d -exec rmdir {} + 2>/dev/null
    done
    return 0
}
