# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # variables shared with the sourcing script
#
# What a node changes on the machine outside its own folder, and how the machine
# gets it back. There is one node at a time: the service address, port 443 and
# the kubelet's fixed folders cannot be shared.

# A link to the folder of the cluster that has the machine.
readonly machine_mark=/run/cocoon-node

# machine_take fails while another cluster has the machine. Making a link is
# atomic; one whose cluster is gone counts for nothing.
machine_take() {
    local holder
    if ! ln -sT "$dir" "$machine_mark" 2>/dev/null; then
        holder=$(readlink "$machine_mark") || return 1
        [[ ! -e $holder/cluster.conf ]] || return 1
        rm -f "$machine_mark"
        ln -sT "$dir" "$machine_mark" 2>/dev/null || return 1
    fi
    [[ -z $(ss -Hltn 'sport = :443') && -z $(ss -Hlx src "$device_plugins/kubelet.sock") ]] || {
        machine_release
        return 1
    }
}

machine_release() {
    [[ $(readlink "$machine_mark") != "$dir" ]] || rm -f "$machine_mark"
}

# machine_holder says who has it, for an error message.
machine_holder() {
    if [[ -e $(readlink "$machine_mark")/cluster.conf ]]; then
        echo "the cluster in $(readlink "$machine_mark") has the node (one at a time)"
    elif [[ $(ss -Hltn 'sport = :443') ]]; then
        echo "TCP port 443 is taken: ss -ltnp 'sport = :443'"
    else
        echo "another kubelet runs on this machine: ss -lxp src $device_plugins/kubelet.sock"
    fi
}

# Settings of the kernel that the kubelet and the network plugin change.
readonly kernel_settings=(vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops
    kernel/keys/root_maxkeys kernel/keys/root_maxbytes net/ipv4/ip_forward)
# Fixed in the kubelet.
readonly device_plugins=/var/lib/kubelet/device-plugins
# Folders outside ours that the kubelet, its shims and the network library make.
readonly outside_folders=("$device_plugins" /var/lib/kubelet /var/log/containers
    /var/lib/cni/results /var/lib/cni /run/containerd/s /run/containerd)

# machine_save notes how the machine was, for machine_restore.
machine_save() {
    local setting folder
    for setting in "${kernel_settings[@]}"; do
        [[ ! -r /proc/sys/$setting ]] || echo "setting $setting $(</proc/sys/"$setting")"
    done >"$dir/machine"
    for folder in "${outside_folders[@]}"; do
        [[ -e $folder ]] || echo "folder $folder"
    done >>"$dir/machine"
    if ! ip -4 addr show dev lo | grep -q " $service_address/"; then
        ip addr add "$service_address/32" dev lo ||
            die "the address $service_address cannot be added to lo" "run as root"
        echo "address $service_address/32" >>"$dir/machine"
    fi
}

machine_restore() {
    local kind what value
    # Twice would take it from the next cluster.
    [[ -r $dir/machine && $(readlink "$machine_mark") == "$dir" ]] || return 0
    find /var/log/containers -maxdepth 1 -lname "$dir/*" -delete 2>/dev/null || true
    rm -f "$device_plugins/kubelet.sock"
    # The network library's notes name the pods' network namespaces, which are
    # in our folder.
    grep -lsrF "$dir/" /var/lib/cni/results | xargs -r rm -f -- || true
    while read -r kind what value; do
        case $kind in
        setting) [[ $(</proc/sys/"$what") == "$value" ]] || echo "$value" >"/proc/sys/$what" || true ;;
        # Only if empty: another program may have moved in.
        folder) rmdir -- "$what" 2>/dev/null || true ;;
        address) ip addr del "$what" dev lo 2>/dev/null || true ;;
        esac
    done <"$dir/machine"
    machine_release
}
