#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# cocoon-guest as a daemon without a key broker (offline_fs_kbc) and with one (dev-kbs): its sockets and who may use
# them, its commands, curl and skopeo as foreign clients, and what becomes of it when it is killed, told to end, or out
# of space. TAP. Usage: tests/cli/guest.sh OUT      Needs root: it becomes another user, and mounts a tmpfs in a
# namespace of its own.
# shellcheck disable=SC2016 # the inner shells expand
set -uo pipefail
# shellcheck source=tests/tap.bash
source "$(dirname "$0")/../tap.bash"
# shellcheck source=tests/swtpm.bash
source "$root/tests/swtpm.bash"
guest=$bin/guest crypt=$bin/image-crypt broker=$bin/dev-kbs
unset AA_KBC_PARAMS AA_SOCKET KBS_CERT SKIP_SEALED_SECRET_VERIFICATION OFFLINE_FS_KBC_EXTRA_FILE_PATH NOTIFY_SOCKET
umask 000 # what is private is so whatever the mask says
chmod 755 "$work"
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$work"' EXIT

vectors=$root/tests/vectors
jq -s '.[0].store + .[1].resources' "$vectors/guest/store.json" "$vectors/sealed/signing-keys.json" >store.json
chmod 644 store.json
sealed() { jq -j --arg name "$1" '.cases[] | select(.name == $name).input' "$vectors/sealed/unseal.json"; }
sealed plain >plain.sealed
echo quiet >cmdline

# await_line FILE PATTERN: until the file has such a line, which is printed
await_line() {
	for _ in {1..3000}; do
		grep -m1 -o -e "$2" "$1" && return
		read -rt 0.01 <> <(:)
	done
	return 1
}
common=(--kernel-command-line cmdline --attester sample --rest 127.0.0.1:0 --features all)
offline=("${common[@]}" --resources store.json)
# start NAME OPTION…: a daemon with sockets NAME.aa and NAME.cdh; sets $pid and, where it is served, $rest
start() {
	local name=$1
	shift
	"$guest" serve --aa-socket "unix://$work/$name.aa" --cdh-socket "unix://$work/$name.cdh" "$@" 2>"$name.log" &
	pid=$!
	rest=$(await_line "$name.log" '"rest","address":"[0-9.:]*') rest=http://${rest##*\"}
}
# stop: tells the last one to end; its exit code
stop() {
	kill -TERM "$pid"
	wait "$pid"
}
at() { "$guest" "$1" --socket "unix://$work/$2" "${@:3}"; }
printed() { # printed NAME TEXT COMMAND…: what the command prints
	same "$1" "$2" "$("${@:3}" 2>/dev/null)"
}

# ---- sockets and clients ----
start a "${offline[@]}" --keyprovider-grpc 127.0.0.1:0 --cdh-grpc 127.0.0.1:0
same 'its sockets are its owner'"'"'s alone' '600 600' "$(stat -c %a a.aa a.cdh | xargs)"
same 'it gains no privileges by what it starts' 1 "$(awk '/^NoNewPrivs/ {print $2}' /proc/$pid/status)"
ok 'dumps no core' grep -q 'Max core file size *0 *0 ' /proc/$pid/limits
printed 'fetches a resource' "$(jq -r '."default/db/password"' store.json)" at get-resource a.cdh kbs:///default/db/password
printed 'as it is' 'correct horse battery staple' at get-resource a.cdh -o raw kbs:///default/db/password
printed 'as JSON' '{"result":""}' at get-resource a.cdh -o json kbs:///default/test/empty
fails 1 'Get Resource failed' 'says when there is none' at get-resource a.cdh kbs:///default/no/thing
ok 'and why in the log' await_line a.log 'resource not found default/no/thing'
printed 'unseals a file' 'correct horse battery staple' at unseal a.cdh -o raw plain.sealed
printed 'and standard input' 'correct horse battery staple' bash -c '"$1" unseal --socket "$2/a.cdh" -o raw <plain.sealed' _ "$guest" "$work"
(cat plain.sealed && echo) >newline.sealed
fails 1 'Unseal Secret failed' 'not one with a newline at its end, as guests do not' at unseal a.cdh newline.sealed
fails 1 'Unseal Secret failed' 'not one with another signature' bash -c 'sed "s/.$/A/" plain.sealed | "$@"' _ "$guest" unseal -s "unix://$work/a.cdh"
printed 'unwraps a key' 'keyunwrapresults' bash -c 'jq -j ".cases[] | select(.name == \"ours-minimal\").request_json" "$1" |
	"$2" unwrap-key -o raw -s "unix://$3/a.cdh" | jq -r keys[0]' _ "$vectors/keyprovider/unwrap.json" "$guest" "$work"
