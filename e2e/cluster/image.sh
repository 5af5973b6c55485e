#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# image.sh NAME:TAG BINARY [FILE[:PLACE]…]: make an OCI image of one program and
# push it to $REGISTRY (host:port; plain HTTP on this machine). Prints the name with the digest
# under which pods of the test cluster pull it.
#
# The image holds the program as /usr/bin/BINARY (its entry point), the shared
# libraries it needs, the FILEs (at PLACE, else where they are on this machine;
# libraries that they need come along), and an account for user 65532, who runs
# it. The same input gives the same digest.

set -euo pipefail

# shellcheck source=lib/say.sh
. "$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)/lib/say.sh"

readonly user=65532 pull_host=localhost:5000
readonly epoch=1970-01-01T00:00:00Z

# place SOURCE TARGET: into the tree, with the libraries it needs.
place() {
    local source=$1 target=$tree$2 library
    [[ -e $source ]] || die "no file $source" "build it first"
    mkdir -p "$(dirname "$target")"
    cp -LR --no-preserve=ownership "$source" "$target"
    [[ -f $source ]] || return 0
    for library in $(libraries "$source"); do
        [[ ! -e $tree$library ]] || continue
        mkdir -p "$(dirname "$tree$library")"
        cp -L --no-preserve=ownership "$library" "$tree$library"
    done
}

# libraries FILE: the closure as the loader finds it, the loader included.
# Scripts, data and static programs need none.
libraries() {
    local text
    text=$(LC_ALL=C ldd "$1" 2>/dev/null) || return 0
    [[ $text != *"not found"* ]] || die "$1 needs a library that is not installed" "see: ldd $1"
    awk '{ for (i = 1; i <= NF; i++) if ($i ~ /^\//) print $i }' <<<"$text"
}

fill_tree() {
    local file source target
    mkdir -p "$tree"/{etc,tmp,usr/bin,home/nonroot}
    printf '%s\n' "root:x:0:0:root:/:/sbin/nologin" "nonroot:x:$user:$user:nonroot:/home/nonroot:/sbin/nologin" >"$tree/etc/passwd"
    printf '%s\n' "root:x:0:" "nonroot:x:$user:" >"$tree/etc/group"
    echo "hosts: files dns" >"$tree/etc/nsswitch.conf"
    place "$binary" "/usr/bin/${binary##*/}"
    for file in "${files[@]}"; do
        source=${file%%:*} target=${file#*:}
        [[ $file == *:* ]] || target=$(realpath -s -- "$source")
        [[ $target == /* ]] || die "the place of $source must be absolute, not $target" "write $source:/…"
        place "$source" "$target"
    done
    # What the builder's umask and clock left must not show in the digest.
    chmod -R u=rwX,go=rX "$tree"
    chmod 1777 "$tree/tmp"
    find "$tree" -exec touch -h -d "$epoch" {} +
}

make_image() {
    umoci init --layout "$layout"
    umoci new --image "$layout:image"
    umoci insert --rootless --no-history --image "$layout:image" "$tree" /
    umoci config --no-history --image "$layout:image" --created "$epoch" \
        --config.user "$user:$user" --config.entrypoint "/usr/bin/${binary##*/}" \
        --config.workingdir / --config.env PATH=/usr/bin
}

main() {
    (($# >= 2)) || die "usage: ${0##*/} NAME:TAG BINARY [FILE[:PLACE]…]"
    name=${1#"$pull_host/"} binary=$2
    files=("${@:3}")
    [[ ${REGISTRY:-} ]] || die "\$REGISTRY is not set" "give host:port, or take it from: cluster.sh env"
    [[ $name == *:* ]] || die "the name $name has no tag" "write $name:TAG"
    need umoci umoci skopeo skopeo
    work=$(mktemp -d)
    trap 'rm -rf -- "$work"' EXIT
    tree=$work/tree layout=$work/layout
    fill_tree
    make_image >"$work/log" 2>&1 || die "umoci failed: $(tail -n 3 "$work/log")"
    # Plain HTTP is for registries on this machine alone.
    case $REGISTRY in localhost:* | 127.* | "[::1]"*) verify=false ;; *) verify=true ;; esac
    skopeo --insecure-policy copy --quiet --preserve-digests --dest-tls-verify="$verify" \
        --digestfile "$work/digest" "oci:$layout:image" "docker://$REGISTRY/$name" >&2 ||
        die "the registry $REGISTRY did not take $name" "is it running? cluster.sh status"
    echo "$pull_host/${name%:*}@$(<"$work/digest")"
}

main "$@"
