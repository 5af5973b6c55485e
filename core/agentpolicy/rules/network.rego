# SPDX-License-Identifier: Apache-2.0
# The guest's network is the host's to give: addresses, routes and neighbours are free in their form, but the loopback
# device and its addresses stay the guest's.
package agent_policy

most_routes := 1024

interface_reasons := (foreign_data | {"fields" | not interface_members}) |
	(({"interface.name" | not interface_name_form} | {"interface.addresses" | not interface_addresses_form}) |
	({"interface.hardware" | not interface_hardware_form} | {"interface.flags" | not interface_flags_form}))

interface := input.interface

interface_members if {
	has_members(input, {"interface"})
	has_members(interface, {"device", "name", "IPAddresses", "mtu", "hwAddr", "devicePath", "type_", "raw_flags"})
}

device_form(name) if whole(`[a-zA-Z0-9_.@:-]{0,64}`, name)

interface_name_form if {
	device_form(interface.device)
	device_form(interface.name)
	every forbidden in policy_data.request_defaults.UpdateInterfaceRequest.forbidden_names {
		interface.name != forbidden
		interface.device != forbidden
	}
}

interface_addresses_form if {
	count(interface.IPAddresses) <= 64
	every address in interface.IPAddresses {
		address_form(address)
		whole(`[0-9]{0,3}`, address.mask)
	}
}

address_form(address) if {
	has_members(address, {"family", "address", "mask"})
	is_count(address.family, 64)
	whole(`[0-9a-fA-F.:]{0,45}`, address.address)
	not is_loopback(address.address)
}

is_loopback(address) if regex.match(`^127\.`, address)

is_loopback(address) if regex.match(`^[0:]*:0{0,3}1$`, address)

interface_hardware_form if {
	whole(`([0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5,19})?`, interface.hwAddr)
	not interface.hwAddr in policy_data.request_defaults.UpdateInterfaceRequest.forbidden_hw_addrs
	whole(`[a-zA-Z0-9/._:-]{0,256}`, interface.devicePath)
	whole(`[a-z0-9_-]{0,32}`, interface.type_)
	is_count(interface.mtu, 65536)
}

interface_flags_form if {
	allowed := policy_data.request_defaults.UpdateInterfaceRequest.allow_raw_flags
	bits.or(interface.raw_flags, allowed) == allowed
}

UpdateInterfaceRequest := verdict("UpdateInterfaceRequest", interface_reasons)

routes_reasons := (foreign_data | {"fields" | not routes_members}) | {"routes" | not routes_form}

routes_members if {
	has_members(input, {"routes"})
	has_members(input.routes, {"Routes"})
	every route in input.routes.Routes {
		has_members(route, {"dest", "gateway", "device", "source", "scope", "family", "flags", "mtu"})
	}
}

routes_form if {
	count(input.routes.Routes) <= most_routes
	every route in input.routes.Routes {
		device_form(route.device)
		not route.device in policy_data.request_defaults.UpdateRoutesRequest.forbidden_device_names
		every name in ["dest", "gateway", "source"] {
			whole(`[0-9a-fA-F.:/]{0,49}|default`, route[name])
		}
		every name in ["scope", "family", "flags", "mtu"] {
			is_count(route[name], 4294967295)
		}
		not is_loopback(route.source)
		not forbidden_source(route.source)
	}
}

forbidden_source(source) if {
	some pattern in policy_data.request_defaults.UpdateRoutesRequest.forbidden_source_regex
	regex.match(pattern, source)
}

UpdateRoutesRequest := verdict("UpdateRoutesRequest", routes_reasons)

neighbors_reasons := (foreign_data | {"fields" | not neighbors_members}) | {"neighbors" | not neighbors_form}

neighbors_members if {
	has_members(input, {"neighbors"})
	has_members(input.neighbors, {"ARPNeighbors"})
	every neighbor in input.neighbors.ARPNeighbors {
		has_members(neighbor, {"toIPAddress", "device", "lladdr", "state", "flags"})
	}
}

neighbors_form if {
	settings := policy_data.request_defaults.AddARPNeighborsRequest
	count(input.neighbors.ARPNeighbors) <= most_routes
	every neighbor in input.neighbors.ARPNeighbors {
		device_form(neighbor.device)
		not neighbor.device in settings.forbidden_device_names
		address_form(neighbor.toIPAddress)
		neighbor.toIPAddress.mask == ""
		every pattern in settings.forbidden_cidrs_regex {
			not regex.match(pattern, neighbor.toIPAddress.address)
		}
		whole(`([0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5,19})?`, neighbor.lladdr)
		neighbor.state in settings.allowed_states
		bits.or(neighbor.flags, 136) == 136
	}
}

AddARPNeighborsRequest := verdict("AddARPNeighborsRequest", neighbors_reasons)
