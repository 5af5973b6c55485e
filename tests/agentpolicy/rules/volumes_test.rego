# SPDX-License-Identifier: Apache-2.0
package rules_test

import data.rules

# of "app": 0 /proc … 5 /sys, 6 /sys/fs/cgroup, 7 /etc/hosts … 11 the account's token, 12 /scratch, 13 /fast, 14 /etc/conf;
# storages: 0 the disk of /scratch, 1 the memory of /fast, 2 the image
volume_cases := [
	["app", [{"op": "remove", "path": "/OCI/Mounts/11"}], set()],
	["app", [{"op": "remove", "path": "/OCI/Mounts/7"}], {"mounts.missing"}],
	["app", [{"op": "copy", "from": "/OCI/Mounts/7", "path": "/OCI/Mounts/-"}], {"mounts"}],
	["app", rules.set_at("/OCI/Mounts/-", {"destination": "/x", "source": "/", "type_": "bind", "options": []}), {"mounts"}],
	["app", rules.set_at("/OCI/Mounts/5/options", []), {"mounts"}],
	["app", rules.set_at("/OCI/Mounts/5/options", ["ro"]), {"mounts"}],
	["app", rules.set_at("/OCI/Mounts/5/options", ["nosuid", "noexec", "nodev", "rw"]), {"mounts"}],
	["app", rules.set_at("/OCI/Mounts/7/source", "/etc/hosts"), {"mounts"}],
	["app", rules.set_at("/OCI/Mounts/7/source", "/run/kata-containers/shared/containers/0/hosts"), {"mounts"}],
	["app", rules.set_at("/OCI/Mounts/7/options", ["rbind"]), {"mounts"}],
	["app", rules.set_at("/OCI/Mounts/7/type_", "tmpfs"), {"mounts"}],
	["app", rules.set_at("/OCI/Mounts/7/new", 1), {"mounts"}],
	["app", rules.set_at("/OCI/Mounts/6/options/-", "nsdelegate"), set()],
	["app", rules.set_at("/OCI/Mounts/6/options/-", "rw"), {"mounts"}],
	["app", rules.set_at("/OCI/Mounts/5/options", ["nosuid", "noexec", "nodev", "rw"]), {"mounts"}],
	["app", [{"op": "move", "from": "/OCI/Mounts/1", "path": "/OCI/Mounts/5"}], {"mounts.order"}],
	["app", rules.set_at("/OCI/Mounts/12/source", "/run/kata-containers/sandbox/storage/eA=="), {"mounts", "storages.unused"}],
	["app", rules.set_at("/OCI/Mounts/13/source", "/run/kata-containers/sandbox/ephemeral/other"), {"mounts"}],
	["app", rules.set_at("/OCI/Mounts", null), {"mounts", "mounts.missing", "storages.unused"}],
	["app", [{"op": "remove", "path": "/storages/0"}], {"mounts", "storages", "image.pull"} - {"image.pull"}],
	["app", [{"op": "copy", "from": "/storages/0", "path": "/storages/-"}], {"storages"}],
	["app", rules.set_at("/storages/-", "text"), {"storages"}],
	["app", rules.set_at("/storages/0/driver_options", []), {"mounts", "storages"}],
	["app", rules.set_at("/storages/0/driver_options", ["create_filesystem"]), {"mounts", "storages"}],
	["app", rules.set_at("/storages/0/driver", "scsi"), {"mounts", "storages"}],
	["app", rules.set_at("/storages/0/source", "02/00"), {"mounts", "storages"}],
	["app", rules.set_at("/storages/0/source", "../x"), {"mounts", "storages"}],
	["app", rules.set_at("/storages/0/fs_group", null), {"mounts", "storages"}],
	["app", rules.set_at("/storages/0/shared", false), {"mounts", "storages"}],
	["app", rules.set_at("/storages/1/mount_point", "/etc"), {"storages"}],
	["app", rules.set_at("/storages/1/options", []), {"storages"}],
	["app", rules.set_at("/devices/-", {"id": "01/00", "type_": "blk", "vm_path": "", "container_path": "/dev/x", "options": []}), {"devices"}],
	["side", rules.set_at("/devices/0/id", "vfio9"), {"devices.gpu"}],
	["side", rules.set_at("/devices/0/container_path", "/dev/vfio/devices/vfio5"), {"devices.gpu"}],
	["side", rules.set_at("/devices/0/type_", "vfio"), {"devices.gpu"}],
	["side", rules.set_at("/devices/0/options", ["0000:65:00.0"]), {"devices.gpu"}],
	["side", [{"op": "remove", "path": "/devices/0"}], {"devices.gpu"}],
	["side", rules.set_at("/devices", []), set()],
	["app", rules.set_at("/OCI/Linux/new", 1), {"linux.new"}],
	["app", rules.set_at("/OCI/Linux/Seccomp", {}), {"linux.seccomp"}],
	["app", rules.set_at("/OCI/Linux/CgroupsPath", "/other"), {"linux.cgroupspath"}],
	["app", rules.set_at("/OCI/Linux/CgroupsPath", concat("", ["a/../../run/", rules.ids.app])), {"linux.cgroupspath"}],
	["app", rules.set_at("/OCI/Linux/CgroupsPath", concat("", ["/kubepods.slice/a.slice/", rules.ids.app])), set()],
	["app", rules.set_at("/OCI/Linux/Sysctl", {"kernel.domainname": "x"}), {"linux.sysctl"}],
	["pause", [{"op": "remove", "path": "/OCI/Linux/Sysctl/net.core.somaxconn"}], {"linux.sysctl"}],
	["app", rules.set_at("/OCI/Linux/Namespaces/0/Path", "/proc/1/ns/ipc"), {"linux.namespaces"}],
	["app", rules.set_at("/OCI/Linux/Namespaces/-", {"Type": "pid", "Path": ""}), {"linux.namespaces"}],
	["app", rules.set_at("/OCI/Linux/Namespaces/-", {"Type": "cgroup", "Path": ""}), set()],
	["app", [{"op": "remove", "path": "/OCI/Linux/MaskedPaths/0"}], {"linux.maskedpaths"}],
	["app", rules.set_at("/OCI/Linux/MaskedPaths/-", "/etc"), {"linux.maskedpaths"}],
	["app", [{"op": "remove", "path": "/OCI/Linux/ReadonlyPaths/0"}], {"linux.readonlypaths"}],
	["app", rules.set_at("/OCI/Linux/Devices/-", {"Path": "/dev/mem", "Type": "c", "Major": 1, "Minor": 1, "FileMode": 438, "UID": 0, "GID": 0}), {"linux.devices"}],
	["app", rules.set_at("/OCI/Linux/Resources/Devices", [{}]), {"linux.resources.devices"}],
	["app", rules.set_at("/OCI/Linux/Resources/Memory/Kernel", 1), {"linux.resources"}],
	["app", rules.set_at("/OCI/Linux/Resources/Memory", null), set()],
	["app", rules.set_at("/OCI/Linux/Resources/HugepageLimits", [{"Pagesize": "2MB", "Limit": 0}]), set()],
]

test_compares_volumes_and_devices if {
	failed := rules.failing(volume_cases)
	print(failed)
	failed == []
}

# a root's propagation is what containerd makes of the mounts'
test_knows_the_propagation_of_the_root if every options, wanted in {
	["rbind", "rprivate"]: "", ["rbind", "rslave", "ro"]: "rslave", ["rbind", "rshared"]: "rshared", ["rslave", "rshared"]: "rshared",
} {
	data.agent_policy.propagation({"OCI": {"Mounts": [{"options": options}]}}) == wanted
}

# a privileged container's, which containerd 2 mounts read-only
test_knows_the_two_ways_to_mount_sysfs if {
	wanted := {"destination": "/sys", "source": "sysfs", "type_": "sysfs", "options": ["nosuid", "rw"]}
	allowed := [options |
		some options in [["nosuid", "rw"], ["nosuid", "ro"], ["ro"], ["rw"], [], ["nosuid"]]
		data.agent_policy.mount_agrees(wanted, object.union(wanted, {"options": options}), set())
	]
	allowed == [["nosuid", "rw"], ["nosuid", "ro"]]
}
