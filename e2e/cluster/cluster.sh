#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# cluster.sh: a real Kubernetes on this machine for tests. See README.md.

set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=lib/say.sh
. "$here/lib/say.sh"
# shellcheck source=lib/state.sh
. "$here/lib/state.sh"
# shellcheck source=lib/process.sh
. "$here/lib/process.sh"
# shellcheck source=lib/identity.sh
. "$here/lib/identity.sh"
# shellcheck source=lib/control-plane.sh
. "$here/lib/control-plane.sh"
# shellcheck source=lib/containerd.sh
. "$here/lib/containerd.sh"
# shellcheck source=lib/kubelet.sh
. "$here/lib/kubelet.sh"
# shellcheck source=lib/machine.sh
. "$here/lib/machine.sh"
# shellcheck source=lib/registry.sh
. "$here/lib/registry.sh"
# shellcheck source=lib/teardown.sh
. "$here/lib/teardown.sh"

usage() {
    cat <<END
usage: ${0##*/} COMMAND [--dir DIR] …

  up [--version 1.36|1.34] [--node [--wait SECONDS]] [--with-controllers]
                         start etcd and an API server; --node adds controllers,
                         scheduler, containerd, a kubelet and a registry
                         (one node at a time: --wait for another's end)
  down                   stop it all and leave nothing behind
  status                 list the parts; fails if one does not run
  env                    print shell exports for using the cluster
  token NAMESPACE NAME   print a token of a service account
  start PART, stop PART  one part (status names them)
  restart-apiserver      stop the API server, start it, wait until it is ready
  compact-etcd           forget all history; with a restart-apiserver after it,
                         older watches and lists get "410 Gone"

DIR is \$XDG_RUNTIME_DIR/cocoon-cluster (or /tmp/cocoon-cluster) unless given.
END
}

command_up() {
    local wanted=(kube-apiserver kubectl)
    ! state_read || die "there is a cluster in $dir already" "${0##*/} down --dir $dir"
    [[ ! -e $dir || -z $(ls -A "$dir") ]] || die "$dir is not empty and holds no cluster" "give another --dir"
    need "$(etcd_program || echo etcd)" etcd-server openssl openssl curl curl jq jq ip iproute2 setsid util-linux
    if $node; then need_for_node; fi
    ! $controllers || wanted+=(kube-controller-manager)
    ! $node || wanted+=(kube-scheduler kubelet)
    parts=$("$here/parts.sh" "$version" "${wanted[@]}")
    state_create
    if $node && ! wait_for "$wait" machine_take; then
        rm -rf -- "$short" "$dir"
        die "no node can be started: $(machine_holder)" "stop that one, or wait for it: --wait SECONDS"
    fi
    trap 'say "start failed: stopping (logs stay in $dir/log)"; stop_everything' EXIT
    make_certificates
    make_users
    start_cluster
    trap - EXIT
    say "ready: eval \"\$(${0##*/} env --dir $dir)\""
}

need_for_node() {
    ((EUID == 0)) || die "a node needs root" "run as root, or without --node"
    need containerd containerd runc runc docker-registry docker-registry umoci umoci skopeo skopeo \
        /usr/lib/cni/ptp containernetworking-plugins "${CC:-cc}" gcc
}

# What takes time runs while the API server starts.
start_cluster() {
    define_etcd
    define_apiserver
    if $node; then machine_save; fi
    part_start etcd
    part_start kube-apiserver
    if $node; then start_node_parts; fi
    part_ready kube-apiserver 60 api_ready
    kubectl apply --server-side -f "$here/runtimeclasses.yaml" >>"$dir/log/setup.log" 2>&1 ||
        die "the RuntimeClasses were not accepted" "see $dir/log/setup.log"
    if $controllers; then
        define_controllers
        part_start kube-controller-manager
    fi
    if $node; then start_node; fi
    if $controllers; then part_ready kube-controller-manager 60 default_account; fi
}

start_node_parts() {
    define_registry
    define_containerd
    part_start registry
    install_oci_check
    part_start containerd
    part_ready registry 20 registry_ready
    push_images
    part_ready containerd 30 containerd_ready
}

start_node() {
    define_scheduler
    define_kubelet
    part_start kube-scheduler
    part_start kubelet
    part_ready kubelet 60 node_ready
}

command_down() {
    state_read || return 0
    stop_everything
    # Only what up made, and never across a mount that would not go away.
    rm -rf --one-file-system -- "$short" "$dir"
}

command_status() {
    local part all=0
    state_need
    for part in $(part_names); do
        if part_runs "$part"; then
            printf '%-24s running  %s\n' "$part" "$(part_pid "$part")"
        else
            printf '%-24s stopped  %s\n' "$part" "$dir/log/$part.log"
            all=1
        fi
    done
    return "$all"
}

command_env() {
    state_need
    # The programs' folder may hold other programs than the ones we chose.
    ln -sfn "$parts/kubectl" "$dir/bin/kubectl"
    printf 'export KUBECONFIG=%q\n' "$dir/admin.kubeconfig"
    # shellcheck disable=SC2016 # the caller's PATH, not ours
    printf 'export PATH=%q:"$PATH"\n' "$dir/bin"
    printf 'export COCOON_CLUSTER_DIR=%q\n' "$dir"
    if $node; then
        printf 'export REGISTRY=127.0.0.1:%s\n' "$registry_port"
        printf 'export REGISTRY_FOR_PODS=%s:%s\n' "$service_address" "$registry_port"
    fi
}

command_token() {
    (($# == 2)) || die "token needs a namespace and a service account" "${0##*/} token default default"
    state_need
    kubectl create token --namespace "$1" "$2"
}

command_start() {
    (($# == 1)) || die "start needs a part" "see ${0##*/} status"
    state_need
    part_start "$1"
    [[ $1 != kube-apiserver ]] || part_ready kube-apiserver 60 api_ready
}

command_stop() {
    (($# == 1)) || die "stop needs a part" "see ${0##*/} status"
    state_need
    [[ -e $dir/run/$1.command ]] || die "$1 is not a part of the cluster in $dir" "its parts: $(part_names)"
    part_stop "$1"
}

command_restart_apiserver() {
    state_need
    # Not politely: the server would wait for open watches.
    part_stop kube-apiserver KILL
    start_apiserver
}

command_compact_etcd() {
    state_need
    compact_etcd
}

main() {
    local command=${1:-help} words=()
    dir=${XDG_RUNTIME_DIR:-/tmp}/cocoon-cluster version=1.36 wait=0 node=false controllers=false
    shift || true
    while (($#)); do
        case $1 in
        --dir | --version | --wait)
            (($# >= 2)) || die "$1 needs a value"
            printf -v "${1#--}" %s "$2"
            shift
            ;;
        --node) node=true controllers=true ;;
        --with-controllers) controllers=true ;;
        -h | --help) command=help ;;
        -*) die "unknown option $1" "see ${0##*/} help" ;;
        *) words+=("$1") ;;
        esac
        shift
    done
    dir=$(realpath -m -- "$dir")
    # It is written into files of five formats.
    [[ $dir =~ ^[A-Za-z0-9/._+@-]+$ ]] || die "the folder $dir has a character that is not a letter, digit or one of /._+@-" "give another --dir"
    case $command in
    up | down | status | env | token | start | stop | restart-apiserver | compact-etcd)
        "command_${command//-/_}" "${words[@]}"
        ;;
    help | -h | --help) usage ;;
    *) usage >&2 && die "unknown command $command" ;;
    esac
}

main "$@"
