# SPDX-License-Identifier: Apache-2.0
# Variables: those of the policy with its values; names whose value the host may choose; and, for names that the policy
# does not know, the patterns of settings and options. Each name once, so that none hides another.
package agent_policy

env_name(variable) := split(variable, "=")[0]

# All but these must be there; the runtime sets them, and not every one does.
env_optional := {"HOSTNAME", "TERM"}

env_agrees(entry, env) if {
	count(env) <= 2048
	is_distinct([env_name(variable) | some variable in env])
	wanted := {variable | some variable in object.get(entry.OCI.Process, "Env", [])}
	literal := {variable | some variable in wanted; not has_placeholder(variable)}
	free := {name | some name in entry.cocoon.any_env}
	named := {env_name(variable) | some variable in wanted} | free
	patterns := env_patterns(entry)
	every variable in env {
		is_text(variable, 131072)
		contains(variable, "=")
		variable_allowed(variable, {
			"literal": literal, "templates": wanted - literal, "free": free, "named": named, "patterns": patterns,
		})
	}
}

variable_allowed(variable, policy) if variable in policy.literal

variable_allowed(variable, policy) if env_name(variable) in policy.free

variable_allowed(variable, policy) if {
	some template in policy.templates
	env_name(template) == env_name(variable)
	template_allows(template, variable)
}

variable_allowed(variable, policy) if {
	not env_name(variable) in policy.named
	whole(policy.patterns, variable)
}

env_patterns(entry) := expanded if {
	all := [policy_data.request_defaults.CreateContainerRequest.allow_env_regex, entry.cocoon.env_regex, policy_data.cocoon.env_regex]
	joined := any_of([pattern | some list in all; some pattern in list])
	addresses := replace(replace(joined, "$(ipv4_a)", policy_data.common.ipv4_a), "$(ip_p)", policy_data.common.ip_p)
	services := replace(addresses, "$(svc_name_downward_env)", policy_data.common.svc_name_downward_env)
	expanded := replace(services, "$(dns_label)", policy_data.common.dns_label)
}

env_is_complete(entry, env) if {
	given := {env_name(variable) | some variable in env}
	free := {name | some name in entry.cocoon.any_env} | env_optional
	wanted := {env_name(variable) | some variable in object.get(entry.OCI.Process, "Env", [])}
	count((wanted - free) - given) == 0
}
