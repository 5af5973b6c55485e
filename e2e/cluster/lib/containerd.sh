# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # variables shared with the sourcing script
#
# containerd with folders, socket, network and runtime handlers of its own.

readonly confidential_handlers=(kata-qemu-coco-dev kata-qemu-snp kata-qemu-tdx kata-remote)

define_containerd() {
    write_containerd_config
    write_network
    write_mirror localhost:5000
    write_mirror "$service_address:$registry_port"
    part_define containerd containerd --config "$dir/containerd.toml"
}

containerd_ready() { ctr --address "$short/containerd.sock" --connect-timeout 2s version; }

# The machine's own containerd, if there is one, must not notice ours: every
# path that defaults to a shared folder is set. containerd.d/*.toml is for tests
# that add something, for example stream processors.
write_containerd_config() {
    cat >"$dir/containerd.toml" <<END
version = 2
root = "$dir/containerd"
state = "$dir/containerd-state"
imports = ["$dir/containerd.d/*.toml"]
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
  "io.containerd.internal.v1.restart",
  "io.containerd.tracing.processor.v1.otlp",
]

[grpc]
  address = "$short/containerd.sock"

[plugins."io.containerd.internal.v1.opt"]
  path = "$dir/containerd/opt"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost:5000/cocoon/pause:1"
  # Without CAP_SYS_RESOURCE runc cannot lower a score ("can't get final child's
  # PID from pipe").
  restrict_oom_score_adj = true
  # Else they stay in a folder of the machine.
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "$dir/registries"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$dir/cni"
$(write_handler runc runc)
$(for handler in "${confidential_handlers[@]}"; do
        write_handler "$handler" "$dir/bin/oci-check-$handler"
    done)
END
}

# write_handler NAME RUNTIME. The annotations are those Kata's installer
# forwards, and the runtime handler's for oci-check's record.
write_handler() {
    cat <<END

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.$1]
  runtime_type = "io.containerd.runc.v2"
  pod_annotations = ["io.katacontainers.*", "io.containerd.cri.runtime-handler"]
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.$1.options]
    BinaryName = "$2"
    Root = "$dir/runc"
END
}

# One point-to-point link for each pod, routed by the machine, nothing hidden
# behind another address. The default route is the way to the API server.
write_network() {
    mkdir -p "$dir/cni"
    cat >"$dir/cni/10-cocoon.conflist" <<END
{
  "cniVersion": "0.4.0",
  "name": "cocoon",
  "plugins": [{
    "type": "ptp",
    "ipMasq": false,
    "ipam": {
      "type": "host-local",
      "dataDir": "$dir/cni-addresses",
      "ranges": [[{"subnet": "$pod_range"}]],
      "routes": [{"dst": "0.0.0.0/0"}]
    }
  }]
}
END
}

# write_mirror HOST: images named HOST/… come from our registry, over plain HTTP.
write_mirror() {
    mkdir -p "$dir/registries/$1"
    cat >"$dir/registries/$1/hosts.toml" <<END
server = "http://127.0.0.1:$registry_port"
[host."http://127.0.0.1:$registry_port"]
  capabilities = ["pull", "resolve"]
END
}

# Each handler calls oci-check by its own name, which is how it knows the class.
install_oci_check() {
    local handler go
    go=$("$here/../../tools/go.sh") || die "there is no Go to build oci-check with" "see the messages above"
    (cd "$here/../oci-check" && GOWORK=off CGO_ENABLED=0 "$go" build -trimpath -buildvcs=false -o "$dir/bin/oci-check" .) \
        >>"$dir/log/build.log" 2>&1 || die "oci-check does not build" "see $dir/log/build.log"
    for handler in "${confidential_handlers[@]}"; do
        ln -sfn oci-check "$dir/bin/oci-check-$handler"
    done
    cat >"$dir/bin/oci-check.toml" <<END
runc = "$(type -P runc)"
record = "$dir/oci-check.jsonl"
END
    : >"$dir/oci-check.jsonl"
}
