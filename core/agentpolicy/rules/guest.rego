# SPDX-License-Identifier: Apache-2.0
# The guest as a whole, and for containers that run: signals, and streams where settings open them. Free in their form:
# ids of processes, signals, sizes of windows, amounts.
package agent_policy

live_process := {"container_id": live_ids, "exec_id": concat("", ["(?:", exec_id_form, ")?"])}

unless_set(kind) := {"setting" | not setting(kind)}

reasons("StartContainerRequest") := misfits("", input, {"container_id": live_ids}, set())

StartContainerRequest := verdict("StartContainerRequest")

reasons("StatsContainerRequest") := misfits("", input, {"container_id": live_ids}, set())

StatsContainerRequest := verdict("StatsContainerRequest")

reasons("WaitProcessRequest") := misfits("", input, live_process, set())

WaitProcessRequest := verdict("WaitProcessRequest")

reasons("SignalProcessRequest") := misfits("", input, object.union(live_process, {"signal": 64}), set())

SignalProcessRequest := verdict("SignalProcessRequest")

reasons("TtyWinResizeRequest") := misfits("", input, object.union(live_process, {"row": 65535, "column": 65535}), set())

TtyWinResizeRequest := verdict("TtyWinResizeRequest")

reasons("ReadStreamRequest") := misfits("", input, object.union(live_process, {"len": uint32}), set()) |
	unless_set("ReadStreamRequest")

ReadStreamRequest := verdict("ReadStreamRequest")

reasons("WriteStreamRequest") := misfits("", input, live_process, {"data"}) | unless_set("WriteStreamRequest")

WriteStreamRequest := verdict("WriteStreamRequest")

reasons("CloseStdinRequest") := misfits("", input, live_process, set()) | unless_set("CloseStdinRequest")

CloseStdinRequest := verdict("CloseStdinRequest")

reasons("DestroySandboxRequest") := misfits("", input, {}, set())

DestroySandboxRequest := verdict("DestroySandboxRequest")

reasons("GetOOMEventRequest") := misfits("", input, {}, set())

GetOOMEventRequest := verdict("GetOOMEventRequest")

reasons("RemoveStaleVirtiofsShareMountsRequest") := misfits("", input, {}, set())

RemoveStaleVirtiofsShareMountsRequest := verdict("RemoveStaleVirtiofsShareMountsRequest")

any_flag := {true, false}

reasons("GuestDetailsRequest") := misfits("", input, {"mem_block_size": any_flag, "mem_hotplug_probe": any_flag}, set())

GuestDetailsRequest := verdict("GuestDetailsRequest")

reasons("OnlineCPUMemRequest") := misfits("", input, {"wait": any_flag, "nb_cpus": uint32, "cpu_only": any_flag}, set())

OnlineCPUMemRequest := verdict("OnlineCPUMemRequest")

reasons("GetMetricsRequest") := misfits("", input, {}, set()) | unless_set("GetMetricsRequest")

GetMetricsRequest := verdict("GetMetricsRequest")

reasons("GetDiagnosticDataRequest") := misfits("", input, {
	"log_type": `[a-zA-Z0-9._-]*`,
	"container_id": live_ids | {""},
}, set()) | unless_set("GetDiagnosticDataRequest")

GetDiagnosticDataRequest := verdict("GetDiagnosticDataRequest")

# Only the size of what the sandbox has may change.
reasons("UpdateEphemeralMountsRequest") := misfits("", input, {}, {"storages"}) | (unless_set("UpdateEphemeralMountsRequest") |
	{"storages" | not sizes_alone_change})

sizes_alone_change if {
	is_list(input.storages, 64)
	every storage in input.storages {
		some wanted in policy_data.sandbox.storages
		unsized(storage) == unsized(wanted)
	}
}

unsized(storage) := object.union(storage, {"options": [option |
	some option in storage.options
	not whole(`size=[0-9]{1,19}`, option)
]})

UpdateEphemeralMountsRequest := verdict("UpdateEphemeralMountsRequest")
