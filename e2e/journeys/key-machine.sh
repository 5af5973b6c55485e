#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What befalls the machines of guests and key brokers: disks that are full, a daemon that is killed, clients that do not
# read, no opa. Each time there is the right answer, or an error that says what it is within a bounded time, nothing
# half-written, and afterwards all is as before. Needs no cluster, but root: small file systems are mounted in a
# namespace of this journey's own.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
[ -n "${KEY_MACHINE_MOUNTS:-}" ] || KEY_MACHINE_MOUNTS=own exec unshare --mount --propagation private "$0"
# shellcheck source=e2e/lib.sh
. e2e/lib.sh
# shellcheck source=e2e/keys.sh
. e2e/keys.sh

# ---- disks -----------------------------------------------------------------------------------------------------------

small() { # small FOLDER: a file system of 48 KiB
	mkdir -p "$1" && mount -t tmpfs -o size=48k,mode=700 small "$1"
}

roomy() { mount -o remount,size=4m "$1"; }

# Credentials lie where guests know them: the journey has a /run of its own.
full_for_credentials() {
	local credentials=/run/confidential-containers/cdh/kbs
	head -c 60000 /dev/urandom >"$work/large"
	guest_root=/run/confidential-containers/cdh
	need mount -t tmpfs own /run
	need small /run/confidential-containers/cdh
	must broker_start creds-broker 0 --policy allow-all --resource "default/fault/text=$work/text" \
		--resource "default/fault/large=$work/large"
	guest_config creds "$kbs" '[[credentials]]' "path = '$credentials/text'" "resource_uri = '$uri'" \
		'[[credentials]]' "path = '$credentials/large'" "resource_uri = 'kbs:///default/fault/large'"
	expect_no_start "a daemon without room for a credential does not serve, and says why" "No space left" \
		guest_start creds "$kbs" --attester sample
	need gone "$guest_pid"
	expect_equal "what it wrote is whole, and of the other nothing" text "$(ls -A "$credentials")"
	expect_equal "(the first credential)" "$(cat "$work/text")" "$(cat "$credentials/text")"
	need roomy "/run/confidential-containers/cdh"
	must guest_start creds "$kbs" --attester sample
	expect_ok "and the credential is whole" cmp "$work/large" "$credentials/large"
	guest_root=
	ended TERM "$broker_pid"
}

# events UNTIL: measures, one after the other, until one fails or there are so many
events() {
	local i content
	content=$(printf 'c%.0s' {1..2000})
	for ((i = 0; i < $1; i++)); do at logging measure full disk "$i-$content" || return; done
}

# What the register must hold, by the log: entries of the TCG, one digest each, whole to the last byte.
replay() {
	python3 - "$work/logging.events/eventlog" <<-'P'
		import hashlib, struct, sys
		log, at, register = open(sys.argv[1], "rb").read(), 0, bytes(32)
		while at < len(log):
		    index, kind, digests, algorithm, digest, size = struct.unpack_from("<IIIH32sI", log, at)
		    event = log[at + 50 : at + 50 + size]
		    assert (index, kind, digests, algorithm, len(event)) == (12, 6, 1, 11, size), at
		    assert hashlib.sha256(event).digest() == digest and event[8:].startswith(b"full disk "), event
		    register = hashlib.sha256(register + digest).digest()
		    at += 50 + size
		print(register.hex())
	P
}

register() {
	TPM2TOOLS_TCTI=$tpm tpm2_pcrread sha256:12 | sed -n 's/^ *12 *: 0x//p' | tr '[:upper:]' '[:lower:]'
}

full_for_events() {
	must tpm_start tpm-log
	need small "$work/logging.events"
	printf '[eventlog_config]\nenable_eventlog = true\ninit_pcr = 12\n' >"$work/logging.aa.toml"
	must guest_start logging "http://127.0.0.1:1" --attester tpm --tpm "$tpm" --aa-config "$work/logging.aa.toml"
	expect_refused "an event for which the log has no room is refused" "" events 100
	expect_ok "the daemon's log says why" grep -q "No space left" "$work/logging.log"
	expect_equal "and log and register agree" "$(register)" "$(replay)"
	need roomy "$work/logging.events"
	expect_ok "with room there are more" events 3
	expect_equal "and both agree" "$(register)" "$(replay)"
	need ended KILL "$guest_pid"
	must guest_start logging "http://127.0.0.1:1" --attester tpm --tpm "$tpm" --aa-config "$work/logging.aa.toml"
	expect_ok "a daemon that was killed goes on where it was" events 3
	expect_equal "and both agree again" "$(register)" "$(replay)"
}

