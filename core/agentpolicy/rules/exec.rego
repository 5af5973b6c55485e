# SPDX-License-Identifier: Apache-2.0
# ExecProcessRequest: in a running container, as its user, with its variables; the command is one of the container's
# own (probes, hooks), or one that the options or settings name. Free in its form: exec_id, which is the runtime's.
package agent_policy

reasons("ExecProcessRequest") := misfits("", input, {
	"container_id": live_ids,
	"exec_id": exec_id_form,
	"string_user": {null},
	"stdin_port": port("WriteStreamRequest"),
	"stdout_port": port("ReadStreamRequest"),
	"stderr_port": port("ReadStreamRequest"),
}, {"process"})

command := input.process.Args

exec_refused := person_refused(live_entry, part(input, "process")) | {"process.args" | not command_allowed} |
	{"process.capabilities" | not without_capabilities}

command_allowed if {
	command in live_entry.exec_commands
	input.process.Terminal == live_entry.OCI.Process.Terminal
}

exec_settings := policy_data.request_defaults.ExecProcessRequest

command_allowed if {
	command in exec_settings.allowed_commands
	is_boolean(input.process.Terminal)
}

command_allowed if {
	is_list(command, 4096)
	is_boolean(input.process.Terminal)
	some pattern in exec_settings.regex
	whole(pattern, concat(" ", command))
}

without_capabilities if input.process.Capabilities == null

without_capabilities if {
	given := input.process.Capabilities
	object.keys(given) == {"Bounding", "Effective", "Inheritable", "Permitted", "Ambient"}
	{list | some list in given} == {[]}
}

against_entries("ExecProcessRequest") := {entry_name(live_entry): sort(exec_refused)} if exec_refused != set()

ExecProcessRequest if {
	why("ExecProcessRequest") == set()
	exec_refused == set()
} else := denied("ExecProcessRequest")
