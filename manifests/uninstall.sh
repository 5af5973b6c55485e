#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Removes Cocoon from the cluster of the current context, admission first, so that nothing is refused on the way out.
# Needs kubectl alone and an administrator's rights; may be run again at any point. Objects are found by the label
# app.kubernetes.io/part-of=cocoon, whichever overlay and release made them.
set -uo pipefail

namespace=cocoon-system
seconds=60
keep_profiles=false
label=app.kubernetes.io/part-of=cocoon
# What opens the way, in this order; then what is only tidying. What judges goes before what injects: else pods that
# are created in between would be refused for what nobody gave them.
admission="validatingwebhookconfigurations validatingadmissionpolicybindings validatingadmissionpolicies
	mutatingwebhookconfigurations mutatingadmissionpolicybindings mutatingadmissionpolicies"
rest="clusterrolebindings clusterroles flowschemas"

usage() {
	cat <<END
usage: ${0##*/} [--namespace NAME] [--keep-profiles] [--timeout SECONDS]

  --namespace NAME   where Cocoon is installed (default $namespace)
  --keep-profiles    leave the ConfidentialProfiles, ImagePolicies and AgentPolicies and their definitions
  --timeout SECONDS  how long to wait for each step (default $seconds)

KUBECONFIG and its current context choose the cluster.
END
}

say() { printf '%s\n' "$*"; }

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

step() { # step COMMAND…: its words, indented; a failure is counted and the rest goes on
	local words status=0
	words=$("$@" 2>&1) || status=$?
	[ -z "$words" ] || printf '%s\n' "$words" | grep -v '^No resources found' | sed 's/^/    /'
	[ "$status" -eq 0 ] || failed=$((failed + 1))
}

served() { # served PLURAL: does this cluster know the kind?
	grep -q "^$1\(\.\|\$\)" <<<"$kinds"
}

remove() { # remove PLURAL…: those of ours
	local kind
	for kind; do
		! served "$kind" || step kubectl delete "$kind" -l "$label" --ignore-not-found --timeout="${seconds}s"
	done
}

waiting_pods() { # pods behind our gate: nobody will lift it
	kubectl get pods --all-namespaces --field-selector=status.phase=Pending -o \
		'jsonpath={range .items[*]}{.metadata.namespace}{" "}{.metadata.name}{" "}{.spec.schedulingGates[*].name}{"\n"}{end}' |
		grep 'cocoon\.dev/init-data'
}

left_behind() { # everything that should be gone and is not
	local kind wanted="$admission $rest"
	$keep_profiles || wanted+=" customresourcedefinitions"
	for kind in $wanted; do
		! served "$kind" || kubectl get "$kind" -l "$label" -o name || echo "$kind cannot be listed"
	done
	kubectl get rolebindings,roles --all-namespaces -l "$label" -o name || echo "roles cannot be listed"
	kubectl get namespace "$namespace" --ignore-not-found -o name || echo "namespaces cannot be listed"
}

while [ $# -gt 0 ]; do
	case $1 in
	--keep-profiles) keep_profiles=true ;;
	--namespace | --timeout)
		[ $# -ge 2 ] || die "$1 needs a value"
		if [ "$1" = --namespace ]; then namespace=$2; else seconds=$2; fi
		shift
		;;
	-h | --help)
		usage
		exit 0
		;;
	*) die "unknown argument $1 (see --help)" ;;
	esac
	shift
done
[[ $seconds =~ ^[1-9][0-9]*$ ]] || die "--timeout takes whole seconds, not $seconds"
failed=0
kinds=$(kubectl api-resources --namespaced=false --no-headers -o name) ||
	die "the cluster does not answer: check KUBECONFIG and the current context"

say "1. webhooks and admission policies: from here on nothing is refused or injected any more"
# shellcheck disable=SC2086 # a list of words
remove $admission

if $keep_profiles; then
	say "2. profiles, image policies and agent policies stay (--keep-profiles)"
else
	say "2. profiles, image policies and agent policies and their definitions"
	remove customresourcedefinitions
fi

say "3. namespace $namespace"
step kubectl delete namespace "$namespace" --ignore-not-found --timeout="${seconds}s"

say "4. roles and flow schemas"
# shellcheck disable=SC2086 # a list of words
remove $rest
# manifests/pull-secrets, wherever it was applied
step kubectl delete rolebindings,roles --all-namespaces -l "$label" --ignore-not-found --timeout="${seconds}s"

say "5. verifying"
left=$(left_behind 2>&1)
pods=$(waiting_pods 2>/dev/null)
if [ -n "$pods" ]; then
	say "    These pods wait behind the gate cocoon.dev/init-data, which nobody lifts now. Delete them (their owners"
	say "    make new ones, without init-data):"
	printf '%s\n' "$pods" | while read -r ns name _; do say "      kubectl delete pod -n $ns $name"; done
fi
if [ -n "$left" ]; then
	say "    still there:"
	printf '%s\n' "$left" | sed 's/^/      /'
	die "not everything is gone yet: run it again, or look at the finalizers of what is listed"
fi
[ "$failed" -eq 0 ] || die "some steps failed, as shown above, although nothing is left"
say "    nothing of Cocoon is left; running pods keep the annotations that they have"
