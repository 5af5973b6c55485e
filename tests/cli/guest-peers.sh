#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# cocoon-guest as the clients of others see it, from outside of the process: every recorded call of its services by
# containerd's ttrpc and Go's gRPC, every recorded request of its REST endpoint by curl; with resources from a file, and
# with a key broker. tests/cli/guest.sh is about the daemon itself. TAP. Usage: tests/cli/guest-peers.sh OUT
# shellcheck disable=SC2154 # tap.bash sets variables
set -uo pipefail
# shellcheck source=tests/tap.bash
source "$(dirname "$0")/../tap.bash"
guest=$bin/guest vectors=$root/tests/vectors
python=$("$root/tools/python.sh") || exit 1
peers=$("$root/e2e/guest-peer/build.sh" 2>"$work/build") || {
	sed 's/^/# /' "$work/build"
	report 1 'the peers build'
}
unset AA_KBC_PARAMS AA_SOCKET KBS_CERT SKIP_SEALED_SECRET_VERIFICATION OFFLINE_FS_KBC_EXTRA_FILE_PATH NOTIFY_SOCKET
trap 'kill $(jobs -p) 2>/dev/null; wait; rm -rf "$work"' EXIT

# await_line FILE PATTERN: until the file has such a line, whose match is printed
await_line() {
	for _ in {1..3000}; do
		grep -m1 -o -e "$2" "$1" && return
		read -rt 0.01 <> <(:)
	done
	return 1
}
echo quiet >cmdline
# start NAME FEATURES OPTION…: a daemon with sockets NAME.aa and NAME.cdh; sets $rest, $agent and $hub, of REST and gRPC
start() {
	local name=$1 features=$2
	shift 2
	: >"$name.log"
	"$guest" serve --aa-socket "unix://$work/$name.aa" --cdh-socket "unix://$work/$name.cdh" --rest 127.0.0.1:0 \
		--features "$features" --aa-grpc 127.0.0.1:0 --cdh-grpc 127.0.0.1:0 --kernel-command-line cmdline \
		--attester sample "$@" 2>"$name.log" &
	ours+=($!)
	rest=http://$(await_line "$name.log" '"rest".*' | grep -o '127\.0\.0\.1:[0-9]*')
	agent=$(await_line "$name.log" '"attestation agent (grpc)".*' | grep -o '127\.0\.0\.1:[0-9]*')
	hub=$(await_line "$name.log" '"hub (grpc)".*' | grep -o '127\.0\.0\.1:[0-9]*')
}
jq -s '.[0].store + .[1].resources' "$vectors/guest/store.json" "$vectors/keyprovider/keys.json" >store.json

# ---- messages ----
codes=(OK Canceled Unknown InvalidArgument DeadlineExceeded NotFound AlreadyExists PermissionDenied ResourceExhausted
	FailedPrecondition Aborted OutOfRange Unimplemented Internal Unavailable DataLoss Unauthenticated)
