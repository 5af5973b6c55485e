# SPDX-License-Identifier: Apache-2.0
# OCI.Linux.
package agent_policy

linux := input.OCI.Linux

linux_refused(entry) := ((({"linux.fields" | not has_members(linux, {
	"UIDMappings", "GIDMappings", "Sysctl", "Resources", "CgroupsPath", "Namespaces", "Devices", "Seccomp",
	"RootfsPropagation", "MaskedPaths", "ReadonlyPaths", "MountLabel", "IntelRdt",
})} | {"linux.unused" | not linux_unused}) |
	({"linux.namespaces" | not namespaces_agree(entry)} | {"linux.sysctl" | not sysctls_agree(entry)})) |
	({"linux.masked" | not paths_covered(entry.OCI.Linux.MaskedPaths, linux.MaskedPaths, [])} |
	{"linux.readonly" | not paths_covered(entry.OCI.Linux.ReadonlyPaths, linux.ReadonlyPaths, linux.MaskedPaths)})) |
	(({"linux.devices" | not linux_devices_agree(entry)} | {"linux.cgroup" | not cgroup_form}) |
	{"linux.resources" | not resources_form})

linux_unused if {
	linux.UIDMappings == []
	linux.GIDMappings == []
	linux.Seccomp == null
	linux.RootfsPropagation == ""
	linux.MountLabel == ""
	linux.IntelRdt == null
}

# "" without one; two are refused below
network_path := concat("", [namespace.Path | some namespace in linux.Namespaces; namespace.Type == "network"])

namespaces_agree(entry) if {
	every namespace in linux.Namespaces {
		has_members(namespace, {"Type", "Path"})
	}
	is_distinct([namespace.Type | some namespace in linux.Namespaces])
	whole(`(/(var/)?run/netns/[a-zA-Z0-9_-]{1,128})?`, network_path)
	given := [[mount_type(namespace.Type), namespace.Path] | some namespace in linux.Namespaces; namespace.Type != "network"]
	wanted := [[mount_type(namespace.Type), namespace.Path] | some namespace in entry.OCI.Linux.Namespaces]
	[pair | some pair in given; pair != ["cgroup", ""]] == wanted
}

mount_type(name) := "mount" if {
	name == "mnt"
} else := name

# The settings' two are of newer runtimes alone, and of sandboxes.
sysctl_optional := {"net.ipv4.ip_unprivileged_port_start", "net.ipv4.ping_group_range"}

sysctls_agree(entry) if {
	wanted := object.get(entry.OCI.Linux, "Sysctl", {})
	every name, value in linux.Sysctl {
		wanted[name] == value
	}
	sysctls_complete(wanted)
}

sysctls_complete(_) if role == "container"

sysctls_complete(wanted) if count((object.keys(wanted) - sysctl_optional) - object.keys(linux.Sysctl)) == 0

paths_covered(wanted, given, masked) if {
	is_distinct(given)
	count(given) <= 256
	every path in given {
		whole(`/(proc|sys)(/[a-zA-Z0-9_-][a-zA-Z0-9_.-]*)+`, path)
	}
	both := {path | some path in given} | {path | some path in masked}
	every path in wanted {
		path in both
	}
}

linux_devices_agree(entry) if {
	count(linux.Devices) == count(entry.OCI.Linux.Devices)
	is_distinct([device.Path | some device in linux.Devices])
	every device in linux.Devices {
		has_members(device, {"Path", "Type", "Major", "Minor", "FileMode", "UID", "GID"})
		some wanted in entry.OCI.Linux.Devices
		wanted.Path == device.Path
		wanted.Type == device.Type
		is_count(device.Major, 4095)
		is_count(device.Minor, 1048575)
		is_count(device.FileMode, 65535)
		device.UID == 0
		is_count(device.GID, 65535)
	}
}

cgroup_form if linux.CgroupsPath == ""

cgroup_form if {
	whole(`[a-zA-Z0-9/:_.-]{1,512}`, linux.CgroupsPath)
	not contains(linux.CgroupsPath, "..")
	endswith(linux.CgroupsPath, input.container_id)
}

resources_form if {
	resources := linux.Resources
	has_members(resources, {"Devices", "Memory", "CPU", "Pids", "BlockIO", "HugepageLimits", "Network"})
	resources.Devices == []
	resources.Pids == null
	resources.BlockIO == null
	resources.Network == null
	memory_form(resources.Memory)
	cpu_form(resources.CPU)
	count(resources.HugepageLimits) <= 8
	every limit in resources.HugepageLimits {
		has_members(limit, {"Pagesize", "Limit"})
		whole(`[0-9]{1,4}[KMG]B`, limit.Pagesize)
		is_number(limit.Limit)
	}
}

memory_form(null) := true

memory_form(memory) if {
	has_members(memory, {"Limit", "Reservation", "Swap", "Kernel", "KernelTCP", "Swappiness", "DisableOOMKiller"})
	every name in ["Limit", "Reservation", "Swap", "Swappiness"] {
		is_number(memory[name])
	}
	memory.Kernel == 0
	memory.KernelTCP == 0
	memory.DisableOOMKiller == false
}

cpu_form(null) := true

cpu_form(cpu) if {
	has_members(cpu, {"Shares", "Quota", "Period", "RealtimeRuntime", "RealtimePeriod", "Cpus", "Mems"})
	every name in ["Shares", "Quota", "Period"] {
		is_number(cpu[name])
	}
	cpu.RealtimeRuntime == 0
	cpu.RealtimePeriod == 0
	whole(`[0-9,-]{0,256}`, cpu.Cpus)
	whole(`[0-9,-]{0,256}`, cpu.Mems)
}
