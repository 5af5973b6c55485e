# SPDX-License-Identifier: Apache-2.0
# The guest's network is the host's to give: addresses, routes and neighbours are free in their form, but for what the
# settings forbid: the loopback device and its addresses stay the guest's.
package agent_policy

defaults := policy_data.request_defaults

device_form := `[a-zA-Z0-9_.@:-]*`

# one of the kinds, as ::0.0.0.1 is the loopback device's, too
address := `[0-9.]*|[0-9a-fA-F:]*`

hardware := `(?:[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5,19})?`

reasons("UpdateInterfaceRequest") := misfits("", input, {}, {"interface"}) | misfits("interface.", part(input, "interface"), {
	"device": device_form,
	"name": device_form,
	"mtu": 65536,
	"hwAddr": hardware,
	"devicePath": `[a-zA-Z0-9/._:-]*`,
	"type_": `[a-z0-9_-]*`,
	"raw_flags": uint32,
}, {"IPAddresses"}) | {"interface" | not interface_allowed}

interface := input.interface

interface_allowed if {
	settings := defaults.UpdateInterfaceRequest
	count({interface.name, interface.device} & {name | some name in settings.forbidden_names}) == 0
	every forbidden in settings.forbidden_hw_addrs {
		interface.hwAddr != forbidden
	}
	bits.or(interface.raw_flags, settings.allow_raw_flags) == settings.allow_raw_flags
	all_fit(interface.IPAddresses, 64, {"family": 64, "address": address, "mask": `[0-9]{0,3}`})
	every given in interface.IPAddresses {
		not_matching(given.address, defaults.UpdateRoutesRequest.forbidden_source_regex)
	}
}

not_matching(text, patterns) if {
	every pattern in patterns {
		not regex.match(pattern, text)
	}
}

UpdateInterfaceRequest := verdict("UpdateInterfaceRequest")

reasons("UpdateRoutesRequest") := misfits("", input, {}, {"routes"}) | {"routes" | not routes_allowed}

routes_allowed if {
	object.keys(input.routes) == {"Routes"}
	settings := defaults.UpdateRoutesRequest
	all_fit(input.routes.Routes, 1024, {
		"dest": `[0-9a-fA-F.:/]*|default`, "gateway": address, "device": device_form, "source": address,
		"scope": 255, "family": 255, "flags": uint32, "mtu": uint32,
	})
	every route in input.routes.Routes {
		not route.device in settings.forbidden_device_names
		not_matching(route.source, settings.forbidden_source_regex)
	}
}

UpdateRoutesRequest := verdict("UpdateRoutesRequest")

reasons("AddARPNeighborsRequest") := misfits("", input, {}, {"neighbors"}) | {"neighbors" | not neighbors_allowed}

neighbors_allowed if {
	object.keys(input.neighbors) == {"ARPNeighbors"}
	settings := defaults.AddARPNeighborsRequest
	all := items(input.neighbors.ARPNeighbors)
	all == input.neighbors.ARPNeighbors
	all_fit([object.remove(one, ["toIPAddress"]) | some one in all], 1024, {
		"device": device_form, "lladdr": hardware, "flags": 136, "state": {state | some state in settings.allowed_states},
	})
	all_fit([one.toIPAddress | some one in all], count(all), {"family": 64, "address": address, "mask": {""}})
	count([1 | some one in all; one.toIPAddress]) == count(all)
	every one in all {
		not one.device in settings.forbidden_device_names
		bits.or(one.flags, 136) == 136
		not_matching(one.toIPAddress.address, settings.forbidden_cidrs_regex)
	}
}

AddARPNeighborsRequest := verdict("AddARPNeighborsRequest")
