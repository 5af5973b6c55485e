#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copies the programs of OUT/bin below PREFIX, under the names that they give themselves with --version (webhook and
# controller say more in a folder of ours than on a PATH), with what they tell: man pages and completions, and the
# guest's unit for systemd, which looks for the program in the usual places.
# Usage: tools/install.sh OUT PREFIX      (make install; PREFIX includes DESTDIR)
set -euo pipefail
out=${1:?usage: tools/install.sh OUT PREFIX}
prefix=${2:?usage: tools/install.sh OUT PREFIX}

# said PROGRAM TARGET WORD…: what the program prints, as a file that appears complete or not at all
said() {
	local program=$1 target=$2
	shift 2
	mkdir -p "${target%/*}"
	"$program" "$@" >"$target.new"
	chmod 644 "$target.new"
	mv -f "$target.new" "$target"
}

for program in "$out"/bin/*; do
	# the development broker is for tests and demonstrations
	[[ -f $program && -x $program && ${program##*/} != dev-kbs ]] || continue
	version=$("$program" --version)
	name=${version%% *}
	install -D -m 755 "$program" "$prefix/bin/$name"
	said "$program" "$prefix/share/man/man1/$name.1" man
	said "$program" "$prefix/share/bash-completion/completions/$name" completion bash
	said "$program" "$prefix/share/zsh/site-functions/_$name" completion zsh
	said "$program" "$prefix/share/fish/vendor_completions.d/$name.fish" completion fish
	echo "installed $prefix/bin/$name"
done
install -D -m 644 "$(dirname "$0")/../guest/cocoon-guest.service" "$prefix/lib/systemd/system/cocoon-guest.service"
