/* SPDX-License-Identifier: Apache-2.0 */
/* oci.proto */
#include "agentpolicy/request_tables.h"

#include "agentpolicy/request_fields.h"

/* ---- Process ------------------------------------------------------------------------------------------- */

static const struct field box[] = { ONE("Height", UINT32), ONE("Width", UINT32), END };
static const struct field user[] = {
	ONE("UID", UINT32),
	ONE("GID", UINT32),
	MANY("AdditionalGids", UINT32),
	ONE("Username", TEXT),
	END,
};
static const struct field capabilities[] = {
	MANY("Bounding", TEXT),
	MANY("Effective", TEXT),
	MANY("Inheritable", TEXT),
	MANY("Permitted", TEXT),
	MANY("Ambient", TEXT),
	END,
};
static const struct field rlimit[] = {
	ONE("Type", TEXT),
	ONE("Hard", UINT64),
	ONE("Soft", UINT64),
	END,
};
const struct field oci_process[] = {
	ONE("Terminal", BOOL),
	MESSAGE("ConsoleSize", box),
	MESSAGE("User", user),
	MANY("Args", TEXT),
	MANY("Env", TEXT),
	ONE("Cwd", TEXT),
	MESSAGE("Capabilities", capabilities),
	MESSAGES("Rlimits", rlimit),
	ONE("NoNewPrivileges", BOOL),
	ONE("ApparmorProfile", TEXT),
	ONE("OOMScoreAdj", INT64),
	ONE("SelinuxLabel", TEXT),
	END,
};

/* ---- Linux.Resources ----------------------------------------------------------------------------------- */

static const struct field device_cgroup[] = {
	ONE("Allow", BOOL),
	ONE("Type", TEXT),
	ONE("Major", INT64),
	ONE("Minor", INT64),
	ONE("Access", TEXT),
	END,
};
static const struct field memory[] = {
	ONE("Limit", INT64),
	ONE("Reservation", INT64),
	ONE("Swap", INT64),
	ONE("Kernel", INT64),
	ONE("KernelTCP", INT64),
	ONE("Swappiness", UINT64),
	ONE("DisableOOMKiller", BOOL),
	END,
};
static const struct field cpu[] = {
	ONE("Shares", UINT64),
	ONE("Quota", INT64),
	ONE("Period", UINT64),
	ONE("RealtimeRuntime", INT64),
	ONE("RealtimePeriod", UINT64),
	ONE("Cpus", TEXT),
	ONE("Mems", TEXT),
	END,
};
static const struct field pids[] = { ONE("Limit", INT64), END };
static const struct field weight_device[] = {
	ONE("Major", INT64),
	ONE("Minor", INT64),
	ONE("Weight", UINT32),
	ONE("LeafWeight", UINT32),
	END,
};
static const struct field throttle_device[] = {
	ONE("Major", INT64),
	ONE("Minor", INT64),
	ONE("Rate", UINT64),
	END,
};
static const struct field block_io[] = {
	ONE("Weight", UINT32),
	ONE("LeafWeight", UINT32),
	MESSAGES("WeightDevice", weight_device),
	MESSAGES("ThrottleReadBpsDevice", throttle_device),
	MESSAGES("ThrottleWriteBpsDevice", throttle_device),
	MESSAGES("ThrottleReadIOPSDevice", throttle_device),
	MESSAGES("ThrottleWriteIOPSDevice", throttle_device),
	END,
};
static const struct field hugepage_limit[] = { ONE("Pagesize", TEXT), ONE("Limit", UINT64), END };
static const struct field interface_priority[] = { ONE("Name", TEXT), ONE("Priority", UINT32), END };
static const struct field network[] = {
	ONE("ClassID", UINT32),
	MESSAGES("Priorities", interface_priority),
	END,
};
const struct field oci_resources[] = {
	MESSAGES("Devices", device_cgroup),
	MESSAGE("Memory", memory),
	MESSAGE("CPU", cpu),
	MESSAGE("Pids", pids),
	MESSAGE("BlockIO", block_io),
	MESSAGES("HugepageLimits", hugepage_limit),
	MESSAGE("Network", network),
	END,
};

