# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # variables for and of the journeys
# What the journeys of keys share, beside e2e/lib.sh, which they source first: development brokers, software TPMs and
# guest daemons as processes of this machine, each on a port that the system chooses, and what they said. Everything lies
# in $work; what was started here is ended by the way out.

programs=${COCOON_PROGRAMS:-$root/out/release-gcc/bin}
load=$programs/../tests/drivers/kbs_load
PATH=$programs:$PATH
# nothing of the caller's says where a broker is
unset AA_KBC_PARAMS AA_SOCKET KBS_CERT SKIP_SEALED_SECRET_VERIFICATION OFFLINE_FS_KBC_EXTRA_FILE_PATH NOTIFY_SOCKET

# shellcheck source=tests/swtpm.bash
. "$root/tests/swtpm.bash"
made_tpms=()

# Processes that are stopped (SIGSTOP) do not end; a TPM ends late while somebody holds it.
cleanup() {
	local item
	for item in "${made_processes[@]}"; do kill -CONT "$item" || true; done
	for item in "${made_processes[@]}"; do gone "$item"; done
	for item in "${made_tpms[@]}"; do swtpm_stop "$work/$item" & done
	wait
}

tpm_start() { # tpm_start NAME: sets $tpm, its TCTI
	swtpm_start "$work/$1" >"$work/$1.tcti" || return
	made_tpms+=("$1")
	tpm=$(<"$work/$1.tcti")
}

must() { # must FUNCTION …: here, not in a shell of its own: what it sets stays
	"$@" >"$work/must.log" 2>&1 </dev/null || {
		check 1 "the stage is set: $*" "$(cat "$work/must.log")"
		exit 1
	}
}

expect_no_start() { # expect_no_start NAME PART FUNCTION …: it does not start, and what it says has this
	local status=0
	! "${@:3}" >"$work/must.log" 2>&1 </dev/null && grep -q -e "$2" "$work/must.log" || status=1
	check "$status" "$1" "expected: $2"$'\n'"seen: $(cat "$work/must.log")"
}

background() { # background NAME COMMAND…: until the end; what it says is added to NAME.log; $pid
	"${@:2}" >>"$work/$1.log" 2>&1 </dev/null 3>&- &
	pid=$!
	made_processes+=("$pid")
	disown
}

log_line() { # log_line NAME PATTERN: waits for a line of the log while $pid lives, and prints what fits
	local _ gone=false
	for _ in {1..1000}; do
		! grep -m1 -o -e "$2" "$work/$1.log" 2>/dev/null || return 0
		! $gone || break
		sleep 0.02
		kill -0 "$pid" 2>/dev/null || gone=true
	done
	echo "$1 did not say '$2', but:"
	tail -n 5 "$work/$1.log"
	return 1
}

# of_clock SETTING…: $of_clock is a command before another one, whose clock libfaketime then sets; without the wrapper
# that comes with it, which would stand between us and the process
of_clock() {
	of_clock=(env "LD_PRELOAD=$(faketime -m now printenv LD_PRELOAD)" "$@")
}

gone() { # gone PID: waits for its end
	tail -s 0.02 --pid="$1" -f /dev/null
}

ended() { # ended SIGNAL PID: and waits for it
	kill "-$1" "$2" && gone "$2"
}

# broker_start NAME PORT OPTION…: a broker, on any port for 0; sets $broker_pid, $broker_port and $kbs
broker_start() {
	: >"$work/$1.log"
	background "$1" "${broker_under[@]}" "$programs/dev-kbs" --listen "127.0.0.1:$2" "${@:3}"
	broker_pid=$pid
	kbs=$(log_line "$1" 'https\?://127\.0\.0\.1:[0-9]*') || { echo "$kbs" && return 1; }
	broker_port=${kbs##*:}
}
broker_under=() # a command before it

# guest_start NAME KBS OPTION…: a daemon with the sockets NAME.aa and NAME.cdh; sets $guest_pid
guest_start() {
	: >"$work/$1.log"
	[ -e "$work/$1.toml" ] || guest_config "$1" "$2"
	background "$1" "${guest_under[@]}" "$programs/guest" serve --kernel-command-line /dev/null --root "${guest_root:-$work/$1.root}" \
		--eventlog "$work/$1.events" --aa-socket "unix://$work/$1.aa" --cdh-socket "unix://$work/$1.cdh" \
		--rest "${guest_rest:-none}" --features all --cdh-config "$work/$1.toml" "${@:3}"
	guest_pid=$pid
	log_line "$1" '"face":"hub"'
}
guest_under=() # a command before it

guest_config() { # guest_config NAME KBS [LINE…]: what it is told; lines are added to the hub's
	{
		printf '[kbc]\nname = "cc_kbc"\nurl = "%s"\n' "$2"
		printf '%s\n' "${@:3}"
	} >"$work/$1.toml"
}

at() { # at NAME VERB …: what the daemon is asked for
	timeout 100 "$programs/guest" "$2" --socket "unix://$work/$1.$([[ $2 =~ ^(token|measure|evidence|tee)$ ]] && echo aa || echo cdh)" \
		"${@:3}"
}

resident() { # resident PID: KiB
	sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$1/status"
}

# ---- what is asked, and what came of it ------------------------------------------------------------------------------

readonly bound=55 # seconds: callers of the guest wait for 50
uri=kbs:///default/fault/text # which is $work/text

text_of() { at "$1" get-resource -o raw "$uri"; }

expect_text() { # expect_text NAME GUEST: the resource comes, in time
	local began=$SECONDS
	expect_equal "$1" "$(cat "$work/text")" "$(text_of "$2" 2>&1)"
	[ $((SECONDS - began)) -le "$bound" ] || check 1 "$1, in time" "$((SECONDS - began)) s"
}

# expect_failure NAME GUEST WORDS: the resource does not come, the guest's log says why, in time
expect_failure() {
	local began=$SECONDS lines status=0
	lines=$(wc -l <"$work/$2.log")
	run text_of "$2" && status=1
	[[ $said == *"Get Resource failed"* ]] || status=1
	tail -n "+$((lines + 1))" "$work/$2.log" | jq -r 'select(.msg == "refused").error' >"$work/$2.why"
	grep -q -e "$3" "$work/$2.why" || status=1
	[ $((SECONDS - began)) -le "$bound" ] || status=1
	check "$status" "$1" "after $((SECONDS - began)) s: $said"$'\n'"expected '$3', seen: $(cat "$work/$2.why")"
}

metric() { # metric NAME: of the broker
	curl -fsS --max-time 5 "$kbs/metrics" | sed -n "s/^dev_kbs_$1 //p"
}

owner() {
	echo "a text of the owner, $(openssl rand -hex 16)" >"$work/text"
	image-crypt keygen --type ed25519 "$work/admin.key"
}

post() { # post NAME FILE
	sealed-secrets provision --kbs "$kbs" --auth-private-key "$work/admin.key" --resource "kbs:///default/fault/$1=$2"
}
