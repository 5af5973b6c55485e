#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The checks of tools/ find what they are for: each is given a tree with planted mistakes. TAP.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
tools=$PWD/tools
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
number=0

# finds NAME TOOL EXPECTED ARGUMENT…: the tool must fail and print exactly the expected line
finds() {
	local name=$1 tool=$2 expected=$3 got status=0
	shift 3
	got=$(awk -f "$tools/$tool" "$@" 2>&1) || status=$?
	number=$((number + 1))
	if [[ $status == 1 && $got == "$expected" ]]; then
		echo "ok $number - $name"
	else
		printf 'not ok %d - %s\n# status %d, got: %s\n# expected: %s\n' "$number" "$name" "$status" "$got" "$expected"
	fi
}

# passes NAME TOOL ARGUMENT…: the tool must succeed and print nothing
passes() {
	local name=$1 tool=$2 got status=0
	shift 2
	got=$(awk -f "$tools/$tool" "$@" 2>&1) || status=$?
	number=$((number + 1))
	if [[ $status == 0 && -z $got ]]; then
		echo "ok $number - $name"
	else
		printf 'not ok %d - %s\n# status %d, got: %s\n' "$number" "$name" "$status" "$got"
	fi
}

file() { mkdir -p "$(dirname "$1")" && cat >"$1"; }

file LAYERS <<'T'
# a table
base    |             |
crypto  | base        | openssl
net     | base crypto | curl openssl/ssl.h
daemon  | base net    |
T
file core/base/good.c <<'T'
#include "base/good.h"

#include <stdio.h>
#include <sys/stat.h>
T
file core/base/upward.c <<'T'
#include <stdio.h>
#include "net/http.h"
T
file core/base/library.c <<'T'
 # include <openssl/evp.h>
T
file core/base/unknown.c <<'T'
#include <zstd.h>
T
file core/base/bare.c <<'T'
#include "good.h"
T
file core/net/whole.c <<'T'
#include "crypto/key.h"
#include <curl/curl.h>
#include <openssl/ssl.h>
T
file core/net/part.c <<'T'
#include <openssl/evp.h>
T
file core/lost/x.c <<'T'
#include <stdio.h>
T
file daemon/main.c <<'T'
#include "base/good.h"
#include "crypto/key.h"
T
file daemon/other.c <<'T'
#include "tool/main.h"
T
file tests/net/test_x.c <<'T'
#include <cmocka.h>
#include "net/http.h"
T
file CYCLE <<'T'
base    | crypto |
crypto  | base   |
T

passes "layers: a room may include itself and the C library" layers.awk LAYERS core/base/good.c
passes "layers: a room may include what its line grants" layers.awk LAYERS core/net/whole.c
passes "layers: a test may include any room and library" layers.awk LAYERS tests/net/test_x.c
finds "layers: a lower room may not include a higher one" layers.awk \
	"core/base/upward.c:2: 'base' may not include 'net' (\"net/http.h\")" LAYERS core/base/upward.c
finds "layers: a room may not include a library that it was not granted" layers.awk \
	"core/base/library.c:1: 'base' may not include the library header <openssl/evp.h>" LAYERS core/base/library.c
finds "layers: one header of a library does not grant the others" layers.awk \
	"core/net/part.c:1: 'net' may not include the library header <openssl/evp.h>" LAYERS core/net/part.c
finds "layers: a library that nobody was granted is refused" layers.awk \
	"core/base/unknown.c:1: 'base' may not include the library header <zstd.h>" LAYERS core/base/unknown.c
finds "layers: an include names its room" layers.awk \
	"core/base/bare.c:1: \"good.h\" is included without its room" LAYERS core/base/bare.c
finds "layers: a folder that is not in the table is refused" layers.awk \
	"core/lost/x.c:1: the room 'lost' is not in core/LAYERS" LAYERS core/lost/x.c
finds "layers: a program sees only its line" layers.awk \
	"daemon/main.c:2: 'daemon' may not include 'crypto' (\"crypto/key.h\")" LAYERS daemon/main.c
finds "layers: a program may not include another" layers.awk \
	"daemon/other.c:1: \"tool/main.h\" is of no room of core/LAYERS" LAYERS daemon/other.c
finds "layers: the table itself may not look upward" layers.awk \
	"CYCLE:1: room 'base' may include 'crypto', which has no line above" CYCLE core/base/good.c

file core/base/calls.c <<'T'
/* strcpy(a, b) in a comment
 * sprintf(a, b) in a long one */
const char *words = "strcpy(a, b) \" atoi(c)", quote = '"'; /* gets( */
int x = my_system(1) + rand_r(2) + s->random(3); // gets(
int y = strcpyx(1);
T
passes "banned: comments, strings and longer names are no calls" banned.awk core/base/calls.c
for word in strcpy strcat sprintf strncpy strncat strtok atoi atol gets alloca system popen rand strerror getenv; do
	file core/base/bad.c <<<"int x; /* one */ int y = $word (1);"
	finds "banned: $word is found" banned.awk "core/base/bad.c:1: $word() is not used in this house" core/base/bad.c
done
file daemon/settings.c <<<'const char *v = getenv("X");'
passes "banned: a program's settings may read the environment" banned.awk daemon/settings.c
file daemon/run.c <<<'const char *v = getenv("X");'
finds "banned: the rest of a program may not" banned.awk "daemon/run.c:1: getenv() is not used in this house" daemon/run.c
echo "1..$number"