/* ---- Linux --------------------------------------------------------------------------------------------- */

static const struct field id_mapping[] = {
	ONE("HostID", UINT32),
	ONE("ContainerID", UINT32),
	ONE("Size", UINT32),
	END,
};
static const struct field namespace[] = { ONE("Type", TEXT), ONE("Path", TEXT), END };
static const struct field device[] = {
	ONE("Path", TEXT),
	ONE("Type", TEXT),
	ONE("Major", INT64),
	ONE("Minor", INT64),
	ONE("FileMode", UINT32),
	ONE("UID", UINT32),
	ONE("GID", UINT32),
	END,
};
/* a oneof of a single member: an object with it, or null */
static const struct field errno_ret[] = { ONE("errnoret", UINT32), END };
static const struct field seccomp_arg[] = {
	ONE("Index", UINT64),
	ONE("Value", UINT64),
	ONE("ValueTwo", UINT64),
	ONE("Op", TEXT),
	END,
};
static const struct field system_call[] = {
	MANY("Names", TEXT),
	ONE("Action", TEXT),
	MESSAGES("Args", seccomp_arg),
	MESSAGE("ErrnoRet", errno_ret),
	END,
};
static const struct field seccomp[] = {
	ONE("DefaultAction", TEXT),
	MANY("Architectures", TEXT),
	MANY("Flags", TEXT),
	MESSAGES("Syscalls", system_call),
	END,
};
static const struct field intel_rdt[] = { ONE("L3CacheSchema", TEXT), END };
static const struct field linux_part[] = {
	MESSAGES("UIDMappings", id_mapping),
	MESSAGES("GIDMappings", id_mapping),
	ONE("Sysctl", MAP),
	MESSAGE("Resources", oci_resources),
	ONE("CgroupsPath", TEXT),
	MESSAGES("Namespaces", namespace),
	MESSAGES("Devices", device),
	MESSAGE("Seccomp", seccomp),
	ONE("RootfsPropagation", TEXT),
	MANY("MaskedPaths", TEXT),
	MANY("ReadonlyPaths", TEXT),
	ONE("MountLabel", TEXT),
	MESSAGE("IntelRdt", intel_rdt),
	END,
};

/* ---- Spec ---------------------------------------------------------------------------------------------- */

static const struct field root[] = { ONE("Path", TEXT), ONE("Readonly", BOOL), END };
static const struct field mount[] = {
	ONE("destination", TEXT),
	ONE("source", TEXT),
	ONE("type_", TEXT),
	MANY("options", TEXT),
	END,
};
static const struct field hook[] = {
	ONE("Path", TEXT),
	MANY("Args", TEXT),
	MANY("Env", TEXT),
	ONE("Timeout", INT64),
	END,
};
static const struct field hooks[] = {
	MESSAGES("Prestart", hook),
	MESSAGES("Poststart", hook),
	MESSAGES("Poststop", hook),
	MESSAGES("CreateRuntime", hook),
	MESSAGES("CreateContainer", hook),
	MESSAGES("StartContainer", hook),
	END,
};
/* Solaris, Windows: never used */
static const struct field other_system[] = { ONE("dummy", TEXT), END };
const struct field oci_spec[] = {
	ONE("Version", TEXT),
	MESSAGE("Process", oci_process),
	MESSAGE("Root", root),
	ONE("Hostname", TEXT),
	MESSAGES("Mounts", mount),
	MESSAGE("Hooks", hooks),
	ONE("Annotations", MAP),
	MESSAGE("Linux", linux_part),
	MESSAGE("Solaris", other_system),
	MESSAGE("Windows", other_system),
	END,
};
