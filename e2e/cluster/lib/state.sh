# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # variables shared with the sourcing script
#
# A cluster's folder and the few facts that later calls need, kept in
# $dir/cluster.conf. $short is a folder with a short path for unix sockets,
# whose names may have 107 characters at most.

readonly service_range=10.0.0.0/24
readonly service_address=10.0.0.1
readonly pod_range=10.88.0.0/24
readonly node_name=node1

state_create() {
    mkdir -p "$dir"/{bin,log,pki,run,containerd.d}
    chmod 700 "$dir" "$dir/pki"
    short=$(mktemp -d /tmp/cocoon.XXXXXX)
    api_port=443
    $node || api_port=$(free_port)
    etcd_port=$(free_port)
    etcd_peer_port=$(free_port)
    registry_port=$(free_port)
    kubelet_port=$(free_port)
    machine_address=$(find_machine_address)
    state_write
}

state_write() {
    local name
    for name in version node controllers parts short api_port etcd_port etcd_peer_port \
        registry_port kubelet_port machine_address; do
        printf '%s=%q\n' "$name" "${!name}"
    done >"$dir/cluster.conf.new"
    mv -f "$dir/cluster.conf.new" "$dir/cluster.conf"
}

# state_read fails if the folder holds no cluster.
state_read() {
    [[ -r $dir/cluster.conf ]] || return 1
    # shellcheck source=/dev/null
    . "$dir/cluster.conf"
}

state_need() {
    state_read || die "no cluster in $dir" "start one: ${0##*/} up --dir $dir"
}

# Below the range the kernel gives to outgoing connections. A port that another
# cluster chose a moment ago may not be open yet: chance makes that rare.
free_port() {
    local port
    for _ in {1..100}; do
        port=$((20000 + SRANDOM % 10000))
        [[ $(ss -Hltn "sport = :$port") ]] || { echo "$port" && return; }
    done
    die "no free TCP port between 20000 and 30000" "stop something: ss -ltnp"
}

# The API server advertises an address that is not a loopback one. A machine
# without a network gets by with the service address, which is on lo.
find_machine_address() {
    local address
    address=$(ip -4 -json route get 192.0.2.250 2>/dev/null | jq -r '.[0].prefsrc // empty') || true
    [[ $address && $address != 127.* ]] || address=$(ip -4 -json addr show scope global |
        jq -r '[.[].addr_info[]? | select(.family == "inet").local][0] // empty')
    echo "${address:-$service_address}"
}
