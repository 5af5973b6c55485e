# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034 # variables for the sourcing script
#
# What the benchmarks need: the Go tools, a cluster, processes and what they use. Sets $work, a folder of this run;
# all that was started ends and the folder goes when the script ends.

top=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/cocoon/bench
cluster_up=false
pid=''

say() { printf '%s\n' "bench: $*" >&2; }
die() {
	say "$1"
	shift
	(($# == 0)) || printf '  %s\n' "$@" >&2
	exit 1
}

# begin OUT PROGRAM: checks what is needed, makes $work.
begin() {
	local tool
	out=$(realpath -m -- "$1")
	program=$out/bin/$2
	[[ -x $program ]] || die "there is no $program" "make BUILD=release programs"
	for tool in jq openssl curl ss; do
		type -P "$tool" >/dev/null || die "$tool is missing" "apt-get install jq openssl curl iproute2"
	done
	[[ $1 == *release* ]] || say "$1 is not a release build: its numbers are not those of what users run"
	work=$(mktemp -d)
	trap finish EXIT
	trap 'exit 130' INT TERM
}

finish() {
	stop
	! $cluster_up || "$top/e2e/cluster/cluster.sh" down --dir "$work/cluster" || true
	rm -rf -- "$work"
}

# One program each, into the user's cache; Go itself knows what is up to date.
build_tools() {
	local go
	go=$("$top/tools/go.sh")
	mkdir -p "$cache"
	(cd "$top/bench/load" && GOWORK=off CGO_ENABLED=0 "$go" build -trimpath -o "$cache/" ./reviews ./pods ./images) >&2
	(cd "$top/bench/peer" && GOWORK=off CGO_ENABLED=0 "$go" build -trimpath -o "$cache/peer" .) >&2
}

# start_cluster NAMESPACE…: an API server with our resource, the RuntimeClasses and one profile for these namespaces.
start_cluster() {
	local name
	"$top/e2e/cluster/cluster.sh" up --dir "$work/cluster" >&2
	cluster_up=true
	eval "$("$top/e2e/cluster/cluster.sh" env --dir "$work/cluster")"
	kubectl apply --server-side -f "$top/crds/confidentialprofiles.yaml" >/dev/null
	kubectl wait --for=condition=Established crd/confidentialprofiles.cocoon.dev --timeout=60s >/dev/null
	kubectl create namespace cocoon-system >/dev/null
	for name; do
		kubectl create namespace "$name" >/dev/null
		kubectl label namespace "$name" tenant=bench >/dev/null
	done
	jq -n --rawfile document "$top/bench/initdata.toml" '{
		apiVersion: "cocoon.dev/v1alpha1", kind: "ConfidentialProfile", metadata: {name: "bench"}, spec: {
			runtimeClasses: ["kata-qemu-*"], namespaceSelector: {matchLabels: {tenant: "bench"}},
			kernelParams: ["agent.image_pull_timeout=1800"],
			annotations: {"io.katacontainers.config.hypervisor.default_memory": "4096"},
			initData: {verbatim: $document}}}' | kubectl create -f - >/dev/null
}

free_port() {
	local port _
	for _ in {1..50}; do
		port=$((20000 + SRANDOM % 10000))
		[[ $(ss -Hltn "sport = :$port") ]] || { echo "$port" && return; }
	done
	die "no free TCP port between 20000 and 30000"
}

# make_certificate: $work/tls holds tls.crt and tls.key for 127.0.0.1, and the ca.crt that signed it.
make_certificate() {
	mkdir "$work/tls"
	(
		cd "$work/tls"
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=bench \
			-addext keyUsage=critical,keyCertSign -keyout ca.key -out ca.crt
		openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost \
			-keyout tls.key -out tls.csr
		printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\n' >tls.ext
		openssl x509 -req -in tls.csr -CA ca.crt -CAkey ca.key -days 2 -extfile tls.ext -out tls.crt
	) >"$work/openssl.log" 2>&1 || die "openssl failed" "$(<"$work/openssl.log")"
	chmod 600 "$work/tls/"*.key
}

# start NAME COMMAND…: $pid, and $began in microseconds; its messages go to a file.
start() {
	log=$work/$1.log
	shift
	began=${EPOCHREALTIME/[.,]/}
	"$@" >>"$log" 2>&1 &
	pid=$!
}

# Nothing but what start has started. Ten seconds to end, then it is killed.
stop() {
	local _
	[[ $pid ]] || return 0
	kill "$pid" 2>/dev/null || true
	for _ in {1..100}; do
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.1
	done
	kill -KILL "$pid" 2>/dev/null || true
	wait "$pid" 2>/dev/null || true
	pid=''
}

# until_ready PORT SECONDS: waits for /readyz and sets $ready_ms, counted from start.
until_ready() {
	local port=$1 end=$((SECONDS + $2)) answer
	while :; do
		kill -0 "$pid" 2>/dev/null || die "it ended before it was ready" "$(tail -n 5 "$log")"
		answer=''
		if { exec 9<>"/dev/tcp/127.0.0.1/$port"; } 2>/dev/null; then
			printf 'GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&9
			read -r -t 2 answer <&9 || true
			exec 9>&-
		fi
		[[ $answer != 'HTTP/1.1 200'* ]] || break
		((SECONDS < end)) || die "it is not ready after $2 s" "$(tail -n 5 "$log")"
		sleep 0.01
	done
	ready_ms=$(((${EPOCHREALTIME/[.,]/} - began) / 1000))
}

# kilobytes VmRSS|VmHWM of the process
kilobytes() {
	[[ -r /proc/$pid/status ]] || die "it ended before its time" "$(tail -n 5 "$log")"
	sed -n "s/^$1:[^0-9]*\([0-9]*\) kB/\1/p" "/proc/$pid/status"
}

# Milliseconds of processor time that the process has used.
cpu_ms() {
	local words
	read -r -a words < <(sed 's/.*) //' "/proc/$pid/stat")
	echo $(((words[11] + words[12]) * 1000 / $(getconf CLK_TCK)))
}

# until_quiet SECONDS: waits until the process has done next to nothing for three seconds on end.
until_quiet() {
	local end=$((SECONDS + $1)) before after quiet=0
	before=$(cpu_ms)
	while ((quiet < 3)); do
		((SECONDS < end)) || { say "still busy after $1 s: measured all the same" && return; }
		sleep 1
		after=$(cpu_ms)
		((after - before <= 50)) && quiet=$((quiet + 1)) || quiet=0
		before=$after
	done
}

# The peer of webhook and controller, with its version.
go_peer() { sed -n 's/.*sigs.k8s.io\/\(controller-runtime .*\)/\1/p' "$top/bench/peer/go.mod"; }

# print_machine PEER: what the numbers depend on, above every table.
print_machine() {
	local model
	model=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
	printf '%s CPUs (%s), load average %s\n' "$(nproc)" "${model:-unknown}" "$(cut -d' ' -f1 /proc/loadavg)"
	printf 'cocoon %s (%s), peer: %s, Kubernetes %s\n\n' "$(<"$top/VERSION")" "$(basename "$out")" "$1" \
		"$(kubectl get --raw /version | jq -r .gitVersion)"
}
