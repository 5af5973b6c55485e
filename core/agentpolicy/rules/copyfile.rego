# SPDX-License-Identifier: Apache-2.0
# CopyFileRequest: files that the policy mounts into containers, such as ConfigMaps. What is in them is the host's to
# say (the engine does not see it): names below the mounted one, size, offset, owner and permissions are free, but for
# set-user-ID.
package agent_policy

reasons("CopyFileRequest") := misfits("", input, {
	"file_type": {"Regular", "Directory", "Symlink"},
	"file_size": 1073741824,
	"file_mode": 65535,
	"dir_mode": copy_dir_modes,
	"uid": uint32,
	"gid": uint32,
	"offset": object.get(input, "file_size", 0),
}, {"path", "symlink_target"}) | {"path" | not copy_path_allowed} | {"symlink_target" | not link_allowed} |
	{"file_mode" | not without_set_id}

# 0750, as it is, with the bit of a folder, and with Go's, which Kata's shim in Go sends
copy_dir_modes := {488, 16872, 2147484136}

shared_pattern := path_pattern("$(sfprefix)", id_form, id_form)

# the last names of what is mounted: files, or folders with anything in them
mounted_names := {replace(trim_suffix(trim_prefix(mount.source, "$(sfprefix)"), "$"), `\`, "") |
	some container in policy_data.containers
	some mount in container.OCI.Mounts
	startswith(mount.source, "$(sfprefix)")
}

copy_path_allowed if {
	is_text(input.path, 4096)
	not regex.match(`(?:^|/)\.{0,2}(?:/|$)|[\x00-\x1f]`, trim_prefix(input.path, "/"))
	split(copied_name, "/")[0] in mounted_names
	some pattern in policy_data.request_defaults.CopyFileRequest
	regex.match(concat("", ["^(?:", path_pattern(pattern, id_form, id_form), ")"]), input.path)
}

copied_name := regex.replace(input.path, concat("", ["^(?:", shared_pattern, ")"]), "")

link_allowed if {
	input.file_type in {"Regular", "Directory"}
	input.symlink_target == null
}

# Links stay in their folder, which must be one that is mounted.
link_allowed if {
	input.file_type == "Symlink"
	is_text(input.symlink_target, 4096)
	not regex.match(`^(/|$)|(?:^|/)\.\.(?:/|$)|[\x00-\x1f]`, input.symlink_target)
	contains(copied_name, "/")
}

without_set_id if bits.and(input.file_mode, set_id_bits) == 0

# folders of volumes with fsGroup carry set-group-ID
set_id_bits := 2048 if {
	input.file_type == "Directory"
} else := 3072

CopyFileRequest := verdict("CopyFileRequest")