printed 'proves where it runs' '{"report_data":"bm9uY2U=","svn":"1"}' at evidence a.aa nonce
printed 'with report data in base64' '{"report_data":"AAEC","svn":"1"}' at evidence a.aa --base64 AAEC
printed 'names its environment' sample at tee a.aa
fails 1 'AA-KBC get token failed' 'has no token without a broker' at token a.aa kbs
fails 1 'Secure Mount failed' 'refuses a volume that is none' bash -c 'echo "{\"volume_type\":\"x\",\"options\":{},\"flags\":[],\"mount_point\":\"/nowhere\"}" |
	"$1" secure-mount -s "unix://$2/a.cdh"' _ "$guest" "$work"
same 'says that nothing is measured, and fails' $'NOT_ENABLED\n1' "$(at measure a.aa d o c || echo $?)"
fails 1 'no.such' 'says where nobody listens' at tee no.such
fails 2 '' 'asks for what it needs' at get-resource a.cdh

# ---- without a daemon ----
here=(--in-process --kernel-command-line cmdline --attester sample --resources store.json)
printed 'unseals without a daemon' 'correct horse battery staple' "$guest" unseal "${here[@]}" -o raw plain.sealed
printed 'fetches without a daemon' 'correct horse battery staple' "$guest" get-resource "${here[@]}" -o raw kbs:///default/db/password
fails 1 'resource not found default/no/thing' 'and says the whole reason' "$guest" get-resource "${here[@]}" kbs:///default/no/thing
printed 'takes resources that the environment names' 'correct horse battery staple' \
	env OFFLINE_FS_KBC_EXTRA_FILE_PATH=/nowhere,store.json "$guest" get-resource --in-process --kernel-command-line cmdline --attester sample -o raw kbs:///default/db/password

# ---- REST ----
status() { curl -s -o body -w '%{http_code} %{content_type}' "$@"; }
same 'serves resources to applications' '200 application/octet-stream correct horse battery staple' "$(status "$rest/cdh/resource/default/db/password") $(cat body)"
same 'evidence' '200 application/octet-stream {"report_data":"YWJj","svn":"1"}' "$(status "$rest/aa/evidence?runtime_data=abc") $(cat body)"
same 'says what it offers' '200 sample all' "$(status "$rest/info" | cut -c1-3) $(jq -r '"\(.tee) \(.feature)"' body)"
same 'that there is no such resource' '500  ttrpc request error' "$(status "$rest/cdh/resource/default/no/thing") $(cat body)"
same 'that there is no such path' '404  URL NOT FOUND' "$(status "$rest/nothing") $(cat body)"
same 'that an event is malformed' '500  Illegal AAEL eventry format: EOF while parsing an object at line 1 column 1' "$(status -d '{' "$rest/aa/aael") $(cat body)"
same 'and that a URL without a path is none' '404  URL NOT FOUND' "$(status --request-target http://x "$rest") $(cat body)"
same 'takes no body beyond its bound' 413 "$(head -c 200000 /dev/zero | curl -s -o /dev/null -w '%{http_code}' --data-binary @- "$rest/aa/aael")"
same 'takes no stream without a length' 411 "$(curl -s -o /dev/null -w '%{http_code}' -H 'Transfer-Encoding: chunked' -d x "$rest/aa/aael")"
same 'answers many at once' '64 200' "$(seq 64 | xargs -P 16 -I{} curl -s -o /dev/null -w '%{http_code}\n' "$rest/cdh/resource/default/db/password?{}" | sort | uniq -c | xargs)"
python3 - "${rest##*:}" >idle.out <<'PY'
import socket, sys, urllib.request
idle = [socket.create_connection(("127.0.0.1", int(sys.argv[1]))) for _ in range(100)]
print(urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[1]}/info", timeout=20).status)
PY
same 'beside a hundred connections that say nothing' 200 "$(cat idle.out)"
python3 - "$work/a.cdh" >idle.out <<'PY'
import socket, sys
idle = []
for _ in range(400):
    s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); idle.append(s)
    s.sendall(b"\0\0\0\x40\0\0")
