# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # variables shared with the sourcing script
#
# etcd, kube-apiserver, kube-controller-manager and kube-scheduler.

kubectl() { "$parts/kubectl" --kubeconfig "$dir/admin.kubeconfig" "$@"; }

# etcd comes with envtest's folder too.
etcd_program() {
    if [[ -x ${KUBEBUILDER_ASSETS:-}/etcd ]]; then
        echo "$KUBEBUILDER_ASSETS/etcd"
    else
        type -P etcd
    fi
}

define_etcd() {
    local client=http://127.0.0.1:$etcd_port peer=http://127.0.0.1:$etcd_peer_port
    # No fsync: nobody needs this data after a power cut.
    part_define etcd "$(etcd_program)" --name default --data-dir "$dir/etcd" --unsafe-no-fsync --logger zap \
        --listen-client-urls "$client" --advertise-client-urls "$client" \
        --listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" --initial-cluster "default=$peer"
}

define_apiserver() {
    local flags=(
        --etcd-servers "http://127.0.0.1:$etcd_port"
        --secure-port "$api_port"
        --advertise-address "$machine_address"
        --tls-cert-file "$dir/pki/kube-apiserver.crt"
        --tls-private-key-file "$dir/pki/kube-apiserver.key"
        --cert-dir "$dir/pki"
        --service-account-issuer https://kubernetes.default.svc
        --service-account-signing-key-file "$dir/pki/sa.key"
        --service-account-key-file "$dir/pki/sa.key"
        --token-auth-file "$dir/pki/tokens.csv"
        --service-cluster-ip-range "$service_range"
        --authorization-mode "Node,RBAC"
        # Without kube-proxy the server itself must resolve a webhook's Service.
        --enable-aggregator-routing
        # Admission's audit annotations can be seen nowhere else.
        --audit-policy-file "$here/audit-policy.yaml"
        --audit-log-path "$dir/log/audit.jsonl"
        --audit-log-mode blocking
        # Images as volumes, which older versions know and have switched off.
        --feature-gates ImageVolume=true
    )
    if $node; then
        flags+=(
            --bind-address 0.0.0.0
            --enable-admission-plugins NodeRestriction
            # Makes logs and exec work without resolving the node's name.
            --kubelet-preferred-address-types InternalIP
            --kubelet-client-certificate "$dir/pki/kubelet-client.crt"
            --kubelet-client-key "$dir/pki/kubelet-client.key"
        )
    else
        flags+=(--bind-address 127.0.0.1)
    fi
    # Nobody makes the default service accounts then: pods must do without.
    $controllers || flags+=(--disable-admission-plugins ServiceAccount)
    part_define kube-apiserver "$parts/kube-apiserver" "${flags[@]}"
}

define_controllers() {
    part_define kube-controller-manager "$parts/kube-controller-manager" \
        --kubeconfig "$dir/controller-manager.kubeconfig" \
        --secure-port 0 --leader-elect=false \
        --use-service-account-credentials \
        --service-account-private-key-file "$dir/pki/sa.key" \
        --root-ca-file "$dir/pki/ca.crt" \
        --flex-volume-plugin-dir "$dir/volume-plugins"
}

define_scheduler() {
    part_define kube-scheduler "$parts/kube-scheduler" \
        --kubeconfig "$dir/scheduler.kubeconfig" --secure-port 0 --leader-elect=false
}

api_ready() {
    [[ $(kubectl get --raw /readyz --request-timeout 2s) == ok ]]
}

start_apiserver() {
    part_start kube-apiserver
    part_ready kube-apiserver 60 api_ready
}

# etcd_call METHOD JSON: the etcd v3 API through its JSON gateway.
etcd_call() {
    curl -sS --fail-with-body --max-time 10 "http://127.0.0.1:$etcd_port/v3/$1" -d "$2"
}

# compact_etcd drops all history, as the API server does every five minutes.
# Its cache of recent changes survives that, not a restart: after both, a watch
# or list from an older resource version gets "410 Gone".
compact_etcd() {
    local revision
    revision=$(etcd_call kv/range '{"key":"AA=="}' | jq -er .header.revision) ||
        die "etcd does not tell its revision" "see ${0##*/} status --dir $dir"
    etcd_call kv/compaction "{\"revision\":\"$revision\",\"physical\":true}" >/dev/null ||
        die "etcd did not compact at revision $revision" "its log: $dir/log/etcd.log"
    echo "$revision"
}
