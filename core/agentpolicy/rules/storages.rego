# SPDX-License-Identifier: Apache-2.0
# storages: the image that the guest pulls, and the volumes' devices, as many as the policy has.
package agent_policy

storages_refused(entry) := ({"storages" | not storages_agree(entry)} | {"storages.count" | not storages_complete(entry)}) |
	({"storages.unused" | not block_storages_are_mounted(entry)} | {"image.pull" | not pull_agrees(entry)})

volume_storages := [storage | some storage in input.storages; storage.driver != "image_guest_pull"]

pull_storages := [storage | some storage in input.storages; storage.driver == "image_guest_pull"]

storages_agree(entry) if {
	count(input.storages) <= 256
	every storage in input.storages {
		has_members(storage, {
			"driver", "driver_options", "source", "fstype", "options", "mount_point", "fs_group", "shared",
		})
	}
	every storage in volume_storages {
		some wanted in entry.storages
		storage_agrees(wanted, storage)
	}
}

# Entries that are equal take as many storages as there are of them.
storages_complete(entry) if {
	count(volume_storages) == count(entry.storages)
	every wanted in entry.storages {
		count([1 | some storage in volume_storages; storage_agrees(wanted, storage)]) ==
			count([1 | some other in entry.storages; other == wanted])
	}
}

storage_agrees(wanted, storage) if {
	storage.driver_options == wanted.driver_options
	storage.fstype == wanted.fstype
	storage.options == wanted.options
	storage.shared == wanted.shared
	storage.fs_group == wanted.fs_group
	storage_place_agrees(wanted, storage)
}

storage_place_agrees(wanted, storage) if {
	wanted.driver != ""
	storage.driver == wanted.driver
	source_agrees(wanted.source, storage.source)
	source_agrees(wanted.mount_point, storage.mount_point)
}

# A device that the runtime has attached: its address is the runtime's, its place follows from the address.
storage_place_agrees(wanted, storage) if {
	wanted.driver == ""
	device_address(storage.driver, storage.source)
	point := replace(wanted.mount_point, "$(b64_device_id)", base64url.encode(storage.source))
	storage.mount_point == replace(point, "$(spath)", policy_data.common.spath)
}

device_address("blk", source) if whole(`[0-9a-f]{2}(/[0-9a-f]{2}){0,7}`, source)

device_address("scsi", source) if whole(`[0-9]{1,3}:[0-9]{1,3}`, source)

block_storages(entry) := [storage |
	some storage in volume_storages
	some wanted in entry.storages
	wanted.driver == ""
	storage_agrees(wanted, storage)
]

block_storages_are_mounted(entry) if {
	sources := {mount.source | some mount in input.OCI.Mounts}
	every storage in block_storages(entry) {
		storage.mount_point in sources
	}
}

# The pulled image: what is pulled, what the container is said to be made of, and the policy name the same.
pull_agrees(_) if {
	policy_data.cluster_config.guest_pull == false
	count(pull_storages) == 0
}

pull_agrees(entry) if {
	policy_data.cluster_config.guest_pull == true
	count(pull_storages) == 1
	pull := pull_storages[0]
	pull.fstype == "overlay"
	pull.options == []
	pull.fs_group == null
	pull.shared == false
	pull.mount_point == input.OCI.Root.Path
	pull_source_agrees(entry, pull.source)
	pull_options_agree(entry, pull.driver_options)
}

# The guest has the sandbox's image itself.
pull_source_agrees(entry, "pause") if entry.cocoon.kind == "sandbox"

pull_source_agrees(entry, source) if {
	entry.cocoon.kind != "sandbox"
	image_agrees(entry, source)
	source == annotations["io.kubernetes.cri.image-name"]
}

pull_options_agree(_, []) := true

pull_options_agree(entry, options) if {
	count(options) == 1
	startswith(options[0], "image_guest_pull=")
	said := json.unmarshal(trim_prefix(options[0], "image_guest_pull="))
	has_members(said, {"metadata"})
	count(said.metadata) <= 256
	every name, value in said.metadata {
		metadata_agrees(entry, name, value)
	}
}

metadata_agrees(_, name, value) if annotations[name] == value

# labels of the snapshotter, which the guest does not read
metadata_agrees(entry, name, value) if {
	startswith(name, "containerd.io/snapshot")
	is_text(value, 4096)
	label_agrees(entry, name, value)
}

label_agrees(entry, name, value) if {
	endswith(name, "cri.image-ref")
	image_agrees(entry, value)
}

label_agrees(entry, name, _) if {
	entry.cocoon.kind == "sandbox"
	endswith(name, "cri.image-ref")
}

label_agrees(_, name, _) if not endswith(name, "cri.image-ref")
