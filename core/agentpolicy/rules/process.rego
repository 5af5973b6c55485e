# SPDX-License-Identifier: Apache-2.0
# OCI.Process, of a new container and of an exec. Free in its form: OOMScoreAdj.
package agent_policy

process_refused(entry, process) := person_refused(entry, process) | {"process.args" | not args_agree(entry, process)} |
	{"process.terminal" | not terminal_agrees(entry, process)} |
	{"process.capabilities" | not capabilities_agree(entry, process)}

# what holds for any command
person_refused(entry, process) := misfits("process.", process, {
	"Cwd": {object.get(entry.OCI.Process, "Cwd", "/")},
	"NoNewPrivileges": {entry.OCI.Process.NoNewPrivileges},
	"Rlimits": {[]},
	"SelinuxLabel": {""},
	"ApparmorProfile": {"", "cri-containerd.apparmor.d"},
}, {"Terminal", "User", "Args", "Env", "Capabilities", "ConsoleSize", "OOMScoreAdj"}) |
	{"process.user" | not users_agree(entry, process)} |
	{"process.env" | not env_agrees(entry, process)} |
	{"process.env.missing" | not env_is_complete(entry, process)} |
	{"process.consolesize" | not console_form(process)} |
	{"process.oomscoreadj" | not oom_score_form(process)}

users_agree(entry, process) if {
	gids := ["AdditionalGids"]
	object.remove(process.User, gids) == object.remove(entry.OCI.Process.User, gids)
	same_set(process.User.AdditionalGids, entry.OCI.Process.User.AdditionalGids)
}

terminal_agrees(entry, process) if process.Terminal == entry.OCI.Process.Terminal

oom_score_form(process) if is_count(abs(process.OOMScoreAdj), 1000)

console_form(process) if process.ConsoleSize == null

console_form(process) if {
	process.Terminal == true
	misfits("", process.ConsoleSize, {"Height": 65535, "Width": 65535}, set()) == set()
}

# $$ is how a manifest writes $
args_agree(entry, process) if {
	wanted := object.get(entry.OCI.Process, "Args", [])
	is_list(process.Args, count(wanted))
	every i, text in wanted {
		text_agrees(replace(text, "$$", "$"), process.Args[i])
	}
}

capabilities_agree(entry, process) if {
	given := process.Capabilities
	wanted := entry.OCI.Process.Capabilities
	object.keys(given) == object.keys(wanted)
	every kind, list in given {
		is_distinct(list)
		{trim_prefix(name, "CAP_") | some name in list} == capability_set(wanted[kind])
	}
}

capability_set(list) := {trim_prefix(name, "CAP_") |
	some token in list
	some name in object.get(capability_lists, token, [token])
}

capability_lists := {
	"$(default_caps)": policy_data.common.default_caps,
	"$(privileged_caps)": policy_data.common.privileged_caps,
}

# Variables: those of the policy with its values; names whose value the host may choose; and, for names that the policy
# does not know, the patterns of settings and options. Each name once, so that none hides another.
env_name(variable) := split(variable, "=")[0]

env_names(list) := {env_name(variable) | some variable in items(list)}

env_of(entry) := object.get(entry.OCI.Process, "Env", [])

env_agrees(entry, process) if {
	env := process.Env
	is_list(env, 4096)
	count(env_names(env)) == count(env)
	wanted := {variable | some variable in env_of(entry)}
	templates := {variable | some variable in wanted; contains(variable, "$(")}
	free := {name | some name in entry.cocoon.any_env}
	named := env_names(wanted) | free
	matched := env_matched(entry, [variable | some variable in env; not env_name(variable) in named])
	every variable in env {
		is_text(variable, 131072)
		contains(variable, "=")
		variable_allowed(variable, (wanted - templates) | matched, templates, free)
	}
}

variable_allowed(variable, allowed, _, _) if variable in allowed

variable_allowed(variable, _, _, free) if env_name(variable) in free

variable_allowed(variable, _, templates, _) if {
	some template in templates
	env_name(template) == env_name(variable)
	text_agrees(template, variable)
}

# Those of the list that a pattern matches, none of several lines: all at once, as a pattern is compiled each time.
env_matched(entry, list) := {line |
	lines := concat("\n", [variable | some variable in list; not contains(variable, "\n")])
	some written in array.concat(defaults.CreateContainerRequest.allow_env_regex, entry.cocoon.env_regex)
	pattern := strings.replace_n({
		"$(ipv4_a)": policy_data.common.ipv4_a,
		"$(ip_p)": policy_data.common.ip_p,
		"$(svc_name_downward_env)": policy_data.common.svc_name_downward_env,
		"$(dns_label)": policy_data.common.dns_label,
	}, written)
	some line in regex.find_n(concat("", ["(?m)^(?:", pattern, ")$"]), lines, -1)
}

# All but these must be there: not every runtime sets them.
env_is_complete(entry, process) if {
	free := {name | some name in entry.cocoon.any_env} | {"HOSTNAME", "TERM"}
	(env_names(env_of(entry)) - free) - env_names(process.Env) == set()
}
