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

background() { # background NAME COMMAND…: until the end; what it says is added to NAME.log; $pid
	"${@:2}" >>"$work/$1.log" 2>&1 </dev/null &
	pid=$!
	made_processes+=("$pid")
	disown
}

log_line() { # log_line NAME PATTERN: waits for a line of the log, and prints what fits
	local _
	for _ in {1..1000}; do
		! grep -m1 -o -e "$2" "$work/$1.log" 2>/dev/null || return 0
		sleep 0.02
	done
	echo "$1 did not say '$2', but:"
	tail -n 5 "$work/$1.log"
	return 1
}

gone() { # gone PID: waits for its end
	tail -s 0.02 --pid="$1" -f /dev/null
}

ended() { # ended SIGNAL PID: and waits for it
	kill "-$1" "$2" && gone "$2"
}

# broker_start NAME OPTION…: a broker on the port $broker_port (0: any, and then it stands there); sets $broker_pid and $kbs
broker_start() {
	: >"$work/$1.log"
	background "$1" "${broker_under[@]}" "$programs/dev-kbs" --listen "127.0.0.1:${broker_port:-0}" "${@:2}"
	broker_pid=$pid
	kbs=$(log_line "$1" 'https\?://127\.0\.0\.1:[0-9]*') || { echo "$kbs" && return 1; }
	broker_port=${kbs##*:}
}
broker_under=() # a command before it

# guest_start NAME KBS OPTION…: a daemon with the sockets NAME.aa and NAME.cdh; sets $guest_pid
guest_start() {
	: >"$work/$1.log"
	[ -e "$work/$1.toml" ] || guest_config "$1" "$2"
	background "$1" "${guest_under[@]}" "$programs/guest" serve --kernel-command-line /dev/null --root "$work/$1.root" \
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
