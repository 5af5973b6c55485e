# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # dir: the lane's
# Webhook and controller as processes of this machine beside an API server without a node, two of each, installed from
# the manifests but for the pods: the Service has no selector, its EndpointSlices name the processes.

hosted_programs=$PWD/out/release-gcc/bin

# A kubeconfig for a service account whose token is in a file of its own.
hosted_kubeconfig() { # hosted_kubeconfig PROGRAM
	kubectl create token "cocoon-$1" -n cocoon-system --duration=1h >"$dir/hosted/$1.token"
	kubectl config view --raw --minify -o json | jq --arg token "$dir/hosted/$1.token" '
		.users[0].user = {tokenFile: $token} | .contexts[0].context.namespace = "cocoon-system"' >"$dir/hosted/$1.kubeconfig"
}

hosted_program() { # hosted_program NAME PROGRAM ARGUMENT…: started, its process id noted
	POD_NAME=$1 setsid "$hosted_programs/$2" --kubeconfig "$dir/hosted/$2.kubeconfig" --namespace cocoon-system \
		"${@:3}" >>"$dir/log/hosted-$1.log" 2>&1 3>&- </dev/null &
	disown # else the shell announces its end
	echo "$!" >"$dir/hosted/$1.pid"
}

hosted_port() { # hosted_port NAME WHICH: the port that it says in its log
	sed -n "s/.*\"$2\":\"\([0-9]*\)\".*/\1/p" "$dir/log/hosted-$1.log" | tail -n 1
}

hosted_await() { # hosted_await SECONDS COMMAND…
	local end=$((SECONDS + $1))
	until "${@:2}" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.1
	done
}

hosted_listens() { [ -n "$(hosted_port "$1" "$2")" ]; }
hosted_ready() { curl -fsS --max-time 2 "http://127.0.0.1:$(hosted_port "$1" "$2")/readyz"; }

hosted_slice() { # hosted_slice NAME: the endpoints that are one process
	jq -n --arg name "$1" --arg address "$(sed -n 's/^machine_address=//p' "$dir/cluster.conf")" \
		--argjson port "$(hosted_port "$1" admission)" '{apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice",
		metadata: {name: $name, namespace: "cocoon-system", labels: {"kubernetes.io/service-name": "cocoon-webhook"}},
		addressType: "IPv4", ports: [{name: "webhook", protocol: "TCP", $port}],
		endpoints: [{addresses: [$address], conditions: {ready: true}}]}' | kubectl apply -f -
}

hosted_start() {
	local name
	mkdir -p "$dir/hosted"
	kubectl kustomize manifests/default >"$dir/hosted/all.yaml" || return 1
	kubectl create --dry-run=client -o json -f "$dir/hosted/all.yaml" | jq -s '{apiVersion: "v1", kind: "List", items: map(
		select(.kind != "Deployment") | if .kind == "Service" then del(.spec.selector) else . end)}' |
		kubectl apply --server-side -f - || return 1
	for name in webhook controller; do hosted_kubeconfig $name || return 1; done
	for name in controller-1 controller-2; do
		hosted_program $name controller --health-listen 127.0.0.1:0
	done
	for name in webhook-1 webhook-2; do
		hosted_program $name webhook --listen 0.0.0.0:0 --health-listen 127.0.0.1:0
		hosted_await 10 hosted_listens $name admission && hosted_slice $name || return 1
	done
	for name in webhook-1 webhook-2; do hosted_await 20 hosted_ready $name health || return 1; done
}

hosted_stop() { # all that run now, whoever has started them
	local file
	for file in "$dir"/hosted/*.pid; do
		[ ! -e "$file" ] || kill -KILL "$(<"$file")" 2>/dev/null || true
		rm -f "$file"
	done
}
