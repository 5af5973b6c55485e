# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # variables shared with the sourcing script
#
# The kubelet, and what it changes outside its folder.

define_kubelet() {
    cat >"$dir/kubelet.yaml" <<END
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: 0.0.0.0
port: $kubelet_port
readOnlyPort: 0
healthzPort: 0
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: false}
  x509: {clientCAFile: $dir/pki/ca.crt}
authorization: {mode: AlwaysAllow}
containerRuntimeEndpoint: unix://$short/containerd.sock
podLogsDir: $dir/pod-logs
volumePluginDir: $dir/volume-plugins
# cgroup v1, without slices for quality of service, is all some machines give.
failCgroupV1: false
cgroupDriver: cgroupfs
cgroupsPerQOS: false
enforceNodeAllocatable: []
localStorageCapacityIsolation: false
failSwapOn: false
oomScoreAdj: 0
makeIPTablesUtilChains: false
# A full disk of the machine is no business of a test cluster.
evictionHard:
  memory.available: "0%"
  nodefs.available: "0%"
  nodefs.inodesFree: "0%"
  imagefs.available: "0%"
  imagefs.inodesFree: "0%"
imageGCHighThresholdPercent: 100
# A test deletes many pods: ask for their end often.
syncFrequency: 10s
nodeStatusUpdateFrequency: 10s
registryPullQPS: 0
eventRecordQPS: 0
kubeAPIQPS: 100
kubeAPIBurst: 200
END
    part_define kubelet "$parts/kubelet" --config "$dir/kubelet.yaml" \
        --kubeconfig "$dir/kubelet.kubeconfig" --root-dir "$short/kubelet" \
        --cert-dir "$dir/kubelet-pki" --hostname-override "$node_name" --node-ip "$machine_address"
}

node_ready() {
    [[ $(kubectl get node "$node_name" --request-timeout 5s \
        -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}') == True ]]
}

default_account() { kubectl get serviceaccount default --request-timeout 5s; }

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
    [[ -r $dir/machine ]] || return 0
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
}
