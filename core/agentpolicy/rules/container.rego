# SPDX-License-Identifier: Apache-2.0
# CreateContainerRequest: the first is the sandbox's own container, whose names the others must have. A request is
# allowed by the first entry of the policy that has its name, is not running, and has nothing against it. Deliberately
# free, in their form:
#
#     container_id, OCI.Hostname                          chosen by the runtime; compared from then on
#     OCI.Process.OOMScoreAdj, OCI.Linux.CgroupsPath, Linux.Resources.{CPU,Memory,HugepageLimits}
#                                                         how much the container gets: the host's to refuse anyway
#     OCI.Linux.{MaskedPaths,ReadonlyPaths}               more of them than the policy has
#     annotations io.katacontainers.config.*              the runtime's own, not read in the guest
#     annotations …sandbox-uid, sandbox-cpu-*, sandbox-memory, podsandbox.image-name
package agent_policy

annotations := input.OCI.Annotations

pod := {
	"name": annotations["io.kubernetes.cri.sandbox-name"],
	"namespace": annotations["io.kubernetes.cri.sandbox-namespace"],
	"id": annotations["io.kubernetes.cri.sandbox-id"],
	"uid": object.get(annotations, "io.kubernetes.cri.sandbox-uid", ""),
	"network": network_path,
} if {
	annotations
} else := data.pstate.pins

role := "sandbox" if {
	annotations["io.kubernetes.cri.container-type"] == "sandbox"
	annotations["io.katacontainers.pkg.oci.container_type"] == "pod_sandbox"
} else := "container" if {
	annotations["io.kubernetes.cri.container-type"] == "container"
	annotations["io.katacontainers.pkg.oci.container_type"] == "pod_container"
}

# Against the request whatever the container.
request_reasons := ((foreign_data | {"fields" | not create_members}) | {"container_id" | not container_id_is_new}) |
	((({"exec_id" | not input.exec_id in {"", input.container_id}} | {"string_user" | not input.string_user == null}) |
	({"shared_mounts" | not input.shared_mounts == []} | {"streams" | not ports_are_closed})) |
	(({"annotations.type" | not role} | {"sandbox.pins" | not pins_agree}) |
	({"containers.max" | not room_for_one} | {"container.name" | not count(named_entries) > 0})))

create_members if {
	has_members(input, {
		"container_id", "exec_id", "string_user", "devices", "storages", "OCI", "sandbox_pidns", "shared_mounts",
		"stdin_port", "stdout_port", "stderr_port",
	})
	has_members(input.OCI, {
		"Version", "Process", "Root", "Hostname", "Mounts", "Hooks", "Annotations", "Linux", "Solaris", "Windows",
	})
}

container_id_is_new if {
	whole(id_form, input.container_id)
	not is_live(input.container_id)
}

# A port would carry a stream past ReadStreamRequest and WriteStreamRequest.
ports_are_closed if {
	port_allowed(input.stdin_port, "WriteStreamRequest")
	port_allowed(input.stdout_port, "ReadStreamRequest")
	port_allowed(input.stderr_port, "ReadStreamRequest")
}

port_allowed(port, _) if port in {null, 0}

port_allowed(port, kind) if {
	setting(kind)
	is_count(port, 4294967295)
}

pins_agree if {
	role == "sandbox"
	not has_pins
	object.get(data.pstate, ["sandbox", "id"], pod.id) == pod.id
}

pins_agree if {
	role == "container"
	data.pstate.pins == pod
}

room_for_one if count(live) < object.get(policy_data.cocoon, "containers_max", count(policy_data.containers))

named_entries := [i | some i, entry in policy_data.containers; is_named(entry)]

is_named(entry) if {
	role == "sandbox"
	entry.cocoon.kind == "sandbox"
}

is_named(entry) if {
	role == "container"
	entry.cocoon.kind != "sandbox"
	entry.cocoon.name == annotations["io.kubernetes.cri.container-name"]
}

# Against one entry.
refused_by(i) := reasons if {
	entry := policy_data.containers[i]
	reasons := ((({"container.live" | is_running(i)} | {"sandbox_pidns" | not input.sandbox_pidns == entry.sandbox_pidns}) |
		oci_refused(entry)) | (annotations_refused(entry) | process_refused(entry, input.OCI.Process))) |
		((linux_refused(entry) | mounts_refused(entry)) | (storages_refused(entry) | devices_refused(entry)))
}

is_running(i) if {
	some id
	live[id].entry == i
}

oci_refused(entry) := ({"oci.version" | not input.OCI.Version == entry.OCI.Version} |
	{"oci.root" | not root_agrees(entry)}) |
	({"oci.hostname" | not hostname_agrees} | {"oci.hooks" | not no_hooks})

root_agrees(entry) if {
	has_members(input.OCI.Root, {"Path", "Readonly"})
	input.OCI.Root.Readonly == entry.OCI.Root.Readonly
	path := replace(entry.OCI.Root.Path, "$(root_path)", policy_data.common.root_path)
	whole(path_pattern(path, input.container_id, pod.id), input.OCI.Root.Path)
}

hostname_agrees if input.OCI.Hostname == ""

hostname_agrees if {
	hostname_form(input.OCI.Hostname)
	whole(host_name_pattern, input.OCI.Hostname)
}

no_hooks if {
	input.OCI.Hooks == null
	input.OCI.Solaris == null
	input.OCI.Windows == null
}

free_entries := [i | some i in named_entries; count(refused_by(i)) == 0]

chosen_entry := free_entries[0]

create_ops := [
	add("/pstate/pins", pod),
	add("/pstate/containers", {input.container_id: {"entry": chosen_entry}}),
] if {
	role == "sandbox"
} else := [add(container_path(input.container_id), {"entry": chosen_entry})]

create_refusals := {"reasons": sort(request_reasons)} if {
	count(request_reasons) > 0
} else := {"containers": {name: sort(reasons) |
	some i in named_entries
	name := policy_data.containers[i].cocoon.name
	reasons := {reason |
		some k in named_entries
		policy_data.containers[k].cocoon.name == name
		some reason in refused_by(k)
	}
}} if {
	count(free_entries) == 0
}

CreateContainerRequest := {"allowed": true, "ops": create_ops} if {
	count(request_reasons) == 0
	chosen_entry >= 0
} else := verdict("CreateContainerRequest", create_refusals)