print(len(idle))
PY
same 'beside four hundred on the socket that say half a frame' '400 correct horse battery staple' \
	"$(cat idle.out) $(at get-resource a.cdh -o raw kbs:///default/db/password)"

# ---- encrypted images ----
mkdir -p src/blobs/sha256 && head -c 50000 /dev/urandom >random && tar cf layer.tar random
blob() { # blob FILE: into the layout; prints digest and size as JSON
	local digest
	digest=$(sha256sum "$1") digest=${digest%% *}
	cp "$1" "src/blobs/sha256/$digest"
	printf '"digest":"sha256:%s","size":%d' "$digest" "$(stat -c %s "$1")"
}
oci=application/vnd.oci.image
echo '{"imageLayoutVersion":"1.0.0"}' >src/oci-layout
printf '{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' "$(sha256sum <layer.tar | cut -c1-64)" >config.json
printf '{"schemaVersion":2,"mediaType":"%s","config":{"mediaType":"%s",%s},"layers":[{"mediaType":"%s",%s}]}' $oci.manifest.v1+json \
	$oci.config.v1+json "$(blob config.json)" $oci.layer.v1.tar "$(blob layer.tar)" >manifest.json
printf '{"schemaVersion":2,"manifests":[{"mediaType":"%s",%s,"annotations":{"org.opencontainers.image.ref.name":"t"}}]}' \
	$oci.manifest.v1+json "$(blob manifest.json)" >src/index.json
jq -r '."default/key/kek1"' store.json | base64 -d >kek
layers() { jq -c '[.layers[].digest]' "$1/blobs/sha256/$(jq -r '.manifests[0].digest | ltrimstr("sha256:")' "$1/index.json")"; }
ok 'an image is encrypted for guests' "$crypt" encrypt -q --kbs-key kbs:///default/key/kek1=kek oci:src:t oci:enc:t
provider=$(grep -e '"key provider (grpc)"' a.log | grep -o '127\.0\.0\.1:[0-9]*')
echo "{\"key-providers\":{\"attestation-agent\":{\"grpc\":\"$provider\"}}}" >ocicrypt.json
ok 'the daemon is the attestation agent that decrypts it' env OCICRYPT_KEYPROVIDER_CONFIG="$work/ocicrypt.json" \
	"$crypt" decrypt -q -k provider:attestation-agent:offline_fs_kbc::null oci:enc:t oci:dec:t
same 'to what it was' "$(layers src)" "$(layers dec)"
ok 'the hub by gRPC does the same' bash -c 'address=$(grep -e "\"hub (grpc)\"" a.log | grep -o "127\.0\.0\.1:[0-9]*") &&
	echo "{\"key-providers\":{\"attestation-agent\":{\"grpc\":\"$address\"}}}" >hub.json &&
	OCICRYPT_KEYPROVIDER_CONFIG=hub.json "$1" decrypt -q -k provider:attestation-agent oci:enc:t oci:dec2:t' _ "$crypt"

# ---- one at a time, and how it ends ----
fails 1 'listens' 'a second daemon does not take its place' "$guest" serve --aa-socket none --cdh-socket "unix://$work/a.cdh" "${offline[@]}"
printed 'and the first goes on' sample at tee a.aa
kill -KILL $pid
{ wait $pid; } 2>/dev/null
ok 'killed, it leaves its sockets' test -S a.cdh -a -S a.aa
start a "${offline[@]}"
printed 'which the next one takes' sample at tee a.aa
same 'with the same mode' '600 600' "$(stat -c %a a.aa a.cdh | xargs)"
stop
same 'told to end, it ends well' 0 $?
ok 'and takes its sockets with it' test ! -e a.cdh -a ! -e a.aa
same 'no secret is in its log' '' "$(jq -r '.[] | select(length > 20)' store.json | grep -F -f - -e 'correct horse' a.log)"

