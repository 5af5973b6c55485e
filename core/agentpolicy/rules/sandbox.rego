# SPDX-License-Identifier: Apache-2.0
# CreateSandboxRequest: once, before any container. Free in their form: hostname (HOSTNAME of containers must be it
# later), dns (the guest's resolver: the network is the host's), sandbox_id (the containers' annotation must be it).
# Containers that share their processes say so themselves: Kata's shims never do here.
package agent_policy

reasons("CreateSandboxRequest") := misfits("", input, {
	"hostname": hostname,
	"sandbox_pidns": {false},
	"sandbox_id": id_form,
	"guest_hook_path": {""},
	"kernel_modules": {[]},
}, {"dns", "storages"}) | {"again" | not is_first} | {"dns" | not dns_form} |
	{"storages" | not sandbox_storages_agree}

sandbox_storages_agree if same_set(input.storages, policy_data.sandbox.storages)

is_first if object.keys(data.pstate) == set()

dns_form if {
	is_list(input.dns, 64)
	every line in input.dns {
		whole(`[ -~]+`, line)
	}
}

CreateSandboxRequest := {"allowed": true, "ops": [add("/pstate/sandbox", {
	"id": input.sandbox_id,
	"hostname": input.hostname,
})]} if {
	why("CreateSandboxRequest") == set()
} else := denied("CreateSandboxRequest")
