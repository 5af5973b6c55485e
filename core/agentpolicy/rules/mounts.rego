# SPDX-License-Identifier: Apache-2.0
# OCI.Mounts: each is one of the policy, none is missing, each destination once, and none below one that comes later.
package agent_policy

mounts_refused(entry) := ({"mounts" | not mounts_agree(entry)} | {"mounts.missing" | not mounts_complete(entry)}) |
	{"mounts.order" | not mounts_in_order}

# A pod may be without them: whether there are tokens is decided by the cluster.
mount_optional := {"/var/run/secrets/kubernetes.io/serviceaccount", "/var/run/secrets/azure/tokens"}

mounts_agree(entry) if {
	count(input.OCI.Mounts) <= 1024
	is_distinct([mount.destination | some mount in input.OCI.Mounts])
	every mount in input.OCI.Mounts {
		has_members(mount, {"destination", "source", "type_", "options"})
		some wanted in entry.OCI.Mounts
		wanted.destination == mount.destination
		wanted.type_ == mount.type_
		mount_agrees(entry, wanted, mount)
	}
}

mount_agrees(_, wanted, mount) if {
	wanted.options == mount.options
	source_agrees(wanted.source, mount.source)
}

# A block device of a storage: the storage is judged with the storages.
mount_agrees(entry, wanted, mount) if {
	wanted.source == ""
	wanted.options == mount.options
	some storage in block_storages(entry)
	storage.mount_point == mount.source
}

# containerd 2 mounts it read-only in privileged containers, too
mount_agrees(_, wanted, mount) if {
	wanted.type_ == "sysfs"
	wanted.source == mount.source
	[read_only(option) | some option in wanted.options] == mount.options
}

mount_agrees(_, wanted, mount) if {
	wanted.type_ == "cgroup"
	wanted.source == mount.source
	is_distinct(mount.options)
	given := {option | some option in mount.options}
	base := {option | some option in wanted.options}
	count(base - given) == 0
	count((given - base) - {option | some option in policy_data.cluster_config.cgroup_mount_extras_allowed}) == 0
}

read_only("rw") := "ro"

read_only(option) := option if option != "rw"

is_pattern(source) if startswith(source, "^")

is_pattern(source) if startswith(source, "$(")

source_agrees(wanted, source) if {
	not is_pattern(wanted)
	wanted != ""
	wanted == source
}

source_agrees(wanted, source) if {
	is_pattern(wanted)
	whole(path_pattern(wanted, input.container_id, pod.id), source)
	not contains(source, "/../")
}

mounts_complete(entry) if {
	wanted := {mount.destination | some mount in object.get(entry.OCI, "Mounts", [])}
	count((wanted - mount_optional) - {mount.destination | some mount in input.OCI.Mounts}) == 0
}

mounts_in_order if {
	hidden := {k |
		some i, late in input.OCI.Mounts
		below := concat("", [late.destination, "/"])
		some k, early in input.OCI.Mounts
		k < i
		startswith(early.destination, below)
	}
	count(hidden) == 0
}
