# SPDX-License-Identifier: Apache-2.0
# OCI.Linux and OCI.Root. Free in their form: resources, CgroupsPath (which stays below), device numbers.
package agent_policy

linux := part(oci, "Linux")

linux_refused(entry) := misfits("linux.", linux, {
	"UIDMappings": {[]},
	"GIDMappings": {[]},
	"Seccomp": {null},
	"RootfsPropagation": {"", propagation(entry)},
	"MountLabel": {""},
	"IntelRdt": {null},
	"CgroupsPath": concat("", [`(?:[a-zA-Z0-9/:_-]|\.[a-zA-Z0-9_-])*`, input.container_id]),
}, {"Sysctl", "Resources", "Namespaces", "Devices", "MaskedPaths", "ReadonlyPaths"}) | misfits("linux.resources.", part(linux, "Resources"), {
	"Devices": {[]},
	"Pids": {null},
	"BlockIO": {null},
	"Network": {null},
}, {"Memory", "CPU", "HugepageLimits"}) | misfits("root.", part(oci, "Root"), {
	"Path": path_pattern(entry.OCI.Root.Path, input.container_id, pod.id),
	"Readonly": {entry.OCI.Root.Readonly},
}, set()) | {"linux.namespaces" | not namespaces_agree(entry)} | {"linux.sysctl" | not sysctls_agree(entry)} |
	{"linux.devices" | not linux_devices_agree(entry)} | {"linux.resources" | not resources_form} |
	{"linux.maskedpaths" | not masked_agree(entry)} |
	{"linux.readonlypaths" | not readonly_agree(entry)}

# containerd derives it from the mounts
propagation(entry) := "rshared" if {
	"rshared" in mount_options(entry)
} else := "rslave" if {
	"rslave" in mount_options(entry)
} else := ""

mount_options(entry) := {option | some mount in entry.OCI.Mounts; some option in mount.options}

# "" without one; two are refused below
network_path := concat("", [namespace.Path | some namespace in items(part(linux, "Namespaces")); namespace.Type == "network"])

namespaces_agree(entry) if {
	is_array(linux.Namespaces)
	is_distinct([namespace.Type | some namespace in items(part(linux, "Namespaces"))])
	whole(`(?:/(?:var/)?run/netns/[a-zA-Z0-9_-]+)?`, network_path)
	free := [{"Type": "network", "Path": network_path}, {"Type": "cgroup", "Path": ""}]
	given := [namespace | some namespace in items(part(linux, "Namespaces")); not namespace in free]
	given == entry.OCI.Linux.Namespaces
}

# The settings' two are of newer runtimes alone, and all are the sandbox's.
sysctls_agree(entry) if {
	wanted := object.get(entry.OCI.Linux, "Sysctl", {})
	is_object(linux.Sysctl)
	every name, value in linux.Sysctl {
		wanted[name] == value
	}
	needed := {name | some name, _ in wanted; role == "sandbox"; not name in {"net.ipv4.ip_unprivileged_port_start", "net.ipv4.ping_group_range"}}
	needed - object.keys(linux.Sysctl) == set()
}

masked_agree(entry) if paths_covered(entry.OCI.Linux.MaskedPaths, linux.MaskedPaths, [])

readonly_agree(entry) if paths_covered(entry.OCI.Linux.ReadonlyPaths, linux.ReadonlyPaths, linux.MaskedPaths)

paths_covered(wanted, given, masked) if {
	is_distinct(given)
	every path in given {
		whole(`/(?:proc|sys)(?:/[a-zA-Z0-9_-][a-zA-Z0-9_.-]*)+`, path)
	}
	every path in wanted {
		path in array.concat(given, masked)
	}
}

linux_devices_agree(entry) if {
	all_fit(linux.Devices, count(entry.OCI.Linux.Devices), {
		"Path": {device.Path | some device in entry.OCI.Linux.Devices},
		"Type": `[bcpu]`,
		"Major": 4095,
		"Minor": 1048575,
		"FileMode": 65535,
		"UID": {0},
		"GID": 65535,
	})
	every wanted in entry.OCI.Linux.Devices {
		some device in linux.Devices
		device.Path == wanted.Path
		wanted.Type in {"", device.Type}
	}
}

resources_form if {
	resources := linux.Resources
	null_or_fits(resources.Memory, {
		"Limit": true, "Reservation": true, "Swap": true, "Swappiness": 200,
		"Kernel": {0}, "KernelTCP": {0}, "DisableOOMKiller": {false},
	})
	null_or_fits(resources.CPU, {
		"Shares": true, "Quota": true, "Period": true, "RealtimeRuntime": {0}, "RealtimePeriod": {0},
		"Cpus": `[0-9,-]*`, "Mems": `[0-9,-]*`,
	})
	all_fit(resources.HugepageLimits, 8, {"Pagesize": `[0-9]{1,4}[KMG]B`, "Limit": true})
}

null_or_fits(null, _) := true

null_or_fits(message, forms) if misfits("", message, forms, set()) == set()
