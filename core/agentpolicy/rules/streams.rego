# SPDX-License-Identifier: Apache-2.0
# Streams, which settings open, signals and the like, for containers that run. Free in their form: ids of processes,
# signals, sizes of windows, amounts.
package agent_policy

# Against a request to a running container with these further members.
live_reasons(names) := {"fields" | not has_members(input, names | {"container_id"})} |
	{"container_id" | not is_live(input.container_id)}

exec_of_container_form if input.exec_id == ""

exec_of_container_form if exec_id_form(input.exec_id)

process_reasons(names) := live_reasons(names | {"exec_id"}) | {"exec_id" | not exec_of_container_form}

number_reasons(names) := {"numbers" | not every_number(names)}

every_number(names) if {
	every name in names {
		is_count(input[name], 4294967295)
	}
}

start_reasons := live_reasons(set())

StartContainerRequest := verdict("StartContainerRequest", start_reasons)

stats_reasons := live_reasons(set())

StatsContainerRequest := verdict("StatsContainerRequest", stats_reasons)

wait_reasons := process_reasons(set())

WaitProcessRequest := verdict("WaitProcessRequest", wait_reasons)

signal_reasons := process_reasons({"signal"}) | {"signal" | not is_count(input.signal, 64)}

SignalProcessRequest := verdict("SignalProcessRequest", signal_reasons)

window_reasons := process_reasons({"row", "column"}) | number_reasons({"row", "column"})

TtyWinResizeRequest := verdict("TtyWinResizeRequest", window_reasons)

read_reasons := (process_reasons({"len"}) | number_reasons({"len"})) | {"streams" | not setting("ReadStreamRequest")}

ReadStreamRequest := verdict("ReadStreamRequest", read_reasons)

write_reasons := (process_reasons({"data"}) | {"data" | not is_array(input.data)}) |
	{"streams" | not setting("WriteStreamRequest")}

WriteStreamRequest := verdict("WriteStreamRequest", write_reasons)

close_reasons := process_reasons(set()) | {"streams" | not setting("CloseStdinRequest")}

CloseStdinRequest := verdict("CloseStdinRequest", close_reasons)
