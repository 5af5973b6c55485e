# SPDX-License-Identifier: Apache-2.0
package rules_test

import data.rules

all_run := rules.running({"pause", "prepare", "app", "side"})

# [kind, request, operations, reasons]
other_cases := [
	["CreateSandboxRequest", "CreateSandboxRequest", rules.set_at("/hostname", "a b"), {"hostname"}],
	["CreateSandboxRequest", "CreateSandboxRequest", rules.set_at("/guest_hook_path", "/hooks"), {"guest_hook_path"}],
	["CreateSandboxRequest", "CreateSandboxRequest", rules.set_at("/kernel_modules", [{"name": "x", "parameters": []}]), {"kernel_modules"}],
	["CreateSandboxRequest", "CreateSandboxRequest", rules.set_at("/sandbox_pidns", true), {"sandbox_pidns"}],
	["CreateSandboxRequest", "CreateSandboxRequest", rules.set_at("/sandbox_id", "x"), {"sandbox_id"}],
	["CreateSandboxRequest", "CreateSandboxRequest", rules.set_at("/dns/-", "a\nb"), {"dns"}],
	["CreateSandboxRequest", "CreateSandboxRequest", rules.set_at("/storages/0/mount_point", "/etc"), {"storages"}],
	["CreateSandboxRequest", "CreateSandboxRequest", rules.set_at("/storages", []), {"storages"}],
	["CopyFileRequest", "CopyFileRequest", rules.set_at("/path", "/etc/passwd"), {"path"}],
	["CopyFileRequest", "CopyFileRequest", rules.set_at("/path", concat("", [copied, "passwd"])), {"path"}],
	["CopyFileRequest", "CopyFileRequest", rules.set_at("/path", concat("", [copied, "conf/a/b"])), set()],
	["CopyFileRequest", "CopyFileRequest", rules.set_at("/path", concat("", [copied, "conf/../../b"])), {"path"}],
	["CopyFileRequest", "CopyFileRequest", rules.set_at("/path", concat("", [copied, "conf/.."])), {"path"}],
	["CopyFileRequest", "CopyFileRequest", rules.set_at("/path", concat("", [copied, "conf//b"])), {"path"}],
	["CopyFileRequest", "CopyFileRequest", rules.set_at("/path", concat("", [copied, "resolv_conf"])), {"path"}],
	["CopyFileRequest", "CopyFileRequest", rules.set_at("/path", concat("", [rootfs, "/bin/sh"])), {"path"}],
	["CopyFileRequest", "CopyFileRequest", rules.set_at("/file_type", "Unknown"), {"file_type", "symlink_target"}],
	["CopyFileRequest", "CopyFileRequest", rules.set_at("/file_mode", 35309), {"file_mode"}],
	["CopyFileRequest", "CopyFileRequest", rules.set_at("/dir_mode", 2147484136), set()],
	["CopyFileRequest", "CopyFileRequest", rules.set_at("/dir_mode", 16872), set()],
	["CopyFileRequest", "CopyFileRequest", rules.set_at("/dir_mode", 511), {"dir_mode"}],
	["CopyFileRequest", "CopyFileRequest", rules.set_at("/symlink_target", "x"), {"symlink_target"}],
	["CopyFileRequest", "CopyFileRequest", rules.set_at("/offset", 11), {"offset"}],
	["CopyFileRequest", "CopyFileRequest 3", rules.set_at("/symlink_target", "../x"), {"symlink_target"}],
	["CopyFileRequest", "CopyFileRequest 3", rules.set_at("/symlink_target", "/etc"), {"symlink_target"}],
	["CopyFileRequest", "CopyFileRequest 3", rules.set_at("/path", concat("", [copied, "conf"])), {"symlink_target"}],
	["UpdateInterfaceRequest", "UpdateInterfaceRequest", rules.set_at("/interface/name", "lo"), {"interface"}],
	["UpdateInterfaceRequest", "UpdateInterfaceRequest", rules.set_at("/interface/raw_flags", 1), {"interface"}],
	["UpdateInterfaceRequest", "UpdateInterfaceRequest", rules.set_at("/interface/IPAddresses/0/address", "127.0.0.1"), {"interface"}],
	["UpdateInterfaceRequest", "UpdateInterfaceRequest", rules.set_at("/interface/IPAddresses/0/address", "::ffff:127.0.0.1"), {"interface"}],
	["UpdateInterfaceRequest", "UpdateInterfaceRequest", rules.set_at("/interface/hwAddr", "00:00:00:00:00:00"), {"interface"}],
	["UpdateRoutesRequest", "UpdateRoutesRequest", rules.set_at("/routes/Routes/0/device", "lo"), {"routes"}],
	["UpdateRoutesRequest", "UpdateRoutesRequest", rules.set_at("/routes/Routes/0/source", "127.0.0.1"), {"routes"}],
	["UpdateRoutesRequest", "UpdateRoutesRequest", rules.set_at("/routes/Routes/0/source", "::1"), {"routes"}],
	["UpdateRoutesRequest", "UpdateRoutesRequest", rules.set_at("/routes/Routes/0/source", "::0.0.0.1"), {"routes"}],
	["UpdateRoutesRequest", "UpdateRoutesRequest", rules.set_at("/routes/Routes/0/source", "fd00::1"), set()],
	["UpdateRoutesRequest", "UpdateRoutesRequest", rules.set_at("/routes", null), {"routes"}],
	["AddARPNeighborsRequest", "AddARPNeighborsRequest", rules.set_at("/neighbors/ARPNeighbors/0/state", 64), {"neighbors"}],
	["AddARPNeighborsRequest", "AddARPNeighborsRequest", rules.set_at("/neighbors/ARPNeighbors/0/flags", 1), {"neighbors"}],
	["AddARPNeighborsRequest", "AddARPNeighborsRequest", rules.set_at("/neighbors/ARPNeighbors/0/toIPAddress/address", "127.0.0.1"), {"neighbors"}],
	["AddARPNeighborsRequest", "AddARPNeighborsRequest", rules.set_at("/neighbors/ARPNeighbors/0/toIPAddress/address", "::ffff:127.0.0.1"), {"neighbors"}],
	["AddARPNeighborsRequest", "AddARPNeighborsRequest", rules.set_at("/neighbors/ARPNeighbors/0/toIPAddress", null), {"neighbors"}],
	["SignalProcessRequest", "SignalProcessRequest", rules.set_at("/container_id", "x"), {"container_id"}],
	["SignalProcessRequest", "SignalProcessRequest", rules.set_at("/signal", 65), {"signal"}],
	["TtyWinResizeRequest", "TtyWinResizeRequest", rules.set_at("/row", -1), {"row"}],
	["ReadStreamRequest", "ReadStreamRequest", rules.set_at("/exec_id", "../x"), {"exec_id"}],
	["OnlineCPUMemRequest", "OnlineCPUMemRequest", rules.set_at("/new", 1), {"new"}],
	["WriteStreamRequest", "WaitProcessRequest", rules.set_at("/data", [97]), {"setting"}],
	["CloseStdinRequest", "WaitProcessRequest", [], {"setting"}],
	["GetMetricsRequest", "GetOOMEventRequest", [], {"setting"}],
	["UpdateEphemeralMountsRequest", "GetOOMEventRequest", rules.set_at("/storages", []), {"setting"}],
]

