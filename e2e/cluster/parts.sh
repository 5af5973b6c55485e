#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# parts.sh [1.36|1.34] [PART…]: find or build Kubernetes programs and print a
# folder that holds them all.
#
# A part is taken from $KUBEBUILDER_ASSETS, then from PATH (where its version is
# of the wanted minor release), then from the cache; what is missing is built
# into the cache. Without PARTs: kube-apiserver and kubectl, and for 1.36 also
# kube-controller-manager, kube-scheduler and kubelet.

set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/cocoon
# shellcheck source=lib/say.sh
. "$here/lib/say.sh"

# A build takes ten minutes; another one that holds the lock may take as long.
readonly lock_seconds=3600

# release_of MINOR prints the exact release that the minor's go.mod pins.
release_of() {
    local release
    release=$(sed -n 's/^require k8s\.io\/kubernetes v//p' "$here/kubernetes/$1/go.mod" 2>/dev/null) || true
    [[ $release ]] || die "Kubernetes $1 is not known" "give one of: $(cd "$here/kubernetes" && echo *)"
    echo "$release"
}

# is_minor PROGRAM MINOR: does the program report that minor release? Wrappers
# that download or guess something else do not.
is_minor() {
    local program=$1 minor=$2 text arguments=(--version)
    [[ ${program##*/} != kubectl ]] || arguments=(version --client)
    text=$(timeout 10 "$program" "${arguments[@]}" 2>/dev/null </dev/null) || return 1
    [[ $text =~ v${minor//./\\.}\.[0-9]+ ]]
}

# find_part PART prints the program's path, or fails.
find_part() {
    local part=$1 candidate
    for candidate in "${KUBEBUILDER_ASSETS:+$KUBEBUILDER_ASSETS/$part}" "$(type -P "$part" || true)"; do
        [[ $candidate && -x $candidate ]] || continue
        is_minor "$candidate" "$minor" || continue
        realpath -- "$candidate"
        return
    done
    [[ -x $built/$part ]] && echo "$built/$part"
}

# build PART…: into a folder of its own, then renamed, so that nobody ever runs
# half a program.
build() {
    local part names=() flags go
    go=$("$here/../../tools/go.sh") || die "there is no Go to build with" "see the messages above"
    flags="-s -w -X k8s.io/component-base/version.gitVersion=v$release"
    flags+=" -X k8s.io/component-base/version.gitMajor=${minor%.*}"
    flags+=" -X k8s.io/component-base/version.gitMinor=${minor#*.}"
    mkdir -p "$built"
    work=$(mktemp -d "$built/.build.XXXXXX")
    trap 'rm -rf -- "$work"' EXIT # not local: the trap runs later
    for part; do names+=("k8s.io/kubernetes/cmd/$part"); done
    say "building $* $release: five to ten minutes on two cores, once only"
    (cd "$here/kubernetes/$minor" && GOWORK=off CGO_ENABLED=0 GOFLAGS='' nice -n 15 \
        "$go" build -trimpath -buildvcs=false -ldflags "$flags" -o "$work/" "${names[@]}") >&2 ||
        die "building Kubernetes $release failed" "see the messages above"
    for part; do mv -f -- "$work/$part" "$built/$part"; done
}

# link_folder PART…: one folder of links, named after what it links to, for
# parts that come from several places.
link_folder() {
    local part paths=() folder
    for part; do paths+=("$(find_part "$part")") || die "no $part although it was just built"; done
    if [[ $(printf '%s\n' "${paths[@]%/*}" | sort -u | wc -l) == 1 ]]; then
        echo "${paths[0]%/*}"
        return
    fi
    folder=$cache/kubernetes/links-$(printf '%s\n' "${paths[@]}" | sha256sum | cut -c1-16)
    mkdir -p "$folder"
    ln -sfn -- "${paths[@]}" "$folder/"
    echo "$folder"
}

main() {
    local part missing=()
    minor=${1:-1.36}
    shift || true
    release=$(release_of "$minor")
    built=$cache/kubernetes/v$release
    if (($# == 0)); then
        set -- kube-apiserver kubectl
        [[ $minor != 1.36 ]] || set -- "$@" kube-controller-manager kube-scheduler kubelet
    fi
    mkdir -p "$cache"
    exec 8>"$cache/kubernetes.lock"
    for part; do find_part "$part" >/dev/null || missing+=("$part"); done
    if ((${#missing[@]})); then
        flock -w "$lock_seconds" 8 || die "another build holds $cache/kubernetes.lock for an hour" "look for it, then try again"
        local again=("${missing[@]}")
        missing=()
        for part in "${again[@]}"; do find_part "$part" >/dev/null || missing+=("$part"); done
        ((${#missing[@]} == 0)) || build "${missing[@]}"
    fi
    link_folder "$@"
}

main "$@"
