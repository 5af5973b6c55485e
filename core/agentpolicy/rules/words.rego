# SPDX-License-Identifier: Apache-2.0
# What every subject needs: members of messages, texts and patterns.
package agent_policy

# Against a message: "<what><member>" for each member that has not its form, that is missing (the engine sees all of
# them), or that nobody knows (of an agent newer than these rules). `others` are judged elsewhere. A form is
#
#     a set       of the values that may be                a number   the most; at least 0
#     a text      the pattern of the whole                 true       any number
misfits(what, given, forms, others) := found if {
	is_object(given)
	all := (object.keys(given) | object.keys(forms)) | others
	found := {concat("", [what, lower(name)]) | some name in all; not fits(given, forms, others, name)}
} else := {what}

fits(given, forms, _, name) if has_form(given[name], forms[name])

fits(given, _, others, name) if {
	name in others
	name in object.keys(given)
}

# a member, or null
part(given, name) := given[name] if {
	is_object(given)
	name in object.keys(given)
} else := null

has_form(value, form) if {
	is_set(form)
	value in form
}

has_form(value, form) if {
	is_number(form)
	is_count(value, form)
}

has_form(value, form) if {
	is_string(form)
	whole(form, value)
}

has_form(value, form) if {
	form == true
	is_number(value)
}

# a list of messages
all_fit(list, most, forms) if {
	is_list(list, most)
	every item in list {
		misfits("", item, forms, set()) == set()
	}
}

# The engines search: a pattern counts for whole texts here.
whole(pattern, text) if regex.match(concat("", ["^(?:", pattern, ")$"]), text)

plain(text) := regex.replace(text, `[\\.+*?()|\[\]{}^$]`, `\${0}`)

is_text(value, most) if {
	is_string(value)
	count(value) <= most
}

# the engine makes an error of going through what is no collection
items(list) := list if {
	type_name(list) in {"array", "object", "set"}
} else := {}

is_count(value, most) if {
	is_number(value)
	value >= 0
	value <= most
}

is_list(list, most) if {
	is_array(list)
	count(list) <= most
}

is_distinct(list) if {
	is_array(list)
	count(list) == count({item | some item in list})
}

same_set(left, right) if {
	is_distinct(left)
	{item | some item in left} == {item | some item in right}
}

dns_name := `[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?`

hostname := concat("", ["(?:", dns_name, ")?"])

ip_address := concat("|", [policy_data.common.ipv4_a, `[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7}`])

id_form := `[0-9a-f]{64}`

uint32 := 4294967295

# Paths in the guest, as settings write them.
path_pattern(text, container_id, sandbox_id) := strings.replace_n(
	{"$(bundle-id)": container_id, "$(sandbox-id)": sandbox_id},
	strings.replace_n(
		{"$(cpath)": policy_data.common.cpath, "$(spath)": policy_data.common.spath},
		strings.replace_n(
			{"$(sfprefix)": policy_data.common.sfprefix, "$(root_path)": policy_data.common.root_path},
			text,
		),
	),
)

# Texts of the manifest. What only the cluster knows stands in them as a placeholder: what the pod's first requests have
# said is compared, the rest has a form. Patterns are compiled for each comparison, and a large one (100 KiB compiled,
# some 3 KiB of text with a placeholder) is an error of the engine's: what can be compared as it is, is.
text_agrees(wanted, text) if {
	wanted == text
	text_pattern(wanted) == plain(wanted)
}

text_agrees(wanted, text) if {
	text_pattern(wanted) != plain(wanted)
	whole(text_pattern(wanted), text)
}

text_pattern(wanted) := strings.replace_n(placeholders, plain(wanted))

placeholders := {
	`\$\(sandbox-name\)`: plain(pod.name),
	`\$\(sandbox-namespace\)`: pod.namespace,
	`\$\(host-name\)`: known(sandbox.hostname, dns_name),
	`\$\(node-name\)`: dns_name,
	`\$\(pod-uid\)`: known(pod.uid, `[0-9a-f-]{32,36}`),
	`\$\(pod-ip\)`: concat("", ["(?:", ip_address, ")"]),
	`\$\(host-ip\)`: concat("", ["(?:", ip_address, ")"]),
	`\$\(pod-ips\)`: ip_addresses,
	`\$\(host-ips\)`: ip_addresses,
	`\$\(resource-field\)`: `[0-9]{1,20}`,
	`\$\(todo-annotation\)`: `.*`,
}

ip_addresses := concat("", ["(?:", ip_address, ")(?:,(?:", ip_address, "))?"])

known(text, form) := form if {
	text == ""
} else := plain(text)
