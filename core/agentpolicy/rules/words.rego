# SPDX-License-Identifier: Apache-2.0
# What every subject needs: members of messages, texts and patterns.
package agent_policy

# The engine sees every member of a message: one more is of an agent that these rules do not know.
has_members(object_, names) if object.keys(object_) == names

# The engines search: a pattern counts for whole texts here.
whole(pattern, text) if regex.match(concat("", ["^(?:", pattern, ")$"]), text)

any_of(patterns) := concat("|", [grouped | some pattern in patterns; grouped := concat("", ["(?:", pattern, ")"])])

plain(text) := regex.replace(text, `[\\.+*?()|\[\]{}^$]`, `\${0}`)

is_text(value, most) if {
	is_string(value)
	count(value) <= most
}

is_count(value, most) if {
	is_number(value)
	value >= 0
	value <= most
}

is_distinct(list) if count(list) == count({item | some item in list})

same_set(left, right) if {
	is_distinct(left)
	{item | some item in left} == {item | some item in right}
}

dns_name := `[a-zA-Z0-9]([a-zA-Z0-9.-]{0,251}[a-zA-Z0-9])?`

ipv6 := `[0-9a-fA-F]{0,4}(:[0-9a-fA-F]{0,4}){2,7}`

id_form := `[0-9a-f]{64}`

# Names of paths in the guest, as settings write them; what of the request stands in them has no special characters.
path_pattern(text, container_id, sandbox_id) := replaced if {
	prefix := replace(text, "$(sfprefix)", policy_data.common.sfprefix)
	roots := replace(replace(prefix, "$(cpath)", policy_data.common.cpath), "$(spath)", policy_data.common.spath)
	replaced := replace(replace(roots, "$(bundle-id)", container_id), "$(sandbox-id)", sandbox_id)
}

# Texts of the manifest with what only the cluster knows. What the pod's first request has fixed is compared, the rest
# has a form.
placeholder := `\$\((sandbox-name|sandbox-namespace|host-name|node-name|pod-uid|pod-ip|host-ip|resource-field|todo-annotation)\)`

has_placeholder(text) if regex.match(placeholder, text)

template_allows(template, text) if {
	has_placeholder(template)
	whole(template_pattern(template), text)
}

template_pattern(template) := pattern if {
	address := concat("", [policy_data.common.ipv4_a, "|", ipv6])
	one := replace(plain(template), `\$\(sandbox-name\)`, plain(pod.name))
	two := replace(one, `\$\(sandbox-namespace\)`, plain(pod.namespace))
	three := replace(two, `\$\(host-name\)`, host_name_pattern)
	four := replace(three, `\$\(node-name\)`, dns_name)
	five := replace(four, `\$\(pod-uid\)`, uid_pattern)
	six := replace(five, `\$\(pod-ip\)`, concat("", ["(", address, ")"]))
	seven := replace(six, `\$\(host-ip\)`, concat("", ["(", address, ")"]))
	eight := replace(seven, `\$\(resource-field\)`, `[0-9]{1,20}`)
	pattern := replace(eight, `\$\(todo-annotation\)`, `[^\n]{0,4096}`)
}

host_name_pattern := plain(data.pstate.sandbox.hostname) if {
	data.pstate.sandbox.hostname != ""
} else := dns_name

uid_pattern := plain(pod.uid) if {
	pod.uid != ""
} else := `[0-9a-f-]{32,36}`
