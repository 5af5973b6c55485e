# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # variables shared with the sourcing script
#
# The end of a node: pods, shims, mounts. Nothing is asked politely: a test
# cluster that is in trouble must go away too.

readonly kill_seconds=10

# container_ids prints the ids of all containers that our containerd knows.
container_ids() {
    local bundle
    for bundle in "$dir"/containerd-state/io.containerd.runtime.v2.task/*/*/; do
        [[ ! -d $bundle ]] || basename "$bundle"
    done
}

# pod_processes prints the processes in a cgroup named after a container of
# ours: whatever they started stays in it.
pod_processes() {
    local ids file
    ids=$(container_ids)
    [[ $ids ]] || return 0
    { grep -lsF -- "$ids" /proc/[0-9]*/cgroup || true; } | while read -r file; do
        # Who is dead but not yet asked for its status cannot be killed again.
        grep -qs '^State:.Z' "${file%/cgroup}/status" || echo "${file//[!0-9]/}"
    done
}

# shim_processes prints the shims that report to our containerd's socket.
shim_processes() {
    local file
    { grep -lszxF -- "$short/containerd.sock" /proc/[0-9]*/cmdline || true; } | while read -r file; do
        ! grep -qs containerd-shim "$file" || echo "${file//[!0-9]/}"
    done
}

# kill_all LISTING: kill what the function lists until it lists nothing.
kill_all() {
    local end=$((SECONDS + kill_seconds)) pids
    while pids=$($1) && [[ $pids ]]; do
        if ((SECONDS >= end)); then
            say "these processes cannot be killed: ${pids//$'\n'/ }"
            return 0
        fi
        # shellcheck disable=SC2086 # one word each
        kill -s KILL $pids 2>/dev/null || true
        sleep 0.1
    done
}

# remove_traces: what a shim would have removed, had it lived: its socket and
# its containers' cgroups.
remove_traces() {
    local address id
    for address in "$dir"/containerd-state/io.containerd.runtime.v2.task/*/*/address; do
        [[ ! -r $address ]] || rm -f -- "$(sed 's|^unix://||' "$address")"
    done
    for id in $(container_ids); do
        find /sys/fs/cgroup -depth -type d -path "*/$id*" -exec rmdir {} \; 2>/dev/null || true
    done
    find /sys/fs/cgroup -depth -type d -name k8s.io -exec rmdir {} \; 2>/dev/null || true
}

# Deepest first; lazily, because a namespace of a dying process may still hold one.
unmount_below() {
    local folder=$1 point
    awk -v folder="$folder/" 'index($5, folder) == 1 { print $5 }' /proc/self/mountinfo | sort -r |
        while read -r point; do
            umount -l -- "$(printf '%b' "$point")" || say "$point cannot be unmounted"
        done
}

stop_everything() {
    local part
    if $node; then
        part_stop kubelet KILL
        kill_all pod_processes
        kill_all shim_processes
        part_stop containerd
    fi
    for part in kube-scheduler kube-controller-manager kube-apiserver; do part_stop "$part" KILL; done
    for part in $(part_names); do part_stop "$part"; done
    if $node; then
        remove_traces
        unmount_below "$dir"
        unmount_below "$short"
        machine_restore
    fi
}
