#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# No name is defined twice among the rooms and one program, or between programs that a fuzz target is linked with: the
# linker takes what comes first from an archive, without a word, and another function is called than the one meant. TAP.
# Usage: tests/cli/symbols.sh OUT
set -uo pipefail
# shellcheck source=tests/tap.bash
source "$(dirname "$0")/../tap.bash"
out=${bin%/bin}

names() { # names ARCHIVE: what it defines for others
	nm --defined-only --extern-only --format=posix "$1" 2>/dev/null | awk 'NF > 2 && $2 != "U" { print $1 }' | sort -u
}

names "$out/libcore.a" >core
ok 'the rooms define names' test -s core
for archive in "$out"/lib/*.a; do
	names "$archive" >"$(basename "$archive" .a)"
	same "$(basename "$archive" .a) defines nothing that a room defines" '' "$(comm -12 core "$(basename "$archive" .a)" | xargs)"
done
same 'no two programs define the same, but for the tables of their commands' '' \
	"$(cat webhook image-crypt guest sealed-secrets dev-kbs | sort | uniq -d | grep -v '_verb$' | xargs)"
echo "1..$number"