# ---- systemd ----
python3 - notify.sock >notify.out <<'PY' &
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind(sys.argv[1]); s.settimeout(60)
for _ in range(2):
    print(s.recv(100).decode(), flush=True)
PY
listener=$!
for _ in {1..2000}; do [[ -S notify.sock ]] && break; read -rt 0.01 <> <(:); done
NOTIFY_SOCKET=$work/notify.sock start n "${offline[@]}"
ok 'tells systemd when it is ready' await_line notify.out READY=1
stop
wait $listener
same 'and when it ends' 'READY=1 STOPPING=1' "$(xargs <notify.out)"
unit=$root/guest/cocoon-guest.service
sed "s|^ExecStart=cocoon-guest |ExecStart=$guest |; /^Documentation=/d" "$unit" >cocoon-guest.service
chmod 644 cocoon-guest.service
same 'its unit is one' '' "$(systemd-analyze verify "$work/cocoon-guest.service" 2>&1)"
sed -i 's/^#\([A-Z]\)/\1/' cocoon-guest.service
same 'with what a guest without mounts adds, too' '' "$(systemd-analyze verify "$work/cocoon-guest.service" 2>&1)"

# ---- another user ----
cat >cdh.toml <<EOF
[kbc]
name = "offline_fs_kbc"
[image]
[[credentials]]
path = "/run/confidential-containers/cdh/kbs/db/password"
resource_uri = "kbs:///default/db/password"
EOF
sed "s|/run/confidential-containers/cdh|$work/root|" cdh.toml >here.toml
start u "${offline[@]}" --user nobody
same 'becomes another user' "$(id -u nobody)" "$(stat -c %u /proc/$pid/task | sed "s/^0$/$(awk '/^Uid:/ {print $2}' /proc/$pid/status)/")"
same 'in all of its threads' "$(id -u nobody)" "$(awk '/^Uid:/ {print $2, $3, $4, $5}' /proc/$pid/task/*/status | tr ' ' '\n' | sort -u | xargs)"
same 'with no capability' 0000000000000000 "$(awk '/^Cap(Prm|Eff)/ {print $2}' /proc/$pid/task/*/status | sort -u | xargs)"
same 'and still cannot be looked into' root "$(stat -c %U /proc/$pid/mem)"
same 'its sockets are that user'"'"'s' 'nobody 600 nobody 600' "$(stat -c '%U %a' u.aa u.cdh | xargs)"
printed 'it serves as before' 'correct horse battery staple' at get-resource u.cdh -o raw kbs:///default/db/password
fails 1 'Secure Mount failed' 'but it cannot mount' bash -c 'echo "{\"volume_type\":\"block-device\",\"options\":{},\"flags\":[],\"mount_point\":\"/nowhere\"}" |
	"$1" secure-mount -s "unix://$2/u.cdh"' _ "$guest" "$work"
ok 'and says so' await_line u.log 'no mounts here'
stop
fails 1 'no user' 'knows who is nobody at all' "$guest" serve --aa-socket none --cdh-socket none "${offline[@]}" --user no-such-user
start m "${offline[@]}" --socket-mode 0660
same 'opens its sockets to a group that is asked for' '660 660' "$(stat -c %a m.aa m.cdh | xargs)"
stop
echo '{"volume_type":"x","options":{},"flags":[],"mount_point":"/nowhere"}' >volume.json
start w "${offline[@]}" --socket-mode 0666
fails 1 'Secure Mount failed' 'who lets everybody in lets nobody mount' at secure-mount w.cdh volume.json
ok 'and says so' await_line w.log 'no mounts here'
stop

