# SPDX-License-Identifier: Apache-2.0
package rules_test

import data.agent_policy
import data.rules

test_creates_the_sandbox if {
	answer := agent_policy.CreateSandboxRequest with input as rules.request("CreateSandboxRequest") with data.pstate as {}
	answer == {"allowed": true, "ops": [{"op": "add", "path": "/pstate/sandbox", "value": rules.sandboxed.sandbox}]}
}

test_pins_what_the_first_container_says if {
	answer := agent_policy.CreateContainerRequest with input as rules.request("pause") with data.pstate as rules.sandboxed
	answer == {"allowed": true, "ops": [
		{"op": "add", "path": "/pstate/pins", "value": rules.pins},
		{"op": "add", "path": "/pstate/containers", "value": {rules.ids.pause: {"entry": 0}}},
	]}
}

test_remembers_a_container if {
	answer := agent_policy.CreateContainerRequest with input as rules.request("app") with data.pstate as rules.running({"pause"})
	answer == {"allowed": true, "ops": [{
		"op": "add",
		"path": concat("/", ["/pstate/containers", rules.ids.app]),
		"value": {"entry": 2},
	}]}
}

test_forgets_a_removed_container if {
	answer := agent_policy.RemoveContainerRequest with input as {"container_id": rules.ids.app, "timeout": 0}
		with data.pstate as rules.running({"pause", "app"})
	answer == {"allowed": true, "ops": [{"op": "remove", "path": concat("/", ["/pstate/containers", rules.ids.app])}]}
}

test_does_not_remove_what_does_not_run if {
	asked := {"container_id": rules.ids.app, "timeout": 0}
	rules.reasons("RemoveContainerRequest", rules.running({"pause"}), asked) == {"container_id"}
	not agent_policy.RemoveContainerRequest with input as asked with data.pstate as rules.running({"pause"})
}

test_starts_a_container_again_when_it_is_removed if {
	again := json.patch(rules.request("app"), [])
	not agent_policy.CreateContainerRequest with input as again with data.pstate as rules.running({"pause", "app"})
	other := json.unmarshal(replace(json.marshal(again), rules.ids.app, rules.ids.side))
	agent_policy.CreateContainerRequest.allowed with input as other with data.pstate as rules.running({"pause"})
	said := agent_policy.refusals.CreateContainerRequest with input as other with data.pstate as rules.running({"pause", "app"})
	said == {"containers": {"app": ["container.live"]}}
}

test_refuses_a_second_sandbox if {
	rules.reasons("CreateSandboxRequest", rules.sandboxed, rules.request("CreateSandboxRequest")) == {"again"}
	rules.reasons("CreateContainerRequest", rules.running({"pause"}), rules.request("pause")) == {"container_id.again", "sandbox"}
}

test_wants_the_sandbox_first if {
	rules.reasons("CreateContainerRequest", rules.sandboxed, rules.request("app")) == {"sandbox"}
	rules.reasons("CreateContainerRequest", {}, rules.request("pause")) == {"oci.hostname", "sandbox"}
}

other_pins := {"name": "web-5d4f8c7b9-x2x9x", "namespace": "test", "id": "x", "uid": "", "network": ""}

test_wants_the_names_of_the_first if every key, value in other_pins {
	state := object.union(rules.running({"pause"}), {"pins": {key: value}})
	rules.reasons("CreateContainerRequest", state, rules.request("app")) == {"sandbox"}
}

test_refuses_a_block_of_others if {
	stock := json.remove(data.pod.policy, ["cocoon"])
	said := agent_policy.refusals with input as rules.request("app") with data.pstate as rules.running({"pause"})
		with data.agent_policy.policy_data as stock
	said.CreateContainerRequest == {"reasons": ["data.cocoon"]}
	said.GetOOMEventRequest == {"reasons": ["data.cocoon"]}
	partly := json.remove(data.pod.policy, ["containers/2/cocoon"])
	not agent_policy.CreateContainerRequest with input as rules.request("app") with data.pstate as rules.running({"pause"})
		with data.agent_policy.policy_data as partly
}

test_takes_the_first_of_two_entries_of_a_name if {
	twice := json.patch(data.pod.policy, [{"op": "add", "path": "/containers/-", "value": data.pod.policy.containers[2]}])
	every case in [[{"pause"}, 2], [{"pause", "app"}, 4]] {
		asked := json.unmarshal(replace(json.marshal(rules.request("app")), rules.ids.app, rules.ids.side))
		answer := agent_policy.CreateContainerRequest with input as asked with data.pstate as rules.running(case[0])
			with data.agent_policy.policy_data as twice
		answer.ops[0].value.entry == case[1]
	}
}

test_says_never if every kind in ["SetPolicyRequest", "UpdateContainerRequest", "PauseContainerRequest", "AddSwapRequest"] {
	said := agent_policy.refusals with input as {} with data.pstate as {}
	said[kind] == {"reasons": ["never"]}
}
