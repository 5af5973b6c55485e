# SPDX-License-Identifier: Apache-2.0
# OCI.Mounts: each is one of the policy, none is missing, each destination once, and none below one that comes later.
package agent_policy

mounts_refused(entry) := {"mounts" | not mounts_agree(entry)} | {"mounts.missing" | not mounts_complete(entry)} |
	{"mounts.order" | not mounts_in_order}

mounts := part(oci, "Mounts")

mounts_agree(entry) if {
	is_list(mounts, 1024)
	is_distinct([mount.destination | some mount in mounts])
	block := {storage.mount_point | some storage in block_storages(entry)}
	every mount in mounts {
		some wanted in entry.OCI.Mounts
		wanted.destination == mount.destination
		mount_agrees(wanted, mount, block)
	}
}

mount_agrees(wanted, mount, block) if {
	misfits("", mount, {
		"destination": {wanted.destination},
		"type_": {wanted.type_},
		"options": {wanted.options},
		"source": mount_source(wanted.source, block),
	}, set()) == set()
}

# containerd 2 mounts it read-only in privileged containers, too
mount_agrees(wanted, mount, _) if {
	wanted.type_ == "sysfs"
	object.union(wanted, {"options": [object.get({"rw": "ro"}, option, option) | some option in wanted.options]}) == mount
}

mount_agrees(wanted, mount, _) if {
	wanted.type_ == "cgroup"
	object.remove(wanted, ["options"]) == object.remove(mount, ["options"])
	is_distinct(mount.options)
	extras := {option | some option in mount.options} - {option | some option in wanted.options}
	count(mount.options) == count(wanted.options) + count(extras)
	extras - {option | some option in policy_data.cluster_config.cgroup_mount_extras_allowed} == set()
}

# Settings write patterns with ^, or with a placeholder that begins so.
mount_source(wanted, _) := path_pattern(wanted, input.container_id, pod.id) if {
	regex.match(`^(\^|\$\()`, wanted)
} else := {wanted} if {
	wanted != ""
}

# "": a block device of a storage, which is judged with the storages
mount_source("", block) := block

# Whether there are tokens is decided by the cluster.
mounts_complete(entry) if {
	wanted := {mount.destination | some mount in object.get(entry.OCI, "Mounts", [])}
	optional := {"/var/run/secrets/kubernetes.io/serviceaccount", "/var/run/secrets/azure/tokens"}
	(wanted - optional) - {mount.destination | some mount in items(mounts)} == set()
}

mounts_in_order if {
	hidden := {k |
		some i, late in items(mounts)
		below := concat("", [late.destination, "/"])
		some k, early in items(mounts)
		k < i
		startswith(early.destination, below)
	}
	hidden == set()
}
