#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What `make install` leaves behind: the programs under their own names, man pages that man renders without a warning,
# and completions that their shells take. TAP. Usage: tests/cli/install.sh OUT
# shellcheck disable=SC2016 # the inner shells expand
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
out=${1:?usage: tests/cli/install.sh OUT}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
prefix=$work/usr
log=$work/log
number=0

# ok NAME COMMAND…: the command must succeed
ok() {
	local name=$1
	shift
	number=$((number + 1))
	if "$@" >"$log" 2>&1; then
		echo "ok $number - $name"
	else
		echo "not ok $number - $name"
		tail -n 20 "$log" | sed 's/^/# /'
	fi
}

# silent COMMAND…: succeeds, and says nothing on standard error
silent() {
	"$@" 2>"$work/said" >"$work/printed" && [[ -s $work/printed && ! -s $work/said ]] && return
	cat "$work/said"
	return 1
}

is_mode() { [[ $(stat -c %a "$2") == "$1" ]]; }

render() { silent env MANWIDTH=100 LC_ALL=C.UTF-8 man --warnings -l "$1"; }

says() { grep -q -- "$2" <("$1" "${@:3}"); }

# completes EXPECTED FILE PROGRAM WORD…: a shell with FILE alone offers EXPECTED for the last WORD
completes() {
	bash --norc --noprofile -c 'expected=$1 function=
		source "$2"
		COMP_WORDS=("${@:3}") COMP_CWORD=$(($# - 3))
		read -r _ _ function _ < <(complete -p "$3" | grep -o -e "-F .*" | sed "s/^/x /")
		"$function" "$3" "${!#}" "${@:$#-1:1}"
		printf "%s\n" "${COMPREPLY[@]}" | grep -qx -e "$expected"' _ "$@"
}

ok 'installs below DESTDIR and PREFIX' tools/install.sh "$out" "$prefix"
ok 'and once more, over itself' tools/install.sh "$out" "$prefix"
programs=(cocoon-controller cocoon-guest cocoon-webhook image-crypt image-crypt-decoder initdata-gen policy-check sealed-secrets)
ok 'installs these programs and no others' \
	diff <(printf '%s\n' "${programs[@]}") <(find "$prefix/bin" -type f -printf '%f\n' | sort)
ok 'and the unit of the guest for systemd' is_mode 644 "$prefix/lib/systemd/system/cocoon-guest.service"
ok 'leaves no half-written files' bash -c '! find "$1" -name "*.new" | grep .' _ "$prefix"
for program in "${programs[@]}"; do
	page=$prefix/share/man/man1/$program.1
	ok "$program runs from there" silent "$prefix/bin/$program" --help
	ok "$program is executable by all" is_mode 755 "$prefix/bin/$program"
	ok "$program has a man page that all may read" is_mode 644 "$page"
	ok "$program's man page renders without a warning" render "$page"
	ok "$program's man page carries its name" grep -q "^ *$program - " "$work/printed"
	ok "$program's man page has its options" grep -q -- '--help' "$work/printed"
	ok "$program's completion is good bash" bash -n "$prefix/share/bash-completion/completions/$program"
	ok "$program's completion knows its options" completes --help \
		"$prefix/share/bash-completion/completions/$program" "$program" --he
	ok "$program's completion for zsh names it" grep -q "^#compdef $program$" \
		"$prefix/share/zsh/site-functions/_$program"
	ok "$program's completion for fish names it" grep -q "^complete .*$program" \
		"$prefix/share/fish/vendor_completions.d/$program.fish"
done
echo "1..$number"
