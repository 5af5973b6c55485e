# SPDX-License-Identifier: Apache-2.0
# ExecProcessRequest: in a running container, as its user, with its variables; the command is one of the container's
# own (probes, hooks), or one that the options name. exec_id is the runtime's: free in its form.
package agent_policy

exec_reasons := (foreign_data | {"container_id" | not is_live(input.container_id)}) |
	(({"fields" | not has_members(input, {
		"container_id", "exec_id", "string_user", "process", "stdin_port", "stdout_port", "stderr_port",
	})} | {"exec_id" | not exec_id_form(input.exec_id)}) |
	({"string_user" | not input.string_user == null} | {"streams" | not ports_are_closed}))

exec_refused(entry) := user_refused(entry, input.process) |
	({"exec.command" | not command_allowed(entry)} | {"exec.capabilities" | not without_capabilities})

exec_id_form(id) if whole(`[a-zA-Z0-9._-]{1,128}`, id)

command_allowed(entry) if {
	input.process.Args in entry.exec_commands
	input.process.Terminal == entry.OCI.Process.Terminal
}

command_allowed(_) if input.process.Args in policy_data.cocoon.exec

command_allowed(_) if input.process.Args in policy_data.request_defaults.ExecProcessRequest.allowed_commands

command_allowed(_) if {
	line := concat(" ", input.process.Args)
	some pattern in policy_data.request_defaults.ExecProcessRequest.regex
	whole(pattern, line)
}

command_allowed(_) if {
	policy_data.cocoon.any_exec == true
	count(input.process.Args) > 0
	count(input.process.Args) <= 4096
}

without_capabilities if input.process.Capabilities == null

without_capabilities if {
	has_members(input.process.Capabilities, {"Bounding", "Effective", "Inheritable", "Permitted", "Ambient"})
	every list in input.process.Capabilities {
		list == []
	}
}

exec_refusals := {"reasons": sort(exec_reasons)} if {
	count(exec_reasons) > 0
} else := {"containers": {entry.cocoon.name: sort(reasons)}} if {
	entry := live_entry(input.container_id)
	reasons := exec_refused(entry)
	count(reasons) > 0
}

ExecProcessRequest if {
	count(exec_reasons) == 0
	count(exec_refused(live_entry(input.container_id))) == 0
} else := verdict("ExecProcessRequest", exec_refusals)