copied := concat("", ["/run/kata-containers/shared/containers/", rules.ids.app, "-0123456789abcdef-"])

rootfs := concat("", ["/run/kata-containers/", rules.ids.app, "/rootfs"])

state_for("CreateSandboxRequest") := {}

state_for(kind) := all_run if kind != "CreateSandboxRequest"

test_judges_other_requests if {
	failed := [[case[0], case[2], got] |
		some case in other_cases
		got := rules.reasons(case[0], state_for(case[0]), rules.patched(case[1], case[2]))
		got != case[3]
	]
	print(failed)
	failed == []
}

exec_cases := [
	[rules.set_at("/process/Args", ["/app", "ready"]), set()],
	[rules.set_at("/process/Args", ["/app"]), {"process.args"}],
	[rules.set_at("/process/Args", ["sh"]), {"process.args"}],
	[rules.set_at("/process/Terminal", true), {"process.args"}],
	[rules.set_at("/process/User/UID", 0), {"process.user"}],
	[rules.set_at("/process/Cwd", "/tmp"), {"process.cwd"}],
	[rules.set_at("/process/Env/-", "LD_PRELOAD=/x"), {"process.env"}],
	[rules.set_at("/process/Env/-", "TERM=xterm"), set()],
	[rules.set_at("/process/Capabilities", empty_capabilities), set()],
	[rules.set_at("/process/Capabilities", object.union(empty_capabilities, {"Bounding": ["CAP_KILL"]})), {"process.capabilities"}],
	[rules.set_at("/process/ApparmorProfile", "x"), {"process.apparmorprofile"}],
	[rules.set_at("/container_id", rules.ids.prepare), {"process.args", "process.cwd"}],
	[rules.set_at("/string_user", {}), {"string_user"}],
	[rules.set_at("/container_id", "x"), {"container_id"}],
	[rules.set_at("/exec_id", ""), {"exec_id"}],
	[rules.set_at("/stdin_port", 7), {"stdin_port"}],
]

empty_capabilities := {"Bounding": [], "Effective": [], "Inheritable": [], "Permitted": [], "Ambient": []}

exec_against(ops, policy) := {reason |
	said := data.agent_policy.refusals.ExecProcessRequest with input as rules.patched("ExecProcessRequest", ops)
		with data.pstate as all_run
		with data.agent_policy.policy_data as policy
	some reason in object.get(said, "reasons", [reason | some list in said.containers; some reason in list])
}

test_judges_commands if {
	failed := [[case[0], got] | some case in exec_cases; got := exec_against(case[0], data.pod.policy); got != case[1]]
	print(failed)
	count(failed) == 1
	failed[0][0][0].value == rules.ids.prepare
}

with_commands(commands, patterns) := json.patch(data.pod.policy, [{
	"op": "replace",
	"path": "/request_defaults/ExecProcessRequest",
	"value": {"allowed_commands": commands, "regex": patterns},
}])

test_judges_commands_of_the_options if {
	exec_against(rules.set_at("/process/Args", ["sh", "-c", "id"]), with_commands([["sh", "-c", "id"]], [])) == set()
	exec_against(rules.set_at("/process/Args", ["sh", "-c"]), with_commands([["sh", "-c", "id"]], [])) == {"process.args"}
	exec_against(rules.set_at("/process/Args", ["ls", "-l"]), with_commands([], ["ls( -l)?"])) == set()
	exec_against(rules.set_at("/process/Args", ["ls", "-l", "x"]), with_commands([], ["ls( -l)?"])) == {"process.args"}
	exec_against(rules.set_at("/process/Args", ["rm", "ls"]), with_commands([], ["ls"])) == {"process.args"}
}
