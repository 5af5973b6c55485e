# SPDX-License-Identifier: Apache-2.0
# CreateContainerRequest: the first is the sandbox's own container, whose names the others must have. A request is
# allowed by the first entry of the policy that has its name, is not running, and has nothing against it. Deliberately
# free, in their form:
#
#     container_id, OCI.Hostname                   chosen by the runtime; compared from then on
#     OCI.Process.OOMScoreAdj, OCI.Linux.CgroupsPath, OCI.Linux.Resources.{CPU,Memory,HugepageLimits}
#                                                  how much the container gets: the host's to refuse anyway
#     OCI.Linux.{MaskedPaths,ReadonlyPaths}        more of them than the policy has
#     annotations                                  see there
package agent_policy

pod := {
	"name": cri("sandbox-name"),
	"namespace": cri("sandbox-namespace"),
	"id": cri("sandbox-id"),
	"uid": cri("sandbox-uid"),
	"network": network_path,
} if {
	is_object(annotations)
} else := data.pstate.pins

oci := part(input, "OCI")

role := "sandbox" if {
	cri("container-type") == "sandbox"
	annotations["io.katacontainers.pkg.oci.container_type"] == "pod_sandbox"
} else := "container" if {
	cri("container-type") == "container"
	annotations["io.katacontainers.pkg.oci.container_type"] == "pod_container"
}

# Whatever the container. A port would carry a stream past ReadStreamRequest and WriteStreamRequest.
reasons("CreateContainerRequest") := misfits("", input, {
	"container_id": id_form,
	"exec_id": {"", object.get(input, "container_id", "")},
	"string_user": {null},
	"shared_mounts": {[]},
	"stdin_port": port("WriteStreamRequest"),
	"stdout_port": port("ReadStreamRequest"),
	"stderr_port": port("ReadStreamRequest"),
}, {"devices", "storages", "OCI", "sandbox_pidns"}) | misfits("oci.", oci, {
	"Hostname": {sandbox.hostname} | {"" | role == "container"},
	"Hooks": {null},
	"Solaris": {null},
	"Windows": {null},
}, {"Version", "Process", "Root", "Mounts", "Annotations", "Linux"}) | {"container_id.again" | input.container_id in live_ids} |
	{"sandbox" | not pins_agree} | {"container.name" | named_entries == []}

port(kind) := uint32 if {
	setting(kind)
} else := {null, 0}

setting(kind) if policy_data.request_defaults[kind] == true

pins_agree if {
	role == "sandbox"
	object.keys(data.pstate) == {"sandbox"}
	sandbox.id == pod.id
}

pins_agree if {
	role == "container"
	data.pstate.pins == pod
}

named_entries := [i | some i, entry in policy_data.containers; is_named(entry)]

is_named(entry) if {
	role == "sandbox"
	entry.cocoon.kind == "sandbox"
}

is_named(entry) if {
	role == "container"
	entry.cocoon.kind != "sandbox"
	entry.cocoon.name == cri("container-name")
}

against_entry(i, entry) := {"container.live" | is_running(i)} | {"oci.version" | not version_agrees(entry)} |
	{"sandbox_pidns" | not pidns_agrees(entry)} | annotations_refused(entry) |
	process_refused(entry, part(oci, "Process")) | linux_refused(entry) | mounts_refused(entry) | storages_refused(entry) |
	devices_refused(entry)

version_agrees(entry) if oci.Version == entry.OCI.Version

pidns_agrees(entry) if input.sandbox_pidns == entry.sandbox_pidns

is_running(i) if {
	some id
	live[id].entry == i
}

against := {i: against_entry(i, policy_data.containers[i]) | some i in named_entries}

free_entries := [i | some i in named_entries; against[i] == set()]

against_entries("CreateContainerRequest") := found if {
	free_entries == []
	found := {name: sort(all) |
		some i in named_entries
		name := entry_name(policy_data.containers[i])
		all := {reason | some reasons_of_one in against; some reason in reasons_of_one}
	}
}

# a function, as opa looks at once what blocks of others lack
entry_name(entry) := entry.cocoon.name if {
	entry.cocoon.name != ""
} else := entry.cocoon.kind

create_ops(entry) := [add("/pstate/pins", pod), add("/pstate/containers", {input.container_id: entry})] if {
	role == "sandbox"
} else := [add(container_path, entry)]

CreateContainerRequest := {"allowed": true, "ops": create_ops({"entry": free_entries[0]})} if {
	why("CreateContainerRequest") == set()
} else := denied("CreateContainerRequest")
