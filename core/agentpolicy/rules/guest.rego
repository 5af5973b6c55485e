# SPDX-License-Identifier: Apache-2.0
# What concerns the guest as a whole.
package agent_policy

member_reasons(names) := {"fields" | not has_members(input, names)}

DestroySandboxRequest := verdict("DestroySandboxRequest", member_reasons(set()))

GetOOMEventRequest := verdict("GetOOMEventRequest", member_reasons(set()))

RemoveStaleVirtiofsShareMountsRequest := verdict("RemoveStaleVirtiofsShareMountsRequest", member_reasons(set()))

details_reasons := member_reasons({"mem_block_size", "mem_hotplug_probe"})

GuestDetailsRequest := verdict("GuestDetailsRequest", details_reasons)

online_reasons := (member_reasons({"wait", "nb_cpus", "cpu_only"}) | number_reasons({"nb_cpus"})) |
	{"fields" | not is_boolean(input.wait)}

OnlineCPUMemRequest := verdict("OnlineCPUMemRequest", online_reasons)

metrics_reasons := member_reasons(set()) | {"setting" | not setting("GetMetricsRequest")}

GetMetricsRequest := verdict("GetMetricsRequest", metrics_reasons)

diagnostic_reasons := {"setting" | not setting("GetDiagnosticDataRequest")}

GetDiagnosticDataRequest := verdict("GetDiagnosticDataRequest", diagnostic_reasons)

UpdateEphemeralMountsRequest := verdict("UpdateEphemeralMountsRequest", ephemeral_reasons)

# Only the size of what the sandbox has may change.
ephemeral_reasons := (member_reasons({"storages"}) | {"setting" | not setting("UpdateEphemeralMountsRequest")}) |
	{"storages" | not ephemeral_storages_agree}

ephemeral_storages_agree if {
	every storage in input.storages {
		some wanted in policy_data.sandbox.storages
		resized(storage) == resized(wanted)
	}
}

resized(storage) := object.union(storage, {"options": [option |
	some option in storage.options
	not regex.match(`^size=[0-9]{1,19}$`, option)
]})
