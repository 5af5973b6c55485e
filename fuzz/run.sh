#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs each libFuzzer target for some seconds on a copy of its corpus and prints a table; then lets the engine find a
# planted bug, so that "no findings" means something. Fails when a target crashed, hung or did not run.
# Usage: fuzz/run.sh OUT SECONDS [TARGET…]      OUT is the folder of BUILD=fuzz CC=clang; TARGETs as in fuzz_TARGET
# Findings are kept in OUT/fuzz/findings/TARGET-…
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
out=${1:?usage: fuzz/run.sh OUT SECONDS [TARGET…]}
seconds=${2:?usage: fuzz/run.sh OUT SECONDS [TARGET…]}
shift 2
jobs=2
findings=$out/fuzz/findings
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
mkdir -p "$findings"
export out seconds findings work

# number LOG PATTERN: the number behind the last "PATTERN" of libFuzzer's lines
number() { sed -n "s/.*$2 *\([0-9][0-9]*\).*/\1/p" "$1" | tail -n 1; }

# run_one TARGET: one line of the table; the target's own words follow when it failed
run_one() {
	local name=$1 program=$out/fuzz/fuzz_$1 corpus=$work/$1 log=$work/$1.log status=0 verdict=none before
	mkdir -p "$corpus"
	cp -- fuzz/corpus/"$name"/* "$corpus"/ 2>/dev/null
	before=$(find "$corpus" -type f | wc -l)
	"$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 -verbosity=1 \
		-artifact_prefix="$findings/$name-" "$corpus" >"$log" 2>&1 || status=$?
	((status == 0)) || verdict="exit $status"
	printf '%-24s %12s %9s %8s %7s %7s  %s\n' "$name" "$(number "$log" stat::number_of_executed_units:)" \
		"$(number "$log" stat::average_exec_per_sec:)" "$(number "$log" ' cov:')" "$before" \
		"+$(($(find "$corpus" -type f | wc -l) - before))" "$verdict"
	if ((status)); then
		tail -n 40 "$log" | sed 's/^/    /'
		touch "$work/failed"
	fi
}
export -f run_one number

# The planted bug is built and run like a target, and must be found.
planted() {
	local log=$work/planted.log
	if ! clang -std=gnu17 -O1 -g -fsanitize=address,undefined,fuzzer fuzz/planted.c -o "$work/planted" 2>"$log"; then
		cat "$log"
		return 1
	fi
	"$work/planted" -max_total_time=60 -artifact_prefix="$work/" >"$log" 2>&1 && return 1
	grep -q 'heap-buffer-overflow' "$log"
}

targets=("$@")
if ((${#targets[@]} == 0)); then
	for source in fuzz/fuzz_*.c; do
		[[ -e $source ]] || continue
		source=${source#fuzz/fuzz_}
		targets+=("${source%.c}")
	done
fi
printf '%-24s %12s %9s %8s %7s %7s  %s\n' target executions exec/s cov corpus new findings
# shellcheck disable=SC2016 # expanded by the inner shell
((${#targets[@]} == 0)) || printf '%s\0' "${targets[@]}" | xargs -0 -n1 -P"$jobs" bash -c 'run_one "$1"' run_one
if planted; then
	echo "planted bug: found"
else
	echo "planted bug: NOT FOUND: the machinery does not work"
	touch "$work/failed"
fi
[[ ! -e $work/failed ]]
