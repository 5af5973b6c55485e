# SPDX-License-Identifier: Apache-2.0
# storages: the image that the guest pulls, and the volumes' devices, as many as the policy has.
package agent_policy

storages_refused(entry) := {"storages" | not storages_agree(entry)} | {"storages.unused" | not blocks_are_mounted(entry)} |
	{"image.pull" | not pull_agrees(entry)}

volume_storages := [storage | some storage in items(part(input, "storages")); not storage in pulls]

pulls := [storage | some storage in items(part(input, "storages")); storage.driver == "image_guest_pull"]

# Entries that are equal take as many storages as there are of them.
storages_agree(entry) if {
	is_array(input.storages)
	count(volume_storages) == count(entry.storages)
	every storage in volume_storages {
		some wanted in entry.storages
		storage_agrees(wanted, storage)
	}
	every wanted in entry.storages {
		taken := [storage | some storage in volume_storages; storage_agrees(wanted, storage)]
		count(taken) == count([other | some other in entry.storages; other == wanted])
	}
}

storage_agrees(wanted, storage) if {
	free := ["driver", "source", "mount_point"]
	object.remove(storage, free) == object.remove(wanted, free)
	place_agrees(wanted, storage)
}

place_agrees(wanted, storage) if {
	wanted.driver != ""
	storage.driver == wanted.driver
	has_form(storage.source, mount_source(wanted.source, set()))
	has_form(storage.mount_point, mount_source(wanted.mount_point, set()))
}

# A device that the runtime has attached: its address is the runtime's, its place follows from the address.
place_agrees(wanted, storage) if {
	wanted.driver == ""
	whole(address_form[storage.driver], storage.source)
	storage.mount_point == strings.replace_n({
		"$(b64_device_id)": base64url.encode(storage.source),
		"$(spath)": policy_data.common.spath,
	}, wanted.mount_point)
}

address_form := {"blk": `[0-9a-f]{2}(?:/[0-9a-f]{2}){0,7}`, "scsi": `[0-9]{1,3}:[0-9]{1,3}`}

block_storages(entry) := {storage |
	some storage in volume_storages
	some wanted in entry.storages
	wanted.driver == ""
	storage_agrees(wanted, storage)
}

blocks_are_mounted(entry) if {
	sources := {mount.source | some mount in items(mounts)}
	{storage.mount_point | some storage in block_storages(entry)} - sources == set()
}

# What is pulled, what the container is said to be made of, and the policy name the same.
pull_agrees(_) if {
	policy_data.cluster_config.guest_pull == false
	pulls == []
}

pull_agrees(entry) if {
	policy_data.cluster_config.guest_pull == true
	all_fit(pulls, 1, {
		"driver": {"image_guest_pull"},
		"driver_options": {pulls[0].driver_options},
		"source": pull_source(entry),
		"fstype": {"overlay"},
		"options": {[]},
		"mount_point": {input.OCI.Root.Path},
		"fs_group": {null},
		"shared": {false},
	})
	pull_options_agree(pulls[0].driver_options)
}

# The guest has the sandbox's image itself.
pull_source(entry) := {"pause"} if {
	entry.cocoon.kind == "sandbox"
} else := {cri("image-name")}

pull_options_agree([]) := true

pull_options_agree(options) if {
	is_list(options, 1)
	startswith(options[0], "image_guest_pull=")
	said := json.unmarshal(trim_prefix(options[0], "image_guest_pull="))
	object.keys(said) == {"metadata"}
	is_object(said.metadata)
	sandbox_is_said(said.metadata)
	every name, value in said.metadata {
		metadata_agrees(name, value)
	}
}

# By this the guest takes its own image for the sandbox: otherwise it pulls what is called "pause" somewhere.
sandbox_is_said(metadata) if metadata["io.kubernetes.cri.container-type"] == "sandbox"

sandbox_is_said(_) if role == "container"

metadata_agrees(name, value) if annotations[name] == value

# labels of the snapshotter, which the guest does not read
metadata_agrees(name, value) if {
	startswith(name, "containerd.io/snapshot")
	is_text(value, 4096)
}
