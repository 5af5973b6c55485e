#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Our ttrpc with containerd's, each as the client of the other's server, and our gRPC server with Go's client. The peers
# are built by e2e/guest-peer/build.sh where they are not there. TAP. Usage: tests/cli/ttrpc.sh OUT
# shellcheck disable=SC2016 # the inner shells expand
set -uo pipefail
drivers=$(realpath -- "${1:?usage: tests/cli/ttrpc.sh OUT}/tests/drivers") || exit 1
# shellcheck source=tests/tap.bash
source "$(dirname "$0")/../tap.bash"
ours=$drivers/ttrpc_echo
peers=$("$root/e2e/guest-peer/build.sh" 2>"$work/build") || {
	sed 's/^/# /' "$work/build"
	report 1 'the peers build'
}
ttrpc=$peers/ttrpc-peer grpc=$peers/grpc-peer
trap 'exec 7>&- 8>&- 9>&-; wait; rm -rf "$work"' EXIT

# start FD COMMAND…: a server that serves until the descriptor is closed; what it says first is in $said
start() {
	local fd=$1
	shift
	rm -f "hold$fd" "said$fd"
	mkfifo "hold$fd" "said$fd"
	"$@" <"hold$fd" >"said$fd" 2>"errors$fd" &
	eval "exec $fd>hold$fd"
	read -r said <"said$fd"
}

# field TEXT: a message whose field 1 is that text (of less than 128 bytes), in base64
field() { printf "\\x0a\\x$(printf %02x ${#1})%s" "$1" | base64 -w0; }

# ---- containerd's client, our server ----
start 7 "$ours" serve "unix://$work/ours.sock"
same 'our server is ready' ready "$said"
same 'its socket is its owners alone' 600 "$(stat -c %a ours.sock)"
ok 'a call of containerd'"'"'s client is answered' "$ttrpc" call ours.sock test.Service Echo "$(field hello)"
same 'with what it said' "$(field hello)" "$(cat stdout)"
ok 'a message of nothing' "$ttrpc" call ours.sock test.Service Echo ''
same 'likewise' '' "$(cat stdout)"
fails 1 'FailedPrecondition: no: because' 'a status arrives' "$ttrpc" call ours.sock test.Service Fail "$(field because)"
fails 1 'NotFound: /test.Service/Later is not supported' 'a method without a handler' "$ttrpc" call ours.sock test.Service Later ''
fails 1 'Unimplemented: Nothing method' 'no such method' "$ttrpc" call ours.sock test.Service Nothing ''
fails 1 'InvalidArgument: test.Nothing service does not exist' 'no such service' "$ttrpc" call ours.sock test.Nothing Echo ''
ok 'an answer of 4 MB' "$ttrpc" call ours.sock test.Service Big "$(field 4000000)"
same 'whole' 4000005 "$(base64 -d stdout | wc -c)"
fails 1 'InvalidArgument: message length' 'an answer that no frame holds' "$ttrpc" call ours.sock test.Service Big "$(field 4194304)"
ok '60 calls at once on one connection' "$ttrpc" call ours.sock test.Service Rest "$(field 20)" 60
same 'all answered' "60 $(field 20)" "$(sort stdout | uniq -c | sed 's/^ *//')"
fails 1 'ResourceExhausted: more than 64 calls at once' 'not 200' "$ttrpc" call ours.sock test.Service Rest "$(field 500)" 200
many() { # 64 clients, each with 20 calls at once
	local i pids=()
	for i in {1..64}; do
		"$ttrpc" call ours.sock test.Service Echo "$(field "client $i")" 20 >"many$i" &
		pids+=($!)
	done
	wait "${pids[@]}"
	for i in {1..64}; do
		[[ $(sort "many$i" | uniq -c | sed 's/^ *//') == "20 $(field "client $i")" ]] || return 1
	done
}
ok '64 clients at once' many
exec 7>&-
ok 'it ends when it is told to' bash -c 'while test -e ours.sock; do read -rt 0.05 <> <(:); done'
same 'without a word' '' "$(cat errors7)"

# ---- our client, containerd's server ----
call() { # call METHOD BASE64 [MS]
	base64 -d <<<"$2" | "$ours" call "$work/theirs.sock" test.Service "$1" "${@:3}"
}
start 8 "$ttrpc" serve theirs.sock
same 'their server is ready' ready "$said"
ok 'our call is answered' call Echo "$(field hello)"
same 'with what we said' "$(field hello)" "$(base64 -w0 stdout)"
ok 'a message of nothing' call Echo ''
same 'likewise' 0 "$(stat -c %s stdout)"
fails 1 'denied: calling test.Service/Fail at .*theirs.sock: FAILED_PRECONDITION: no: because' 'their status arrives' call Fail "$(field because)"
fails 1 'UNIMPLEMENTED\|INVALID_ARGUMENT\|NOT_FOUND' 'no such method' call Nothing ''
ok 'an answer of 4 MB' call Big "$(field 4000000)"
same 'whole' 4000005 "$(stat -c %s stdout)"
fails 1 'ttrpc_echo: ' 'an answer that no frame holds' call Big "$(field 4194304)"
fails 1 'retry: .*' 'an answer that does not come' call Never '' 300
exec 8>&-
fails 1 'retry: .*connecting' 'nobody is there' "$ours" call "$work/none.sock" a b

# ---- Go's gRPC client, our server ----
start 9 "$ours" grpc 127.0.0.1:0
address=$said
ok 'a call of Go'"'"'s client is answered' "$grpc" call "$address" /test.Service/Echo "$(field hello)"
same 'with what it said' "$(field hello)" "$(cat stdout)"
ok 'a message of nothing' "$grpc" call "$address" /test.Service/Echo ''
fails 1 'FailedPrecondition: no: because' 'a status arrives' "$grpc" call "$address" /test.Service/Fail "$(field because)"
fails 1 'Unimplemented' 'no such method' "$grpc" call "$address" /test.Service/Nothing ''
ok 'an answer of 4 MB' "$grpc" call "$address" /test.Service/Big "$(field 4000000)"
same 'whole' 4000005 "$(base64 -d stdout | wc -c)"
fails 1 'ResourceExhausted\|InvalidArgument\|Internal' 'an answer that is too long' "$grpc" call "$address" /test.Service/Big "$(field 4194304)"
ok '200 calls at once on one connection' "$grpc" call "$address" /test.Service/Echo "$(field many)" 200
same 'all answered' "200 $(field many)" "$(sort stdout | uniq -c | sed 's/^ *//')"
exec 9>&-

echo "1..$number"