full_for_the_broker() {
	need small "$work/small-kbs"
	must broker_start small-broker 0 --policy allow-all --storage "$work/small-kbs" --admin-public-key "$work/admin.key.pub"
	must guest_start of-small "$kbs" --attester sample
	need post text "$work/text"
	cp "$work/text" "$work/older"
	head -c 60000 /dev/zero >"$work/longer"
	expect_refused "a broker without room takes no resource in the place of another" "" post text "$work/longer"
	expect_ok "its log says why" grep -q "No space left" "$work/small-broker.log"
	expect_text "the old one stays" of-small
	expect_equal "and nothing else" "default\\x2Ffault\\x2Ftext" "$(ls -A "$work/small-kbs/repository")"
	need ended KILL "$broker_pid"
	must broker_start small-broker "$broker_port" --policy allow-all --storage "$work/small-kbs" --admin-public-key "$work/admin.key.pub"
	expect_text "after a restart, too" of-small
	need roomy "$work/small-kbs"
	expect_ok "with room it takes the new one" post text "$work/longer"
	expect_equal "and gives it" "$(sha256sum <"$work/longer")" "$(text_of of-small | sha256sum)"
	ended TERM "$broker_pid"
	must broker_start unaudited 0 --policy allow-all --audit /dev/full --resource "default/fault/text=$work/text"
	must guest_start of-unaudited "$kbs" --attester sample
	expect_failure "what cannot be audited does not happen" of-unaudited "refused"
	ended TERM "$broker_pid"
}

# ---- opa -------------------------------------------------------------------------------------------------------------

policy_is() { # policy_is TEXT: posted
	printf '%s' "$1" >"$work/policy.rego"
	curl -sS -o "$work/policy.answer" -w '%{http_code}' "$kbs/kbs/v0/resource-policy" \
		-d "{\"policy\":\"$(basenc --base64url -w0 "$work/policy.rego" | tr -d =)\"}"
}

without_opa() {
	local opa rego='package policy
default allow = false
allow if input.submods'
	opa=$(e2e/kbs/opa.sh) || need false
	broker_under=(env PATH=/nowhere)
	must broker_start no-opa 0 --policy allow-all --insecure-admin --resource "default/fault/text=$work/text"
	must guest_start of-no-opa "$kbs" --attester sample
	expect_text "a broker without opa appraises by its own rules" of-no-opa
	expect_equal "it takes no Rego" 401 "$(policy_is "$rego")"
	expect_ok "and says why" grep -q "there is no opa" "$work/policy.answer" "$work/no-opa.log"
	expect_text "what was in force stays" of-no-opa
	ended TERM "$broker_pid"
	broker_under=()
	must broker_start with-opa 0 --policy allow-all --insecure-admin --opa "$opa" --resource "default/fault/text=$work/text"
	must guest_start of-opa "$kbs" --attester sample
	expect_equal "one with opa does" 200 "$(policy_is "$rego")"
	expect_text "and heeds it" of-opa
	pgrep -P "$broker_pid" | xargs -r kill -KILL
	expect_text "an opa that is killed is started again" of-opa
	ended TERM "$broker_pid"
}

# ---- the daemon ------------------------------------------------------------------------------------------------------

killed() {
	local asking
	must broker_start broker 0 --policy allow-all --admin-public-key "$work/admin.key.pub" --resource "default/fault/text=$work/text"
	must guest_start mortal "$kbs" --attester sample
	expect_text "a daemon before it is killed" mortal
	kill -STOP "$broker_pid"
	text_of mortal >"$work/mortal.said" 2>&1 &
	asking=$!
	need await 5 connected
	need ended KILL "$guest_pid"
	wait "$asking"
	check $(($? == 0)) "who waits for it learns of its end" "$(cat "$work/mortal.said")"
	kill -CONT "$broker_pid"
	must guest_start mortal "$kbs" --attester sample
	expect_text "another one takes its sockets' places, and all is well" mortal
	expect_no_start "a second one does not take its place" "another server listens" guest_start mortal "$kbs" --attester sample
	expect_text "which goes on" mortal
}

connected() { ss -Hxn src "$work/mortal.cdh" | grep -q ESTAB; }

# Clients that ask for megabytes and read nothing.
deaf() {
	local rest before after
	head -c 60000 /dev/urandom >"$work/large"
	need post large "$work/large"
	guest_rest=127.0.0.1:0
	must guest_start busy "$kbs" --attester sample
	rest=$(log_line busy '"face":"rest","address":"[^"]*' | cut -d '"' -f 8)
	need curl -fsS -o "$work/got" "http://$rest/cdh/resource/default/fault/large"
	before=$(resident "$guest_pid")
	cat >"$work/deaf.py" <<-'P'
		import socket, sys, time
		host, port = sys.argv[1].split(":")
		deaf = []
		for _ in range(100):
		    client = socket.socket()
		    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
		    client.connect((host, int(port)))
		    client.setblocking(False)
		    try:
		        for _ in range(50):
		            client.send(b"GET /cdh/resource/default/fault/large HTTP/1.1\r\nHost: localhost\r\n\r\n")
		    except BlockingIOError:
		        pass
		    deaf.append(client)
		print("asked", flush=True)
		time.sleep(3600)
	P
	background deaf python3 "$work/deaf.py" "$rest"
	need log_line deaf asked
	expect_ok "beside a hundred clients that read nothing, one that reads is answered" \
		curl -fsS --max-time 20 -o "$work/got" "http://$rest/cdh/resource/default/fault/large"
	expect_ok "with the right bytes" cmp "$work/got" "$work/large"
	expect_text "by ttrpc, too" busy
	after=$(resident "$guest_pid")
	check $((after - before > 32768)) "and they cost $((after - before)) KiB, at most 32768" "$before $after"
	ended KILL "$pid"
	expect_text "when they are gone, too" busy
}

prepared owner
full_for_credentials
full_for_events
full_for_the_broker
without_opa
killed
deaf
finish
