# SPDX-License-Identifier: Apache-2.0
# CreateSandboxRequest: once, before any container.
#
#     hostname           a name or ""; HOSTNAME of containers must be it later          free in its form
#     dns[]              the guest's resolver: the network is the host's                free in its form
#     storages[]         those of the policy, each once
#     sandbox_pidns      as the policy's containers have it
#     sandbox_id         64 hexadecimal digits; the containers' annotation must be it   free in its form
#     guest_hook_path, kernel_modules[]   none
package agent_policy

sandbox_reasons := ((((foreign_data |
	{"fields" | not has_members(input, {
		"hostname", "dns", "storages", "sandbox_pidns", "sandbox_id", "guest_hook_path", "kernel_modules",
	})}) |
	{"sandbox.again" | not first_sandbox}) |
	({"sandbox.id" | not whole(id_form, input.sandbox_id)} | {"sandbox.hostname" | not hostname_form(input.hostname)})) |
	({"sandbox.dns" | not dns_form} | {"sandbox.storages" | not same_set(input.storages, policy_data.sandbox.storages)})) |
	(({"sandbox.pidns" | not sandbox_pidns_agrees} | {"sandbox.hooks" | not input.guest_hook_path == ""}) |
	{"sandbox.modules" | not input.kernel_modules == []})

first_sandbox if {
	is_object(data.pstate)
	not data.pstate.sandbox
	not has_pins
}

hostname_form("") := true

hostname_form(name) if whole(dns_name, name)

dns_form if {
	count(input.dns) <= 64
	every line in input.dns {
		whole(`[ -~]{1,256}`, line)
	}
}

sandbox_pidns_agrees if {
	shared := {true | some container in policy_data.containers; container.sandbox_pidns == true}
	input.sandbox_pidns == (count(shared) > 0)
}

CreateSandboxRequest := {"allowed": true, "ops": [add("/pstate/sandbox", {
	"id": input.sandbox_id,
	"hostname": input.hostname,
})]} if {
	count(sandbox_reasons) == 0
} else := verdict("CreateSandboxRequest", sandbox_reasons)