# field TEXT: a message whose field 1 is that text, in base64
field() {
	local LC_ALL=C size=${#1} head
	for ((head = 0; size > 127; size >>= 7)); do
		printf -v head '%s\\x%02x' "${head#0}" $((size & 127 | 128))
	done
	printf -v head '%s\\x%02x' "${head#0}" "$size"
	[[ -z $1 ]] || { printf '\x0a%b' "$head" && printf %s "$1"; } | base64 -w0
}
# text: field 1 of the message in base64 on standard input
text() {
	base64 -d | "$python" -c 'import sys
data, at, size = sys.stdin.buffer.read(), 1, 0
for shift in range(0, 35, 7):
    size |= (data[at] & 127) << shift if len(data) > at else 0
    at += 1
    if len(data) < at or data[at - 1] < 128:
        break
sys.stdout.buffer.write(data[at:at + size])'
}
hex64() { xxd -r -p <<<"$1" | base64 -w0; }
# says PEER CODE MESSAGE ANSWER ARGUMENT…: a peer's call must end so
says() {
	local peer=$1 code=$2 message=$3 answer=$4
	shift 4
	if [[ $code == 0 ]]; then
		"$peers/$peer" call "$@" >stdout 2>stderr && [[ $(cat stdout) == "$answer" ]]
	else
		! "$peers/$peer" call "$@" >stdout 2>stderr && [[ $(cat stderr) == "$peer: ${codes[code]}: $message" ]]
	fi
}

# Where ours refuses on purpose what the others take (see tests/guest/test_services.c), and what containerd's client
# does not let out of the house.
declare -A skipped=([get-resource-dots]=1 [get-resource-trailing-newline]=1 [get-resource-one-slash]=1
	[get-evidence-100-bytes]=1 [get-evidence-malformed-payload]=1 [get-resource-malformed-payload]=1)
# replay WHAT FILE PART SOCKET GRPC COUNT: the recorded calls over ttrpc, and over gRPC those that are answered
replay() {
	local what=$1 file=$2 part=$3 socket=$4 grpc=$5 wanted=$6 case count=0
	while read -r case; do
		local name service method payload code message answer
		{ read -r name; read -r service; read -r method; read -r payload; read -r code; read -r message; read -r answer; } < <(
			jq -r '.name, .service, .method, .payload_hex, .status_code, .status_message, (.answer_hex // "")' <<<"$case")
		[[ -z ${skipped[$name]:-} ]] || continue
		[[ -n $answer || $code != 0 ]] && answer=$(hex64 "$answer") || answer=$(field "$(jq -r '.answer_text // ""' <<<"$case")")
		says ttrpc-peer "$code" "$message" "$answer" "$socket" "$service" "$method" "$(hex64 "$payload")"
		report $? "$what: $name"
		if [[ $code == 0 ]]; then
			says grpc-peer 0 '' "$answer" "$grpc" "/$service/$method" "$(hex64 "$payload")"
			report $? "$what by gRPC: $name"
		fi
		count=$((count + 1))
	done < <(jq -c ".${part}[]" "$vectors/guest/$file")
	same "$what: all that there are" "$wanted" "$count"
}

# ---- resources from a file ----
start a all --resources store.json
replay 'the hub' cdh-ttrpc.json cases a.cdh "$hub" 41
replay 'the agent' aa-ttrpc.json cases a.aa "$agent" 13
count=0
while read -r case; do
	{ read -r name; read -r method; read -r payload; read -r code; read -r message; read -r answer; } < <(
		jq -r '.name, .grpc_method, .request_protobuf_hex, .grpc_status[0], .grpc_message, (.response_protobuf_hex // "")' <<<"$case")
	[[ $name == unknown-* ]] && message=$(says grpc-peer 0 '' '' "$hub" "$method" ''; sed 's/.*Unimplemented: //' stderr)
	says grpc-peer "$code" "$message" "$(hex64 "$answer")" "$hub" "$method" "$(hex64 "$payload")"
	report $? "the hub by gRPC as recorded: $name"
	count=$((count + 1))
done < <(jq -c '.cases[]' "$vectors/keyprovider/hub-grpc.json")
same 'all that there are' 9 $count
resource=$(field kbs:///default/db/password)
for i in {1..32}; do
	"$peers/ttrpc-peer" call a.cdh api.GetResourceService GetResource "$resource" 4 >"many$i" 2>&1 &
	clients[i]=$!
done
wait "${clients[@]}"
same '32 clients with 4 calls at once each' "128 $(field 'correct horse battery staple')" "$(cat many* | sort | uniq -c | xargs)"
"$peers/grpc-peer" call "$hub" /api.GetResourceService/GetResource "$resource" 60 >many 2>&1
same '60 calls at once by gRPC' "60 $(field 'correct horse battery staple')" "$(sort many | uniq -c | xargs)"

# ---- REST ----
version=$(jq -r .version <(curl -s "$rest/info"))
# rest PART COUNT: the recorded requests with one set of features
rest() {
	local part=$1 wanted=$2 count=0 case name type
	while read -r case; do
		name=$(jq -r .name <<<"$case")
		local request=(-s --path-as-is -g -X "$(jq -r .method <<<"$case")" -o got -w '%{http_code} %{content_type}')
		jq -j '.answer // (.answer_base64 | @base64d)' <<<"$case" | sed "s,Guest Components Version:,$version," >expected
		[[ -z $(jq -r '.answer_base64 // empty' <<<"$case") ]] || jq -r .answer_base64 <<<"$case" | base64 -d >expected
		[[ $(jq 'has("body") or has("body_base64")' <<<"$case") == false ]] || {
			jq -j '.body // empty' <<<"$case" >sent
			jq -r '.body_base64 // empty' <<<"$case" | base64 -d >>sent
			type='Content-Type: application/json'
			[[ $name != *no-content-type ]] || type='Content-Type:'
			request+=(--data-binary @sent -H "$type")
		}
		[[ $name != resource-dots ]] || continue # steps in a path, which ours refuses
		rm -f got && : >got
		[[ $(curl "${request[@]}" "$rest$(jq -r .target <<<"$case")" 2>stderr) == "$(jq -r '"\(.status) \(.content_type // "")"' <<<"$case")" ]] &&
			cmp expected got >stdout 2>&1
		report $? "REST, $part: $name"
		count=$((count + 1))
	done < <(jq -c ".${part}[]" "$vectors/guest/rest.json")
	same "REST, $part: all that there are" "$wanted" $count
}
rest feature_all 67
start r resource --resources store.json
rest feature_resource 6
start t attestation --resources store.json
rest feature_attestation 4
start d all --resources store.json --sample-device
rest with_device 2
replay 'the agent with a device' aa-ttrpc.json with_sample_device d.aa "$agent" 3

# ---- a key broker ----
mkdir files
while read -r path content; do
	[[ $path =~ ^[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*){2}$ ]] || continue
	base64 -d <<<"$content" >"files/${path//\//+}"
	resources+=(--resource "$path=files/${path//\//+}")
done < <(jq -r 'to_entries[] | "\(.key) \(.value)"' store.json)
: >kbs.log
"$bin/dev-kbs" --listen 127.0.0.1:0 --policy allow-all "${resources[@]}" 2>kbs.log &
ours+=($!)
url=$(await_line kbs.log 'http://127\.0\.0\.1:[0-9]*')
printf '[kbc]\nname = "cc_kbc"\nurl = "%s"\n[image]\n' "$url" >cdh.toml
printf '[token_configs.kbs]\nurl = "%s"\n' "$url" >aa.toml
start k all --cdh-config cdh.toml --aa-config aa.toml
# names that no broker gives out
for name in two-segments query double-slash space plugin; do skipped[get-resource-$name]=1; done
replay 'the hub with a broker' cdh-ttrpc.json cases k.cdh "$hub" 36
spend() { "$python" -B "$root/tests/peer/kbs_guest.py" spend "$url" default/db/password "$1"; }
ok 'the agent gives a token by ttrpc' "$peers/ttrpc-peer" call k.aa attestation_agent.AttestationAgentService GetToken "$(field kbs)"
text <stdout >token
ok 'which others can spend' spend token
same 'for a resource' 'correct horse battery staple' "$(cat stdout)"
ok 'by gRPC' "$peers/grpc-peer" call "$agent" /attestation_agent.AttestationAgentService/GetToken "$(field kbs)"
text <stdout >token2
same 'another one' 2 "$(sort -u token token2 | wc -l)"
ok 'which others can spend' spend token2
same 'by REST' '200 application/octet-stream' "$(curl -s -o token3 -w '%{http_code} %{content_type}' "$rest/aa/token?token_type=kbs")"
ok 'which others can spend' spend token3
same 'no other kind' '500 ttrpc request error' "$(curl -s -w ' %{http_code}' "$rest/aa/token?token_type=coco_as" | sed 's/\(.*\) \(.*\)/\2 \1/')"
same 'REST gives resources of the broker' '200 application/octet-stream correct horse battery staple' \
	"$(curl -s -o got -w '%{http_code} %{content_type}' "$rest/cdh/resource/default/db/password") $(cat got)"
same 'and not what it does not give' '500  ttrpc request error' \
	"$(curl -s -o got -w '%{http_code} %{content_type}' "$rest/cdh/resource/default/no/thing") $(cat got)"
same 'the log says why' 'perhaps there is no such resource' "$(await_line k.log 'perhaps there is no such resource')"
ended=0
for process in "${ours[@]}"; do
	kill -TERM "$process" && wait "$process" || ended=$?
done
same 'all of ours end well' 0 $ended
echo "1..$number"
