#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs suites and counts what they assert. A suite is a program that prints TAP ("ok 1 - name", "not ok 2 - name",
# "1..2"). A check that did not run is not a pass: a suite that prints no such line, prints fewer than it planned, skips
# one, crashes, hangs, or fails without a "not ok" counts as a failure.
# One line a room; what a failing suite said stands above it, and what one has counted ("# counts: 12 policies"). The last line is "N passed, N failed".
# Usage: tests/run.sh all|unit|cli|corpus|repro|e2e OUT, or one OUT PATH (a folder of tests or a script)
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
# a make that a suite starts is none of the make that started this
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
what=${1:-} out=${2:-}
readonly each=1200 journeys=4500 # seconds that a suite may take, and that all journeys may
passed=0 failed=0 began=${EPOCHREALTIME/[.,]/}
room_passed=0 room_failed=0 room_began=$began
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT

seconds() { # seconds SINCE: since that microsecond, with a tenth
	local tenths=$(((${EPOCHREALTIME/[.,]/} - $1) / 100000))
	echo "$((tenths / 10)).$((tenths % 10))"
}

# what_failed NAME: the log without its passes, and of a long one the beginning and the end
what_failed() {
	local lines
	echo "---- $1"
	lines=$(grep -vc '^ok ' "$log")
	if [ "$lines" -le 160 ]; then
		grep -v '^ok ' "$log"
	else
		grep -v '^ok ' "$log" | head -n 80
		echo "---- … $((lines - 160)) more lines …"
		grep -v '^ok ' "$log" | tail -n 80
	fi
	echo "----"
}

# suite LIMIT NAME COMMAND…: one suite; it adds to the sums of its room
suite() {
	local limit=$1 name=$2 status=0 ok bad skipped planned why=
	shift 2
	timeout --foreground --kill-after=20 "$limit" "$@" >"$log" 2>&1 </dev/null || status=$?
	ok=$(grep -c '^ok ' "$log")
	bad=$(grep -c '^not ok ' "$log")
	skipped=$(grep -ci '^ok .*# skip' "$log")
	planned=$(awk '/^1\.\.[0-9]+$/ { sum += substr($0, 4) } END { print sum + 0 }' "$log")
	ok=$((ok - skipped)) bad=$((bad + skipped))
	if [ "$status" -eq 124 ] || [ "$status" -eq 137 ]; then
		why="was stopped after $limit seconds"
	elif [ "$bad" -eq 0 ] && [ "$status" -ne 0 ]; then
		why="ended with status $status"
	elif [ $((ok + bad)) -eq 0 ]; then
		why="checked nothing"
	elif [ "$planned" -gt $((ok + bad)) ]; then
		why="ended before its plan of $planned"
	fi
	if [ -n "$why" ]; then
		bad=$((bad + 1))
		echo "not ok - $name $why, after $ok passes" >>"$log"
	fi
	room_passed=$((room_passed + ok)) room_failed=$((room_failed + bad))
	[ "$bad" -eq 0 ] || what_failed "$name"
	# what a suite has counted beside its checks
	sed -n 's/^# counts: /    /p' "$log"
}

room() { # room NAME: the line of the suites since the one before
	printf '%-24s %5d passed %4d failed %8s s\n' "$1" "$room_passed" "$room_failed" "$(seconds "$room_began")"
	passed=$((passed + room_passed)) failed=$((failed + room_failed))
	room_passed=0 room_failed=0 room_began=${EPOCHREALTIME/[.,]/}
}

# one PATH: a room, which is a folder of unit tests or a script
one() {
	local source
	if [ -d "$1" ]; then
		for source in "$1"/test_*.c; do
			suite "$each" "${source%.c}" env CMOCKA_MESSAGE_OUTPUT=TAP "$out/${source%.c}"
		done
	else
		suite "$each" "$1" "$1" "$out"
	fi
	source=${1#tests/}
	room "${source%.sh}"
}

# many PATH…: rooms, as many at a time as there are processors, each in a run.sh of its own; they are shown in their order
many() {
	local path said sum results
	results=$(mktemp -d) || exit 1
	# shellcheck disable=SC2016 # the inner shell expands
	printf '%s\0' "$@" | xargs -0 -P "$(nproc)" -I '{}' bash -c '"$0" one "$2" "$1" >"$3/${1//\//_}" 2>&1' "$0" '{}' "$out" "$results" || true
	for path; do
		said=$results/${path//\//_}
		sum=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$said" | tail -n 1) || sum="0 passed, 1 failed"
		grep -vE '^([0-9]+ passed, [0-9]+ failed|in [0-9.]+ s)$' "$said"
		passed=$((passed + ${sum%% passed*}))
		sum=${sum#*, }
		failed=$((failed + ${sum% failed}))
	done
	rm -rf -- "$results"
	room_began=${EPOCHREALTIME/[.,]/}
}

unit() { # the folders of tests/ that hold unit tests; a source whose program is missing has failed
	local folder folders=()
	for folder in tests/*/; do
		folder=${folder%/}
		! compgen -G "$folder/test_*.c" >/dev/null || folders+=("$folder")
	done
	many "${folders[@]}"
}

scripts() { # scripts KIND: every tests/KIND/*.sh, each as a room
	many tests/"$1"/*.sh
}

e2e() {
	local line
	suite "$journeys" e2e/run.sh e2e/run.sh "$out"
	# its lines "# room NAME SECONDS", one for each journey
	while read -r line; do
		printf '    %s\n' "${line#\# room }"
	done < <(grep '^# room ' "$log")
	room e2e
}

if [ -z "$out" ]; then
	what=
fi
case $what in
one) one "${3:?usage: tests/run.sh one OUT PATH}" ;;
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
echo "in $(seconds "$began") s"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
