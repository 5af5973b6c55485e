# SPDX-License-Identifier: Apache-2.0
# The guest as a whole, and for containers that run: signals, and streams where settings open them. Free in their form:
# ids of processes, signals, sizes of windows, amounts.
package agent_policy

exec_id_form := `[a-zA-Z0-9._-]+`

live_process := {"container_id": live_ids, "exec_id": concat("", ["(?:", exec_id_form, ")?"])}

any_flag := {true, false}

simple_forms := {
	"CloseStdinRequest": live_process,
	"DestroySandboxRequest": {},
	"GetDiagnosticDataRequest": {"log_type": `[a-zA-Z0-9._-]*`, "container_id": live_ids | {""}},
	"GetMetricsRequest": {},
	"GetOOMEventRequest": {},
	"GuestDetailsRequest": {"mem_block_size": any_flag, "mem_hotplug_probe": any_flag},
	"OnlineCPUMemRequest": {"wait": any_flag, "nb_cpus": uint32, "cpu_only": any_flag},
	"ReadStreamRequest": object.union(live_process, {"len": uint32}),
	"RemoveContainerRequest": {"container_id": live_ids, "timeout": uint32},
	"RemoveStaleVirtiofsShareMountsRequest": {},
	"SignalProcessRequest": object.union(live_process, {"signal": 64}),
	"StartContainerRequest": {"container_id": live_ids},
	"StatsContainerRequest": {"container_id": live_ids},
	"TtyWinResizeRequest": object.union(live_process, {"row": 65535, "column": 65535}),
	"WaitProcessRequest": live_process,
}

reasons(kind) := misfits("", input, simple_forms[kind], set()) | closed(kind)

reasons("WriteStreamRequest") := misfits("", input, live_process, {"data"}) | closed("WriteStreamRequest")

# Only the size of what the sandbox has may change.
reasons("UpdateEphemeralMountsRequest") := misfits("", input, {}, {"storages"}) | closed("UpdateEphemeralMountsRequest") |
	{"storages" | not sizes_alone_change}

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

closed(kind) := {"setting" |
	kind in {
		"CloseStdinRequest", "GetDiagnosticDataRequest", "GetMetricsRequest", "ReadStreamRequest",
		"UpdateEphemeralMountsRequest", "WriteStreamRequest",
	}
	not setting(kind)
}

CloseStdinRequest := verdict("CloseStdinRequest")

DestroySandboxRequest := verdict("DestroySandboxRequest")

GetDiagnosticDataRequest := verdict("GetDiagnosticDataRequest")

GetMetricsRequest := verdict("GetMetricsRequest")

GetOOMEventRequest := verdict("GetOOMEventRequest")

GuestDetailsRequest := verdict("GuestDetailsRequest")

OnlineCPUMemRequest := verdict("OnlineCPUMemRequest")

ReadStreamRequest := verdict("ReadStreamRequest")

RemoveStaleVirtiofsShareMountsRequest := verdict("RemoveStaleVirtiofsShareMountsRequest")

SignalProcessRequest := verdict("SignalProcessRequest")

StartContainerRequest := verdict("StartContainerRequest")

StatsContainerRequest := verdict("StatsContainerRequest")

TtyWinResizeRequest := verdict("TtyWinResizeRequest")

UpdateEphemeralMountsRequest := verdict("UpdateEphemeralMountsRequest")

WaitProcessRequest := verdict("WaitProcessRequest")

WriteStreamRequest := verdict("WriteStreamRequest")
