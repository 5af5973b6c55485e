# SPDX-License-Identifier: Apache-2.0
# OCI.Process, which a new container and an exec have in common; its command is judged apart.
package agent_policy

process_refused(entry, process) := user_refused(entry, process) |
	(({"process.args" | not args_agree(entry, process.Args)} |
	{"process.terminal" | not process.Terminal == entry.OCI.Process.Terminal}) |
	{"process.capabilities" | not capabilities_agree(entry, process.Capabilities)})

# what holds for an exec, too
user_refused(entry, process) := (({"process.fields" | not has_members(process, {
	"Terminal", "ConsoleSize", "User", "Args", "Env", "Cwd", "Capabilities", "Rlimits", "NoNewPrivileges", "ApparmorProfile",
	"OOMScoreAdj", "SelinuxLabel",
})} | {"process.user" | not users_agree(entry.OCI.Process.User, process.User)}) |
	({"process.env" | not env_agrees(entry, process.Env)} |
	{"process.env.missing" | not env_is_complete(entry, process.Env)})) |
	((({"process.cwd" | not process.Cwd == object.get(entry.OCI.Process, "Cwd", "/")} |
	{"process.no_new_privileges" | not process.NoNewPrivileges == entry.OCI.Process.NoNewPrivileges}) |
	({"process.rlimits" | not process.Rlimits == []} | {"process.console" | not console_form(process)})) |
	({"process.labels" | not labels_agree(process)} | {"process.oom_score" | not oom_score_form(process.OOMScoreAdj)}))

users_agree(wanted, user) if {
	has_members(user, {"UID", "GID", "AdditionalGids", "Username"})
	user.UID == wanted.UID
	user.GID == wanted.GID
	user.Username == wanted.Username
	same_set(user.AdditionalGids, wanted.AdditionalGids)
}

console_form(process) if process.ConsoleSize == null

console_form(process) if {
	process.Terminal == true
	has_members(process.ConsoleSize, {"Height", "Width"})
	is_count(process.ConsoleSize.Height, 65535)
	is_count(process.ConsoleSize.Width, 65535)
}

labels_agree(process) if {
	process.SelinuxLabel == ""
	process.ApparmorProfile in {"", "cri-containerd.apparmor.d"}
}

oom_score_form(score) if {
	is_number(score)
	score >= -1000
	score <= 1000
}

args_agree(entry, args) if {
	wanted := object.get(entry.OCI.Process, "Args", [])
	count(args) == count(wanted)
	every i, arg in args {
		arg_agrees(wanted[i], arg)
	}
}

# $$ is how a manifest writes $
arg_agrees(wanted, arg) if replace(wanted, "$$", "$") == arg

arg_agrees(wanted, arg) if template_allows(wanted, arg)

capabilities_agree(entry, given) if {
	has_members(given, {"Bounding", "Effective", "Inheritable", "Permitted", "Ambient"})
	every kind, list in given {
		is_distinct(list)
		{trim_prefix(name, "CAP_") | some name in list} == capability_set(entry.OCI.Process.Capabilities[kind])
	}
}

capability_set(list) := {trim_prefix(name, "CAP_") |
	some token in list
	some name in object.get(
		{
			"$(default_caps)": policy_data.common.default_caps,
			"$(privileged_caps)": policy_data.common.privileged_caps,
		},
		token,
		[token],
	)
}
