#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# self-test.sh: does the test cluster itself do what it promises? Starts a node
# cluster and an API server of the older release side by side, runs pods, and
# looks for what is left after the end. Needs root and about a minute.

set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=lib/say.sh
. "$here/lib/say.sh"
work=$(mktemp -d)
# shellcheck disable=SC2317 # called by the trap
finish() {
    "$here/cluster.sh" down --dir "$work/node" || true
    "$here/cluster.sh" down --dir "$work/api" || true
    rm -rf -- "$work"
}
trap finish EXIT

# Vector A of the init-data specification, and its digest.
readonly good=H4sIAAAAAAAC/ytLLSrOzM9TsFVQMtAz1DNQ4krMSc8vyizJyAWJFWckGluYKHFxRackliTGciklJuqV5OfmKAEl1dXVuaJL8rNT8+KT8/PSMtOLY9H4etlJQLHSohyQURklJQVW+vqGRuZ6BkBoaGVhYAG0DmQKAGait12FAAAA
readonly digest=fde4f63013a28cedd4fe61082fc634d252c937440d859dcf008cdfad5c09a6bcdc14bf4f862683952bcb1770d83897f1

count=0
# check WHAT COMMAND…
check() {
    local what=$1
    shift
    count=$((count + 1))
    if ! "$@" >"$work/output" 2>&1 </dev/null; then
        cat "$work/output" >&2
        die "$what"
    fi
    say "ok $count - $what"
}

# pod NAME [CLASS INIT-DATA] prints a manifest.
pod() {
    cat <<END
apiVersion: v1
kind: Pod
metadata:
  name: $1
  annotations: {${3:+io.katacontainers.config.hypervisor.cc_init_data: "$3"}}
spec:
  ${2:+runtimeClassName: $2}
  containers: [{name: app, image: "localhost:5000/demo/app:1", args: [$1]}]
END
}

# traces prints what a cluster could leave on the machine.
traces() {
    local file
    awk '{ print "mount", $5 }' /proc/self/mountinfo
    ip -o addr show | awk '{ print "address", $2, $4 }'
    ip route show | sed 's/^/route /'
    ls -d /run/containerd /run/containerd/s/* /var/lib/kubelet /var/lib/cni /var/lib/cni/results/* \
        /var/log/containers /var/log/pods /run/netns/* /usr/libexec/kubernetes /run/cocoon-node "${shorts[@]}" 2>/dev/null || true
    find /sys/fs/cgroup -type d \( -name k8s.io -o -name 'kube*' \) 2>/dev/null || true
    for file in vm/overcommit_memory kernel/panic kernel/panic_on_oops net/ipv4/ip_forward; do
        echo "$file $(</proc/sys/$file)"
    done
    # The dead wait for init; every other command line that names our folder counts.
    grep -lsF "$work/" /proc/[0-9]*/cmdline || true
}

# The pipe must close when "up" ends: no part may hold it.
up_through_pipe() { timeout 720 "$here/cluster.sh" up "$@" 2>&1 | timeout 720 cat; }
status_fails() { ! "$here/cluster.sh" status --dir "$work/api"; }
api() { "$work/node/bin/kubectl" --kubeconfig "$work/api/admin.kubeconfig" "$@"; }
describes() { kubectl describe pod "$1" | grep -F "$2"; }
recorded() { jq -es --arg name "$1" --arg digest "$2" 'any(.name == $name and .verdict == "accepted" and .digest == $digest)' "$work/node/oci-check.jsonl"; }
says() { kubectl logs "$1" | grep -F "$2"; }
forbidden() { ! kubectl --kubeconfig "$work/node/tenant-a.kubeconfig" get pods; }
is_release() { "${@:2}" get --raw /version | jq -e --arg v "v$1." '.gitVersion | startswith($v)'; }
gone() {
    local answer
    answer=$(api get --raw "/api/v1/pods?resourceVersion=1&resourceVersionMatch=Exact" 2>&1) || true
    [[ $answer == *Expired* ]]
}
same_digest() { [[ $("$here/image.sh" self/test:1 "$(type -P jq)") == "$("$here/image.sh" self/test:2 "$(type -P jq)")" ]]; }
same_traces() { traces >"$work/after" && diff "$work/before" "$work/after"; }

shorts=()
traces >"$work/before"
check "a node cluster starts" up_through_pipe --dir "$work/node" --node --wait 600
eval "$("$here/cluster.sh" env --dir "$work/node")"
check "an older API server starts beside it" up_through_pipe --dir "$work/api" --version 1.34
mapfile -t shorts < <(sed -n 's/^short=//p' "$work"/*/cluster.conf)
check "kubectl is the node cluster's" is_release 1.36 kubectl
check "the other one is 1.34" is_release 1.34 api

{ pod plain && echo --- && pod good kata-qemu-snp "$good" && echo --- && pod broken kata-qemu-snp "$good=" &&
    echo --- && pod missing kata-remote ""; } >"$work/pods.yaml"
check "pods are accepted" kubectl apply -f "$work/pods.yaml"
check "plain and confidential pods run" kubectl wait --for=condition=Ready pod/plain pod/good --timeout=60s
check "logs" says plain "demo-app: running plain"
check "the guest's record has the digest" recorded good "$digest"
check "broken init-data fails with the reason" wait_for 30 describes broken "init-data: base64"
check "missing init-data fails with the reason" wait_for 30 describes missing "init-data: missing"
check "a tenant has no rights of its own" forbidden
check "images are reproducible" same_digest

check "a token for a service account" api create serviceaccount controller
check "the token is printed" "$here/cluster.sh" token --dir "$work/api" default controller
check "a pod without service account is accepted" api apply -f <(pod plain)
check "history is forgotten" "$here/cluster.sh" compact-etcd --dir "$work/api"
check "the API server restarts" "$here/cluster.sh" restart-apiserver --dir "$work/api"
check "an old resource version is gone" gone
check "etcd stops" "$here/cluster.sh" stop etcd --dir "$work/api"
check "status tells" status_fails
check "etcd starts" "$here/cluster.sh" start etcd --dir "$work/api"
check "status is whole again" "$here/cluster.sh" status --dir "$work/api"

check "the older one ends" "$here/cluster.sh" down --dir "$work/api"
check "the node ends" "$here/cluster.sh" down --dir "$work/node"
check "a second end is no error" "$here/cluster.sh" down --dir "$work/node"
wait_for 5 same_traces || true
check "nothing is left" same_traces
echo "1..$count"
