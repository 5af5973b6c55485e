#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# docs/image-encryption.md, command by command as it stands there, on a machine that only looks like one's own: in a
# mount and process namespace with empty /etc/containerd, /run/containerd, /var/lib/containerd and /usr/local/bin, where
# "systemctl restart containerd" starts the real containerd, and skopeo is current skopeo's engine with its flags. Needs
# root, but no cluster.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
# shellcheck source=e2e/lib.sh
. e2e/lib.sh
# shellcheck source=e2e/images.sh
. e2e/images.sh
# shellcheck source=tests/page.sh
. tests/page.sh

page=docs/image-encryption.md

stand_ins() { # programs that the page names and this machine has not, or not so
	mkdir -p "$work/bin"
	cat >"$work/bin/systemctl" <<-END
		#!/bin/sh
		[ "\$*" = "restart containerd" ] || exit 1
		[ ! -e $work/containerd.pid ] || kill \$(cat $work/containerd.pid)
		setsid containerd >>$work/containerd.log 2>&1 </dev/null &
		echo \$! >$work/containerd.pid
		for i in \$(seq 100); do ctr version >/dev/null 2>&1 && exit; sleep 0.1; done
		exit 1
	END
	cat >"$work/bin/skopeo" <<-'END'
		#!/bin/bash
		options=() places=()
		[ "$1" = copy ] || exit 1
		while shift && [ $# -gt 0 ]; do
			case $1 in
			--quiet) ;;
			--*) options+=("$1" "$2") && shift ;;
			*) places+=("$1") ;;
			esac
		done
		exec peer-copy "${options[@]}" "${places[@]}"
	END
	chmod +x "$work/bin/systemctl" "$work/bin/skopeo"
}

machine() { # inside the namespaces: everything below ends with this shell
	local folder
	for folder in /etc/containerd /run/containerd /var/lib/containerd /usr/local/bin; do
		mkdir -p $folder && mount -t tmpfs none $folder || return 1
	done
	printf 'version = 2\nimports = ["/etc/containerd/conf.d/*.toml"]\n' >/etc/containerd/config.toml
	PATH=$work/bin:$PATH
	systemctl restart containerd && ctr images import "$work/app.tar" >/dev/null || return 1
	run_page $page
}

if [ "${1:-}" = inside ]; then
	trap - EXIT
	rmdir "$work"
	work=$2
	machine
	exit
fi
peers
registry
stand_ins
tree_tar "$work/base.tar" base=1
tree_tar "$work/top.tar" app=2
gzip -n "$work/base.tar" "$work/top.tar"
image "$work/app" "$work/base.tar.gz=$GZIP" "$work/top.tar.gz=$GZIP"
need skopeo --insecure-policy copy --quiet --dest-tls-verify=false "oci:$work/app:t" "docker://$registry/team/app:1"
need skopeo --insecure-policy copy --quiet "oci:$work/app:t" "oci-archive:$work/app.tar:registry.example/app:1"
run env REGISTRY="$registry" PATH="$PATH" unshare --mount --pid --fork --mount-proc --kill-child "$root/e2e/journeys/image-docs.sh" inside "$work"
status=$?
expect_equal "$page: what is shown is what is printed" "0 " "$status $said"
expect_equal "every block of commands is among them" "$(grep -c '^```console$' $page)" "$(grep -cx '<!-- run -->' $page)"
finish
