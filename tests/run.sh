#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs suites and counts what they assert. A suite is a program that prints TAP ("ok 1 - name", "not ok 2 - name");
# one that prints no such line, or fails without one, counts as a failure: a check that did not run is not a pass.
# Usage: tests/run.sh all|unit|cli|corpus|repro|e2e OUT
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
what=$1 out=$2
passed=0 failed=0
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT

# suite ROOM COMMAND…: one suite, one line of summary, the failures in full
suite() {
	local room=$1 began=$EPOCHREALTIME status=0 ok bad
	shift
	"$@" >"$log" 2>&1 </dev/null || status=$?
	ok=$(grep -c '^ok ' "$log")
	bad=$(grep -c '^not ok ' "$log")
	if [ "$bad" -eq 0 ] && { [ "$status" -ne 0 ] || [ "$ok" -eq 0 ]; }; then
		bad=1
		echo "not ok - $* ended with status $status after $ok passes" >>"$log"
	fi
	passed=$((passed + ok)) failed=$((failed + bad))
	printf '%-28s %4d passed %3d failed  %6.1f s\n' "$room" "$ok" "$bad" \
		"$(awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }')"
	if [ "$bad" -gt 0 ]; then
		echo "---- $*"
		if [ "$(wc -l <"$log")" -gt 200 ]; then
			grep -A8 '^not ok' "$log" | head -100
			echo "---- the end of its output"
			tail -60 "$log"
		else
			cat "$log"
		fi
		echo "----"
	fi
}

unit() {
	local t
	for t in "$out"/tests/*/test_*; do
		if [ -x "$t" ] && [ -f "$t" ]; then
			suite "${t#"$out"/tests/}" env CMOCKA_MESSAGE_OUTPUT=TAP "$t"
		fi
	done
}

scripts() { # every tests/KIND/*.sh
	local t
	for t in tests/"$1"/*.sh; do
		[ -e "$t" ] && suite "$1/$(basename "$t" .sh)" "$t" "$out"
	done
}

e2e() {
	local line
	# one line a journey as it ends: e2e/run.sh prints TAP and "# room NAME SECONDS" lines
	suite e2e e2e/run.sh "$out"
	while read -r line; do echo "    ${line#\# }"; done < <(grep '^# room ' "$log")
}

case $what in
unit) unit ;;
cli) scripts cli ;;
corpus) scripts corpus ;;
repro) scripts repro ;;
e2e) e2e ;;
all)
	unit
	scripts cli
	scripts corpus
	scripts repro
	e2e
	;;
*)
	echo "usage: tests/run.sh all|unit|cli|corpus|repro|e2e OUT" >&2
	exit 2
	;;
esac
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