# ---- credentials, and a full disk ----
sed 's,cdh/kbs/,cdh/kbs-other/,' cdh.toml >elsewhere.toml
fails 1 'below /run/confidential-containers/cdh/kbs' 'writes credentials below one folder alone' timeout 20 "$guest" serve --aa-socket none --cdh-socket "unix://$work/c.cdh" "${offline[@]}" --cdh-config elsewhere.toml
ok 'and is not there then' test ! -e c.cdh
start c "${offline[@]}" --root "$work/root" --cdh-config cdh.toml
same 'with a root of its own, below that' '600 correct horse battery staple' "$(stat -c %a root/kbs/db/password) $(cat root/kbs/db/password)"
stop
small() { unshare -m bash -c 'mount -t tmpfs -o size=48k tmpfs /run && exec "$@"' _ "$@"; } # small COMMAND…: with a /run of its own
: >c.log
unshare -m bash -c 'mount -t tmpfs tmpfs /run && exec "$@" 2>c.log' _ "$guest" serve --aa-socket none --cdh-socket "unix://$work/c.cdh" "${offline[@]}" --cdh-config cdh.toml &
pid=$!
await_line c.log '"serving"' >/dev/null
written=/proc/$pid/root/run/confidential-containers/cdh/kbs/db/password
same 'writes credentials for itself alone' '600 correct horse battery staple' "$(stat -c %a "$written") $(cat "$written")"
same 'in folders of its own' '700 700' "$(stat -c %a "${written%/db/password}" "${written%/password}" | xargs)"
stop
: >v.log
# what the unit leaves to a guest without mounts
mask=$(sed -n 's/^UMask=//p' "$unit") caps=-all$(sed -n 's/^#CapabilityBoundingSet=CAP/ CAP/p' "$unit" | tr '[:upper:]' '[:lower:]' | sed 's/ cap_/,+/g')
unshare -m bash -c 'mount -t tmpfs tmpfs /run && umask "$1" && exec setpriv --bounding-set "$2" "${@:3}" 2>v.log' _ "$mask" "$caps" \
	"$guest" serve --aa-socket none --cdh-socket unix:///run/confidential-containers/cdh.sock "${offline[@]}" --cdh-config cdh.toml --user nobody &
pid=$!
ok 'as its unit starts it for another user, it serves' await_line v.log '"serving"'
place=/proc/$pid/root/run/confidential-containers
same 'that user has the credentials' 'nobody 600' "$(stat -c '%U %a' $place/cdh/kbs/db/password)"
same 'and others can pass to its socket' '755 root nobody 600' "$(stat -c '%a %U' $place) $(stat -c '%U %a' $place/cdh.sock)"
stop
full() { # with no space left; what is there then goes to the file `kept`
	small bash -c 'dir=/run/confidential-containers/cdh/kbs/db
		mkdir -p $dir && echo old >$dir/password && dd if=/dev/zero of=/run/filler bs=4k 2>/dev/null
		"$@"
		status=$?
		echo "$(cat $dir/password) $(ls -A $dir)" >kept
		exit $status' _ "$@"
}
fails 1 'No space left' 'with a full disk it does not start' full "$guest" serve --aa-socket none --cdh-socket "unix://$work/c.cdh" "${offline[@]}" --cdh-config cdh.toml
same 'what was there is whole' 'old password' "$(cat kept)"

# ---- with a key broker ----
printf 'from the broker' >resource
jq -r '."default/signing-key/cocoon-test"' store.json | base64 -d >verifier.jwk
"$broker" --listen 127.0.0.1:0 --policy allow-all --insecure-admin --resource default/db/password=resource \
	--resource default/signing-key/cocoon-test=verifier.jwk 2>broker.log &
broker_pid=$!
kbs=http://$(await_line broker.log '127\.0\.0\.1:[0-9]*')
kbc() { printf '[kbc]\nname = "cc_kbc"\nurl = "%s"\n[image]\n' "$1" >kbc.toml; } # kbc URL
kbc "$kbs"
start k "${common[@]}" --cdh-config kbc.toml
printed 'attests, and fetches a resource' 'from the broker' at get-resource k.cdh -o raw kbs:///default/db/password
printed 'unseals with key and secret of the broker' 'from the broker' at unseal k.cdh -o raw plain.sealed
printed 'attests for a token with its key' '3 -----BEGIN PRIVATE KEY-----' bash -c '"$1" token -s "unix://$2/k.aa" kbs |
	jq -r "\"\(.token | split(\".\") | length) \(.tee_keypair | split(\"\n\")[0])\""' _ "$guest" "$work"
