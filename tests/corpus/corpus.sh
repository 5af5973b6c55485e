#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every fuzz target replays its whole corpus. TAP, one line a target; a target without a corpus fails, and so does a
# corpus without a target. Usage: tests/corpus/corpus.sh OUT
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
out=${1:?usage: tests/corpus/corpus.sh OUT}
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
number=0

report() { # report STATUS NAME
	number=$((number + 1))
	if (($1 == 0)); then
		echo "ok $number - $2"
	else
		echo "not ok $number - $2"
		tail -n 30 "$log" | sed 's/^/# /'
	fi
}

for source in fuzz/fuzz_*.c; do
	[[ -e $source ]] || continue
	name=${source#fuzz/fuzz_}
	name=${name%.c}
	status=0
	: >"$log"
	if [[ -d fuzz/corpus/$name ]]; then
		timeout 300 "$out/fuzz/fuzz_$name" "fuzz/corpus/$name" >"$log" 2>&1 || status=$?
	else
		echo "fuzz/corpus/$name is missing" >"$log"
		status=1
	fi
	report "$status" "$name replays its corpus ($(sed -n 's/ inputs replayed//p' "$log") inputs)"
done
for folder in fuzz/corpus/*/; do
	name=$(basename "$folder")
	[[ ! -d $folder || -e fuzz/fuzz_$name.c ]] && continue
	echo "fuzz/fuzz_$name.c is missing" >"$log"
	report 1 "the corpus $name has a target"
done
echo "1..$number"
