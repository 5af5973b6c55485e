#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What befalls guests and their key broker on the way to each other: a broker that is killed in mid-handshake, stopped,
# gone, silent, in trouble, someone else, or of another time. Each time there is the right answer, or an error that says
# what it is within a bounded time, and afterwards all is as before. Needs no cluster.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
# shellcheck source=e2e/lib.sh
. e2e/lib.sh
# shellcheck source=e2e/keys.sh
. e2e/keys.sh

faults=() # FAULT.STAGE, one guest each

# ---- the stage -------------------------------------------------------------------------------------------------------

broker_behind() {
	broker_start behind 0 --policy allow-all --resource "default/fault/text=$work/text"
}

# A server between guests and the broker, which plays the fault that the first part of a path names, FAULT.STAGE, at the
# requests of that stage, as long as a file of this name is there. Each answers a request per connection.
between() {
	cat >"$work/between.py" <<-'P'
		import http.client, http.server, os, sys, time
		folder, broker = sys.argv[1:]
		class Handler(http.server.BaseHTTPRequestHandler):
		    protocol_version = "HTTP/1.1"
		    def answer(self, status, headers, body, length=None):
		        self.close_connection = True
		        self.send_response(status)
		        for header in headers:
		            self.send_header(*header)
		        self.send_header("Content-Length", str(len(body) if length is None else length))
		        self.end_headers()
		        self.wfile.write(body)
		    def play(self, fault):
		        if fault == "silent":
		            time.sleep(3600)
		        elif fault == "garbage":
		            self.close_connection = True
		            self.wfile.write(b"\x16\x03garbage\r\n\r\n" * 9)
		        elif fault == "cut":
		            self.answer(200, [], b'{"nonce"', 4000)
		        elif fault == "empty":
		            self.answer(200, [], b"")
		        elif fault == "huge":
		            self.answer(200, [], b"[" * 4000000)
		        else:
		            self.answer(int(fault), [], b"<html>no</html>")
		    def do_GET(self):
		        _, name, path = self.path.split("/", 2)
		        fault, stage = name.split(".")
		        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
		        if f"/{stage}" in self.path and os.path.exists(f"{folder}/{name}"):
		            return self.play(fault)
		        connection = http.client.HTTPConnection(broker, timeout=60)
		        connection.request(self.command, "/" + path, body, dict(self.headers))
		        reply = connection.getresponse()
		        keep = ("content-type", "set-cookie")
		        self.answer(reply.status, [h for h in reply.getheaders() if h[0].lower() in keep], reply.read())
		    do_POST = do_GET
		    def log_message(self, *args):
		        pass
		server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
		server.daemon_threads = True
		print("at", server.server_port, flush=True)
		server.serve_forever()
	P
	mkdir "$work/faults" && background between python3 "$work/between.py" "$work/faults" "127.0.0.1:$broker_port" &&
		between=$(log_line between 'at [0-9]*')
	between=http://127.0.0.1:${between#at }
}

# ---- faults between guest and broker ----------------------------------------------------------------------------------

guests_of_faults() {
	local fault stage
	for fault in 503 silent garbage cut empty huge; do
		for stage in auth attest resource; do faults+=("$fault.$stage"); done
	done
	for fault in "${faults[@]}"; do
		touch "$work/faults/$fault"
		guest_start "$fault" "$between/$fault" --attester sample || return
	done
}

# All at once, as some take as long as callers wait.
faults_begin() {
	local fault
	for fault in "${faults[@]}"; do
		(
			trap - EXIT
			began=$SECONDS status=0
			text_of "$fault" >"$work/$fault.said" 2>&1 || status=$?
			echo "$status $((SECONDS - began))" >"$work/$fault.end"
		) &
		faults_run+=("$!")
	done
}
faults_run=()

faults_end() {
	local -A words=([503]='status 503' [silent]='did not answer' [garbage]='HTTP' [cut]='cut off\|ended\|closed'
		[empty]='answer\|challenge' [huge]='exceeds')
	local fault ends
	wait "${faults_run[@]}"
	for fault in "${faults[@]}"; do
		read -r -a ends <"$work/$fault.end"
		jq -r 'select(.msg == "refused").error' "$work/$fault.log" >"$work/$fault.why"
		[ "${ends[0]}" -ne 0 ] && [ "${ends[1]}" -le "$bound" ] && grep -q 'Get Resource failed' "$work/$fault.said" &&
			grep -q "${words[${fault%.*}]}" "$work/$fault.why"
		check $? "$fault: refused in time (${ends[1]} s), and the log says why" "$(cat "$work/$fault.said" "$work/$fault.why")"
		rm "$work/faults/$fault"
	done
	for fault in "${faults[@]}"; do expect_text "$fault: and all is well when it is over" "$fault"; done
}

# ---- the broker ------------------------------------------------------------------------------------------------------

# What the broker has outlives it, but for its sessions and the key that it signs with.
again() { # again PORT OPTION…
	broker_start again "$1" --policy allow-all --storage "$work/kbs" "${@:2}"
}

