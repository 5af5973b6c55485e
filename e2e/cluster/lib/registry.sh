# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # variables shared with the sourcing script
#
# The image registry, and the two images that are always in it.

define_registry() {
    cat >"$dir/registry.yaml" <<END
version: 0.1
log: {level: warn, accesslog: {disabled: true}}
storage:
  filesystem: {rootdirectory: $dir/registry}
  delete: {enabled: true}
http:
  # Pods reach it too, at the service range's first address.
  addr: 0.0.0.0:$registry_port
END
    part_define registry docker-registry serve "$dir/registry.yaml"
}

registry_ready() { curl -sSf --max-time 2 "http://127.0.0.1:$registry_port/v2/"; }

# push_static NAME:TAG SOURCE.c: a static C program as an image.
push_static() {
    local program
    program=$dir/bin/$(basename "$2" .c)
    ${CC:-cc} -Wall -Wextra -Os -static -s -o "$program" "$2" &&
        REGISTRY=127.0.0.1:$registry_port "$here/image.sh" "$1" "$program"
}

push_images() {
    {
        push_static cocoon/pause:1 "$here/images/pause.c" &&
            push_static demo/app:1 "$here/images/demo-app.c"
    } >>"$dir/log/build.log" 2>&1 || die "the images pause and demo/app cannot be made" "see $dir/log/build.log"
}
