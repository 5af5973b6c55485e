# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # variables shared with the sourcing script
#
# The kubelet.

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
