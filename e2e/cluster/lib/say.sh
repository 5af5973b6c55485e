# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Messages and bounded waiting. All messages go to standard error: standard
# output belongs to answers.

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

# die WHAT [WHAT-TO-DO]
die() {
    say "error: $1"
    [[ ! ${2:-} ]] || say "  $2"
    exit 1
}

# wait_for SECONDS COMMAND…: run the command until it succeeds, at most so long.
wait_for() {
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1 </dev/null; do
        ((SECONDS < end)) || return 1
        sleep 0.2
    done
}

# need PROGRAM PACKAGE…: pairs of a program and the Debian package it is in.
need() {
    local missing=()
    while (($#)); do
        type -P "$1" >/dev/null || missing+=("$1 (package $2)")
        shift 2
    done
    ((${#missing[@]} == 0)) || die "missing: ${missing[*]}" "install these Debian packages"
}
