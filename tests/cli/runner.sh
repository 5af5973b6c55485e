#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tests/run.sh counts what passed and nothing else: it is given suites that crash, stop early, skip or say nothing. TAP.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/tests"
cp tests/run.sh "$work/tests/"
number=0
got= # what the runner has printed last

# counts NAME EXPECTED STATUS SUITE…: the runner over suites with these bodies ends with that line and status
counts() {
	local name=$1 expected=$2 wanted=$3 status=0 body i=0
	shift 3
	rm -rf "$work/tests/room" "$work/out"
	mkdir -p "$work/tests/room" "$work/out/tests/room"
	for body; do
		i=$((i + 1))
		: >"$work/tests/room/test_$i.c"
		printf '#!/bin/bash\n%s\n' "$body" >"$work/out/tests/room/test_$i"
		chmod +x "$work/out/tests/room/test_$i"
	done
	got=$("$work/tests/run.sh" unit out 2>&1) || status=$?
	number=$((number + 1))
	if [[ $status == "$wanted" && $(tail -n 1 <<<"$got") == "$expected" ]]; then
		echo "ok $number - $name"
	else
		printf 'not ok %d - %s\n# status %d, the end: %s\n' "$number" "$name" "$status" "$(tail -n 1 <<<"$got")"
	fi
}

good='echo 1..2; echo "ok 1 - a"; echo "ok 2 - b"'
counts 'passes are passes' '4 passed, 0 failed' 0 "$good" "$good"
counts 'a failure is one, whatever the status' '3 passed, 1 failed' 1 "$good" 'echo 1..2; echo "ok 1"; echo "not ok 2"'
counts 'a failure counts once, with its status' '1 passed, 1 failed' 1 'echo "ok 1"; echo "not ok 2"; exit 1'
counts 'a crash after the last pass is a failure' '2 passed, 1 failed' 1 "$good; kill -SEGV \$\$"
counts 'a crash at once is a failure' '0 passed, 1 failed' 1 "kill -ABRT \$\$"
counts 'a status alone is a failure' '2 passed, 1 failed' 1 "$good; exit 3"
counts 'nothing said is a failure' '2 passed, 1 failed' 1 "$good" 'exit 0'
counts 'an end before the plan is a failure' '1 passed, 1 failed' 1 'echo 1..2; echo "ok 1"'
counts 'an end after a failure and before the plan is two' '0 passed, 2 failed' 1 'echo 1..2; echo "not ok 1"'
counts 'a skip is no pass' '1 passed, 1 failed' 1 'echo "ok 1"; echo "ok 2 - b # SKIP no luck"'
counts 'words in the middle of a line are no results' '1 passed, 0 failed' 0 'echo "is it ok 1"; echo "ok 1"; echo "# not ok 2"'
counts 'what a suite has counted is no result' '1 passed, 0 failed' 0 'echo "ok 1"; echo "# counts: 12 policies, not ok 3"'
number=$((number + 1))
if grep -qx '    12 policies, not ok 3' <<<"$got"; then
	echo "ok $number - and is shown"
else
	printf 'not ok %d - and is shown\n# %s\n' "$number" "$got"
fi
: >"$work/tests/room/test_none.c"
got=$("$work/tests/run.sh" unit nowhere 2>&1 | tail -n 1)
number=$((number + 1))
if [[ $got == "0 passed, 2 failed" ]]; then
	echo "ok $number - a suite that was not built is a failure"
else
	printf 'not ok %d - a suite that was not built is a failure\n# %s\n' "$number" "$got"
fi
echo "1..$number"
