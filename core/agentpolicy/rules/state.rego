# SPDX-License-Identifier: Apache-2.0
# What the guest remembers, below /pstate, each in its own object, so that no name of the host's can meet another:
#
#     sandbox            of CreateSandboxRequest: {"id", "hostname"}
#     pins               of the sandbox's container: {"name", "namespace", "id", "uid", "network"}
#     containers/<id>    {"entry": index in policy_data.containers}; goes with RemoveContainerRequest
package agent_policy

sandbox := object.get(data.pstate, "sandbox", {"id": "", "hostname": ""})

live := object.get(data.pstate, "containers", {})

live_ids := object.keys(live)

live_entry := policy_data.containers[live[input.container_id].entry]

add(path, value) := {"op": "add", "path": path, "value": value}

container_path := concat("/", ["/pstate/containers", input.container_id])

RemoveContainerRequest := {"allowed": true, "ops": [{"op": "remove", "path": container_path}]} if {
	why("RemoveContainerRequest") == set()
} else := denied("RemoveContainerRequest")
