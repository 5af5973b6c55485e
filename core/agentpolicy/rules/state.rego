# SPDX-License-Identifier: Apache-2.0
# What the guest remembers, below /pstate, each in its own object, so that no name of the host's can meet another:
#
#     sandbox            of CreateSandboxRequest: {"id", "hostname"}
#     pins               of the sandbox's container: {"name", "namespace", "id", "uid", "network"}
#     containers/<id>    {"entry": index in policy_data.containers}; goes with RemoveContainerRequest
package agent_policy

live := object.get(data.pstate, "containers", {})

is_live(id) if {
	is_string(id)
	object.keys(live)[id]
}

live_entry(id) := policy_data.containers[live[id].entry]

has_pins if data.pstate.pins

add(path, value) := {"op": "add", "path": path, "value": value}

container_path(id) := concat("/", ["/pstate/containers", id])

remove_reasons := ({"fields" | not has_members(input, {"container_id", "timeout"})} |
	{"container_id" | not is_live(input.container_id)}) |
	{"timeout" | not is_count(input.timeout, 4294967295)}

RemoveContainerRequest := {"allowed": true, "ops": [{"op": "remove", "path": container_path(input.container_id)}]} if {
	count(remove_reasons) == 0
} else := verdict("RemoveContainerRequest", remove_reasons)
