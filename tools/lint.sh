#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Everything that is checked without running the programs. One line a check, its findings below, exit 1 when there
# was one. Usage: tools/lint.sh HEADER… -- SOURCE… -- CPPFLAG…      (make lint)
# ONLY=layers,tidy runs those checks alone.
# shellcheck disable=SC2317 # the checks are called by name
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2
cache=out/lint
jobs=2
failed=0
headers=() sources=() flags=()

while (($#)) && [[ $1 != -- ]]; do headers+=("$1") && shift; done
(($#)) && shift
while (($#)) && [[ $1 != -- ]]; do sources+=("$1") && shift; done
(($#)) && shift
flags=(-std=gnu17 "$@")
if ((${#sources[@]} == 0)); then
	echo "usage: tools/lint.sh HEADER… -- SOURCE… -- CPPFLAG…" >&2
	exit 2
fi
mkdir -p "$cache/tidy" || exit 2
findings=$(mktemp) || exit 2
trap 'rm -f "$findings"' EXIT

# check NAME COMMAND…: a check fails when it exits non-zero or prints something
check() {
	local name=$1 began=$EPOCHREALTIME status=0 verdict=ok
	shift
	[[ -z ${ONLY:-} || ,$ONLY, == *,$name,* ]] || return
	"$@" >"$findings" 2>&1 || status=$?
	if ((status)) || [[ -s $findings ]]; then
		verdict=FAIL
		failed=1
	fi
	printf '%-10s %-4s %6.1f s\n' "$name" "$verdict" \
		"$(awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }')"
	sed 's/^/    /' "$findings"
	[[ $verdict == ok || -s $findings ]] || echo "    ended with status $status"
}

# each COMMAND…: runs it on every null-terminated name of standard input, two at a time; their outputs do not mix
each() { xargs -0 -r -n1 -P"$jobs" -- "$@"; }

format() { printf '%s\0' "${headers[@]}" "${sources[@]}" | xargs -0 -n16 -P"$jobs" clang-format --dry-run -Werror; }

layers() { awk -f tools/layers.awk core/LAYERS "${headers[@]}" "${sources[@]}"; }

headers_alone() {
	local compiler
	for compiler in gcc clang; do
		printf '%s\0' "${headers[@]}" |
			each "$compiler" "${flags[@]}" -Wall -Wextra -Werror -fsyntax-only -x c /dev/null -include
	done
}

banned() { awk -f tools/banned.awk "${headers[@]}" "${sources[@]}"; }

length() {
	awk 'FNR == 1 { reason = 0 }
		FNR <= 20 && /\/\* long: / { reason = 1 }
		FNR == 501 && !reason {
			printf "%s:%d: longer than 500 lines; split it by subject, or say why at its top: /* long: … */\n",
				FILENAME, FNR
		}' "${headers[@]}" "${sources[@]}"
}

# What the verdict on a file depends on is its text with all that it includes and its comments (NOLINT), the flags,
# the checks and the tool.
tidy_one() {
	local file=$1 key found status=0
	shift
	key=$({ printf '%s\n' "$TIDY_BASE" "$@" && clang "$@" -E -C -- "$file"; } 2>&1 | sha256sum | cut -c1-40)
	found=$cache/tidy/$key
	if [[ ! -e $found ]]; then
		clang-tidy --quiet "$file" -- "$@" >"$found.$$" 2>"$found.$$.log" || status=$?
		# a tool that fails without a finding has checked nothing
		((status == 0)) || [[ -s $found.$$ ]] || cat "$found.$$.log" >"$found.$$"
		rm -f "$found.$$.log"
		mv -f "$found.$$" "$found"
	fi
	touch "$found"
	cat "$found"
}
export -f tidy_one
export cache

tidy() {
	TIDY_BASE=$(clang-tidy --version && cat .clang-tidy ./*/.clang-tidy)
	export TIDY_BASE
	# shellcheck disable=SC2016 # expanded by the inner shell
	printf '%s\0' "${sources[@]}" |
		xargs -0 -r -I{} -P"$jobs" bash -c 'tidy_one "$@"' tidy {} "${flags[@]}"
	find "$cache/tidy" -type f -mtime +14 -delete
}

# tracked PATTERN…: the tracked files that exist, and the new ones that git does not ignore
tracked() { git ls-files -z --cached --others --exclude-standard --deduplicate -- "$@"; }

shell_scripts() {
	local file first
	while IFS= read -r -d '' file; do
		[[ -f $file ]] || continue
		case $file in
		*.sh) printf '%s\0' "$file" ;;
		*.*[a-z]) [[ $file == .ci/* ]] && printf '%s\0' "$file" ;;
		*)
			first=
			IFS= read -r first <"$file" 2>/dev/null
			[[ $first =~ ^'#!'.*[/\ ](ba)?sh($|\ ) ]] && printf '%s\0' "$file"
			;;
		esac
	done < <(tracked)
	return 0
}

shell() { shell_scripts | xargs -0 -r -n8 -P"$jobs" shellcheck -f gcc -x --source-path=SCRIPTDIR; }

spdx() {
	local file
	while IFS= read -r -d '' file; do
		[[ -f $file ]] || continue
		case $file in
		fuzz/corpus/* | */vectors/* | */testdata/*) continue ;;
		esac
		head -n 5 -- "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' ||
			echo "$file:1: no line 'SPDX-License-Identifier: Apache-2.0'"
	done < <(
		tracked '*.c' '*.h' '*.sh' '*.awk' '*.go' '*.py' '*.yaml' '*.yml' Makefile '*.clang-tidy' core/LAYERS
		shell_scripts
	) | sort -u
}

check format format
check layers layers
check headers headers_alone
check banned banned
check length length
check spdx spdx
check shell shell
check tidy tidy
exit "$failed"