same 'the same for applications' '200 application/octet-stream true' "$(status "$rest/aa/token?token_type=kbs") $(jq 'has("token") and has("tee_keypair")' body)"
fails 1 'token' 'has no attestation service beside it' at token k.aa coco_as
same 'loses none of many' '200 from the broker' "$(seq 200 | xargs -P 16 -I{} "$guest" get-resource -s "unix://$work/k.cdh" -o json kbs:///default/db/password | jq -r .result | sort | uniq -c |
	while read -r n text; do echo "$n $(base64 -d <<<"$text")"; done)"
kill $broker_pid
printed 'a token outlives its broker' 1 bash -c '"$1" get-resource -t 3 -s "unix://$2/k.cdh" kbs:///default/db/password; echo $?' _ "$guest" "$work"
stop
same 'ends well without its broker' 0 $?

# a broker that takes requests and never answers
python3 - >slow.out <<'PY' &
import socket
s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1], flush=True)
kept = []
while True:
    kept.append(s.accept())
PY
slow_pid=$!
kbc "http://127.0.0.1:$(await_line slow.out '[0-9][0-9]*')"
start s "${common[@]}" --cdh-config kbc.toml
flood() { # flood PATH: two hundred applications that wait; the first answer goes to callers.out
	: >callers.out
	python3 - "${rest##*:}" "$1" >callers.out <<'PY' &
import select, signal, socket, sys
def ask():
    s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    s.sendall(f"GET {sys.argv[2]} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return s
kept = [ask() for _ in range(200)]
ready, _, _ = select.select(kept, [], [], 30)
print(ready[0].recv(12).decode() if ready else "nothing", flush=True)
signal.pause()
PY
	callers=$!
}
flood /cdh/resource/default/db/password
ok 'callers beyond its bound are told so' await_line callers.out 'HTTP/1.1 429'
same 'a broker that says nothing delays nobody who does not need it' '200 200 200' "$(for _ in 1 2 3; do curl -s -m 10 -o /dev/null -w '%{http_code} ' "$rest/aa/evidence?runtime_data=abc"; done | xargs)"
same 'nor what needs nothing at all' '200 404' "$(curl -s -m 10 -o /dev/null -w '%{http_code} ' "$rest/info" "$rest/x" -o /dev/null | xargs)"
printed 'nor the other socket' sample at tee s.aa
stop
same 'and cannot keep the daemon from ending' 0 $?
ok 'which says what it gave up' grep -q 'given up' s.log
kill $callers
{ wait $callers; } 2>/dev/null

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null -out ca.pem -subj /CN=x -days 9 2>/dev/null
printf '[token_configs.kbs]\nurl = "http://127.0.0.1:%s"\ncert = """\n%s\n"""\n' "$(cat slow.out)" "$(cat ca.pem)" >aa.toml
start t "${common[@]}" --aa-config aa.toml
ok 'warns of a certificate without TLS' grep -q 'asked without TLS' t.log
flood /aa/token?token_type=kbs
ok 'callers who want tokens are told so' await_line callers.out 'HTTP/1.1 429'
printed 'however many of them wait, the Kata agent is answered' '{"report_data":"bm9uY2U=","svn":"1"}' at evidence t.aa -t 10 nonce
stop
kill $callers
{ wait $callers; } 2>/dev/null

(cat kbc.toml && sed -n '/credentials/,$p' cdh.toml) >waits.toml
: >f.log
unshare -m bash -c 'mount -t tmpfs tmpfs /run && exec "$@" 2>f.log' _ "$guest" serve --aa-socket none --cdh-socket none "${common[@]}" --cdh-config waits.toml &
pid=$!
ok 'it starts, and waits for credentials' await_line f.log '"starting"'
stop
same 'but not when it is told to end' 0 $?
ok 'and says so' grep -q 'given up' f.log
kill $slow_pid
{ wait $slow_pid; } 2>/dev/null

# ---- the event log ----
printf '[eventlog_config]\nenable_eventlog = true\n' >events.toml
start e "${common[@]}" --aa-config events.toml --eventlog "$work/e.events"
same 'says that a sample measures nothing, and fails' $'NOT_SUPPORTED\n1' "$(at measure e.aa d o c || echo $?)"
same 'so it does to applications' '{"success":"false","message": "The platform does not support runtime measurement"}' \
	"$(curl -s -d '{"domain":"d","operation":"o","content":"c"}' "$rest/aa/aael")"
stop
tpms=$(mktemp -d /tmp/tpm.XXXXXX) # short: a socket's path has 107 bytes
trap 'kill $(jobs -p) 2>/dev/null; swtpm_stop "$tpms"; rm -rf "$work" "$tpms"' EXIT
tcti=$(swtpm_start "$tpms") || echo "# no software TPM"
start y --kernel-command-line cmdline --attester tpm --tpm "$tcti" --rest 127.0.0.1:0 --features all --aa-config events.toml --eventlog "$work/y.events"
ok 'warns of a PCR that is not the guest'"'"'s' await_line y.log 'set eventlog_config.init_pcr of aa.toml'
fails 1 'runtime measurement failed' 'which takes no event' at measure y.aa d o c
ok 'and says what to do' await_line y.log 'PCR 17 cannot be extended.*init_pcr'
printed 'another one does' OK at measure y.aa --register 14 d o c
stop
same 'its log is lines of JSON, with nothing of libraries between' '' "$(grep -v '^{' y.log)"

# ---- settings that contradict each other ----
nothing=(--aa-socket none --cdh-socket "unix://$work/x.cdh" --kernel-command-line cmdline --attester sample --rest none)
fails 2 "AA_KBC_PARAMS in the environment is 'cc_kbc::http://a:1', but cdh.toml says" 'names both sides of a contradiction' \
	env AA_KBC_PARAMS=cc_kbc::http://a:1 "$guest" serve "${nothing[@]}" --cdh-config cdh.toml
fails 2 'SKIP_SEALED_SECRET_VERIFICATION' 'does not let the environment switch verification off' env SKIP_SEALED_SECRET_VERIFICATION=true "$guest" serve "${nothing[@]}"
(echo 'skip_sealed_secret_verification = true' && cat cdh.toml) >skip.toml
fails 2 'nobody vouches' 'nor a file that no hardware confirms' "$guest" serve "${nothing[@]}" --cdh-config skip.toml
fails 2 'nothing to serve' 'does not start for nothing' "$guest" serve --aa-socket none --cdh-socket none --rest none --kernel-command-line cmdline --attester sample
fails 2 'loopback' 'does not serve applications of other machines' "$guest" serve "${nothing[@]:0:8}" --rest 0.0.0.0:8006
fails 2 'resource, attestation, all' 'knows its features' "$guest" serve "${nothing[@]}" --features none
fails 2 'unix:///PATH' 'knows what a socket is' "$guest" serve "${nothing[@]:2}" --aa-socket 127.0.0.1:1
echo agent.guest_components_procs=attestation-agent >procs
"$guest" serve --kernel-command-line procs --attester sample --aa-socket "unix://$work/p.aa" 2>p.log &
pid=$!
await_line p.log '"serving"' >/dev/null
stop
same 'serves what the kernel command line says' 'attestation agent' "$(jq -r 'select(.msg == "serving").face' p.log | xargs)"

echo agent.guest_components_procs=none >procs
"$guest" serve --kernel-command-line procs --attester sample 2>p.log &
pid=$!
ok 'serves nothing when it says so, and goes on' await_line p.log 'nothing is served but'
stop
same 'until it is told to end' 0 $?
for verb in serve get-resource unseal unwrap-key secure-mount evidence token tee measure; do
	ok "help of $verb" "$guest" $verb --help
done
echo "1..$number"