challenged() { [ "$(metric challenges_total)" -ge 1 ]; }

# Between /auth and /attest the guest asks its TPM, which is stopped: that is when the broker is killed.
restart_in_mid_handshake() {
	local tpm_pid asking
	must again 0 --resource "default/fault/text=$work/text"
	must tpm_start tpm
	must guest_start quoting "$kbs" --attester tpm --tpm "$tpm"
	tpm_pid=$(<"$work/tpm/pid")
	kill -STOP "$tpm_pid"
	text_of quoting >"$work/quoting.said" 2>&1 &
	asking=$!
	need await 20 challenged
	need ended KILL "$broker_pid"
	must again "$broker_port"
	kill -CONT "$tpm_pid"
	wait "$asking"
	expect_equal "a broker killed in mid-handshake and started again: the resource arrives" "$(cat "$work/text")" \
		"$(cat "$work/quoting.said")"
	expect_text "and again" quoting
}

restarts() {
	local asking
	must guest_start patient "$kbs" --attester sample
	expect_text "a guest has its resource" patient
	need ended KILL "$broker_pid"
	must again "$broker_port"
	expect_text "a broker that forgot its tokens: the guest attests again" patient
	expect_equal "once" 1 "$(metric attestations_total)"
	kill -STOP "$broker_pid"
	text_of patient >"$work/patient.said" 2>&1 &
	asking=$!
	sleep 1
	kill -CONT "$broker_pid"
	wait "$asking"
	expect_equal "a broker that stood still for a second is waited for" "$(cat "$work/text")" "$(cat "$work/patient.said")"
	need ended KILL "$broker_pid"
	expect_failure "a broker that is gone is told of" patient "refused\|connect"
	text_of patient >"$work/patient.said" 2>&1 &
	asking=$!
	must again "$broker_port"
	wait "$asking"
	expect_equal "one that comes back within the time of a request is found" "$(cat "$work/text")" "$(cat "$work/patient.said")"
	ended TERM "$broker_pid"
}

certificates() {
	local name
	for name in ours other; do
		need openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$name" \
			-addext subjectAltName=IP:127.0.0.1 -keyout "$work/$name.key" -out "$work/$name.crt"
	done
	must broker_start tls 0 --policy allow-all --cert "$work/ours.crt" --key "$work/ours.key" \
		--resource "default/fault/text=$work/text"
	for name in ours other; do
		guest_config "pinned-$name" "$kbs" "kbs_cert = '''" "$(cat "$work/$name.crt")" "'''"
		must guest_start "pinned-$name" "$kbs" --attester sample
	done
	must guest_start unpinned "$kbs" --attester sample
	expect_text "a broker with the pinned certificate" pinned-ours
	expect_failure "one with another certificate gets nothing, and the log says so" pinned-other "certificate"
	expect_failure "nor does one that no root of the system knows" unpinned "certificate"
	need ended KILL "$broker_pid"
	must broker_start tls "$broker_port" --policy allow-all --cert "$work/other.crt" --key "$work/other.key" \
		--resource "default/fault/text=$work/text"
	expect_text "the certificate changes: who pinned the new one gets the resource" pinned-other
	expect_failure "and who pinned the old one does not" pinned-ours "certificate"
}

# Clocks of the wall alone: those that measure time run as everywhere.
clocks() {
	local skew
	for skew in +1h -1h +30d -30d; do
		must broker_start "brief$skew" 0 --policy allow-all --token-minutes 1 --resource "default/fault/text=$work/text"
		of_clock "FAKETIME=$skew" FAKETIME_DONT_FAKE_MONOTONIC=1
		guest_under=("${of_clock[@]}")
		must guest_start "guest$skew" "$kbs" --attester sample
		guest_under=()
		need jq -es '.[0].ts[:19] + "Z" | fromdate - now | fabs > 3000' "$work/guest$skew.log"
		expect_text "a guest whose clock is $skew off" "guest$skew"
		expect_text "and again" "guest$skew"
		expect_equal "with the token that it kept" "1" "$(metric attestations_total)"
		ended TERM "$broker_pid"
	done
	echo +0 >"$work/clock"
	of_clock "FAKETIME_TIMESTAMP_FILE=$work/clock" FAKETIME_NO_CACHE=1
	broker_under=("${of_clock[@]}")
	must broker_start jumping 0 --policy allow-all --token-minutes 1 --resource "default/fault/text=$work/text"
	broker_under=()
	must guest_start steady "$kbs" --attester sample
	expect_text "a guest before the broker's clock jumps" steady
	echo +600 >"$work/clock"
	expect_text "the token has ended, for the broker alone: the guest attests again" steady
	expect_equal "once" 2 "$(metric attestations_total)"
	echo -600 >"$work/clock"
	expect_text "the broker's clock goes back" steady
	ended TERM "$broker_pid"
}

prepared owner
prepared broker_behind
prepared between
prepared guests_of_faults
faults_begin
restart_in_mid_handshake
restarts
certificates
clocks
faults_end
finish
