# SPDX-License-Identifier: Apache-2.0
# CopyFileRequest: files that the policy mounts into containers, such as ConfigMaps. What is in them is the host's to
# say (the engine does not see it): size, offset, owner and permissions are free, but for set-user-ID.
package agent_policy

copy_reasons := (((foreign_data | {"fields" | not has_members(input, {
	"path", "file_type", "symlink_target", "file_size", "file_mode", "dir_mode", "uid", "gid", "offset",
})}) | {"copy.path" | not copy_path_allowed}) |
	({"copy.name" | not whole(copied_names, input.path)} | {"copy.type" | not copy_type_allowed})) |
	({"copy.mode" | not copy_mode_form} | {"copy.numbers" | not copy_numbers_form})

copy_path_allowed if {
	is_text(input.path, 4096)
	whole(`(/[^/\x00-\x1f]+)+`, input.path)
	every part in split(input.path, "/") {
		not part in {".", ".."}
	}
	some pattern in policy_data.request_defaults.CopyFileRequest
	regex.match(concat("", ["^(?:", path_pattern(pattern, id_form, id_form), ")"]), input.path)
}

# the last names of what is mounted: files, or folders with anything in them
mounted_names := {name |
	some container in policy_data.containers
	some mount in container.OCI.Mounts
	startswith(mount.source, "$(sfprefix)")
	name := trim_suffix(trim_prefix(mount.source, "$(sfprefix)"), "$")
}

copied_names := concat("", [path_pattern("$(sfprefix)", id_form, id_form), "(?:", any_of(mounted_names), ")(/.*)?"])

copy_type_allowed if {
	input.file_type in {"Regular", "Directory"}
	input.symlink_target == null
}

# Links stay in their folder, which must be one that is mounted.
copy_type_allowed if {
	input.file_type == "Symlink"
	is_text(input.symlink_target, 4096)
	whole(`[^/\x00-\x1f][^\x00-\x1f]*`, input.symlink_target)
	every part in split(input.symlink_target, "/") {
		part != ".."
	}
	whole(concat("", [path_pattern("$(sfprefix)", id_form, id_form), "[^/]+/.+"]), input.path)
}

copy_mode_form if {
	is_count(input.file_mode, 65535)
	is_count(input.dir_mode, 65535)
	bits.and(input.dir_mode, 3072) == 0
	bits.and(input.file_mode, copy_mode_forbidden) == 0
}

# folders of volumes with fsGroup carry set-group-ID
copy_mode_forbidden := 2048 if {
	input.file_type == "Directory"
} else := 3072

copy_numbers_form if {
	every name in ["uid", "gid"] {
		is_count(input[name], 4294967295)
	}
	is_count(input.file_size, 1073741824)
	is_count(input.offset, input.file_size)
}

CopyFileRequest := verdict("CopyFileRequest", copy_reasons)
