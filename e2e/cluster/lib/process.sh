# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # variables shared with the sourcing script
#
# Parts as processes: each in a session of its own, its command line, process id
# and log in files. A process id is kept with its start time, because ids are
# used again.

readonly stop_seconds=20

# part_define PART COMMAND…: remember how a part is started.
part_define() {
    local part=$1
    shift
    printf '%q ' "$@" >"$dir/run/$part.command"
}

part_start() {
    local part=$1 argv pid
    [[ -r $dir/run/$part.command ]] || die "$part is not a part of the cluster in $dir" "its parts: $(part_names)"
    ! part_runs "$part" || return 0
    eval "argv=($(<"$dir/run/$part.command"))"
    # shellcheck disable=SC2154 # set by eval
    (
        close_inherited
        exec setsid "${argv[@]}"
    ) </dev/null >>"$dir/log/$part.log" 2>&1 &
    pid=$!
    echo "$pid $(start_time "$pid")" >"$dir/run/$part.pid"
    disown "$pid"
}

# A child that keeps a descriptor of the caller open makes the caller's reader
# wait for ever.
close_inherited() {
    local link number
    for link in /proc/"$BASHPID"/fd/*; do
        number=${link##*/}
        ((number <= 2 || number == 255)) || eval "exec $number>&-"
    done
}

start_time() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }

# part_pid PART prints the id of the running process, or fails.
part_pid() {
    local pid started
    read -r pid started 2>/dev/null <"$dir/run/$1.pid" || return 1
    [[ $started && $(start_time "$pid") == "$started" ]] || return 1
    echo "$pid"
}

# A zombie has ended, though nobody has asked for its status yet.
part_runs() {
    local pid
    pid=$(part_pid "$1") || return 1
    ! grep -q '^State:.Z' "/proc/$pid/status" 2>/dev/null
}

part_names() {
    local file names=()
    for file in "$dir"/run/*.command; do
        [[ ! -e $file ]] || names+=("$(basename "$file" .command)")
    done
    echo "${names[*]}"
}

part_ended() { ! part_runs "$1"; }

# part_stop PART [SIGNAL]
part_stop() {
    local part=$1 signal=${2:-TERM} pid
    if pid=$(part_pid "$part"); then
        kill -s "$signal" "$pid" 2>/dev/null || true
        if ! wait_for "$stop_seconds" part_ended "$part"; then
            say "$part did not end within $stop_seconds s: killed"
            kill -s KILL "$pid" 2>/dev/null || true
            wait_for 5 part_ended "$part" || say "$part (process $pid) cannot be killed"
        fi
    fi
    rm -f "$dir/run/$part.pid"
}

# part_ready PART SECONDS COMMAND…: wait until the command succeeds; if the part
# ends or does not become ready, show the end of its log.
part_ready() {
    local part=$1 seconds=$2 end
    shift 2
    end=$((SECONDS + seconds))
    until "$@" >/dev/null 2>&1 </dev/null; do
        if part_ended "$part" || ((SECONDS >= end)); then
            tail -n 15 "$dir/log/$part.log" >&2 || true
            part_ended "$part" || die "$part is not ready after $seconds s" "its log: $dir/log/$part.log"
            die "$part ended" "its log: $dir/log/$part.log"
        fi
        sleep 0.2
    done
}
