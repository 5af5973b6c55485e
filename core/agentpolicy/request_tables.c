/* SPDX-License-Identifier: Apache-2.0 */
/* agent.proto, with what it takes from types.proto and csi.proto */
#include "agentpolicy/request_tables.h"

#include "agentpolicy/request_fields.h"

/* ---- what several requests hold ------------------------------------------------------------------------ */

static const struct field string_user[] = {
	ONE("uid", TEXT),
	ONE("gid", TEXT),
	MANY("additionalGids", TEXT),
	END,
};
static const struct field device[] = {
	ONE("id", TEXT),
	ONE("type_", TEXT),
	ONE("vm_path", TEXT),
	ONE("container_path", TEXT),
	MANY("options", TEXT),
	END,
};
static const struct field fs_group[] = {
	ONE("group_id", UINT32),
	ONE("group_change_policy", INT32),
	END,
};
static const struct field storage[] = {
	ONE("driver", TEXT),
	MANY("driver_options", TEXT),
	ONE("source", TEXT),
	ONE("fstype", TEXT),
	MANY("options", TEXT),
	ONE("mount_point", TEXT),
	MESSAGE("fs_group", fs_group),
	ONE("shared", BOOL),
	END,
};
static const struct field shared_mount[] = {
	ONE("name", TEXT),
	ONE("src_ctr", TEXT),
	ONE("src_path", TEXT),
	ONE("dst_ctr", TEXT),
	ONE("dst_path", TEXT),
	END,
};

static const struct field nothing[] = { END };
static const struct field container[] = { ONE("container_id", TEXT), END };
static const struct field process[] = { ONE("container_id", TEXT), ONE("exec_id", TEXT), END };

/* ---- containers ---------------------------------------------------------------------------------------- */

static const struct field create_container[] = {
	ONE("container_id", TEXT),
	ONE("exec_id", TEXT),
	MESSAGE("string_user", string_user),
	MESSAGES("devices", device),
	MESSAGES("storages", storage),
	MESSAGE("OCI", oci_spec),
	ONE("sandbox_pidns", BOOL),
	MESSAGES("shared_mounts", shared_mount),
	ONE("stdin_port", UINT32),
	ONE("stdout_port", UINT32),
	ONE("stderr_port", UINT32),
	END,
};
static const struct field remove_container[] = { ONE("container_id", TEXT), ONE("timeout", UINT32), END };
static const struct field exec_process[] = {
	ONE("container_id", TEXT),
	ONE("exec_id", TEXT),
	MESSAGE("string_user", string_user),
	MESSAGE("process", oci_process),
	ONE("stdin_port", UINT32),
	ONE("stdout_port", UINT32),
	ONE("stderr_port", UINT32),
	END,
};
static const struct field signal_process[] = {
	ONE("container_id", TEXT),
	ONE("exec_id", TEXT),
	ONE("signal", UINT32),
	END,
};
static const struct field update_container[] = {
	ONE("container_id", TEXT),
	MESSAGE("resources", oci_resources),
	END,
};
static const struct field write_stream[] = {
	ONE("container_id", TEXT),
	ONE("exec_id", TEXT),
	ONE("data", BYTES),
	END,
};
static const struct field read_stream[] = {
	ONE("container_id", TEXT),
	ONE("exec_id", TEXT),
	ONE("len", UINT32),
	END,
};
static const struct field resize_terminal[] = {
	ONE("container_id", TEXT),
	ONE("exec_id", TEXT),
	ONE("row", UINT32),
	ONE("column", UINT32),
	END,
};

/* ---- the sandbox --------------------------------------------------------------------------------------- */

static const struct field kernel_module[] = { ONE("name", TEXT), MANY("parameters", TEXT), END };
static const struct field create_sandbox[] = {
	ONE("hostname", TEXT),
	MANY("dns", TEXT),
	MESSAGES("storages", storage),
	ONE("sandbox_pidns", BOOL),
	ONE("sandbox_id", TEXT),
	ONE("guest_hook_path", TEXT),
	MESSAGES("kernel_modules", kernel_module),
	END,
};
static const struct field update_ephemeral_mounts[] = { MESSAGES("storages", storage), END };
/* as the agent makes it of the message: without the data, with what kind of file it is */
static const struct field copy_file[] = {
	ONE("path", TEXT),
	ONE("file_type", FILE_TYPE),
	MAYBE("symlink_target", TEXT),
	ONE("file_size", INT64),
	ONE("file_mode", UINT32),
	ONE("dir_mode", UINT32),
	ONE("uid", INT32),
	ONE("gid", INT32),
	ONE("offset", INT64),
	END,
};
static const struct field get_diagnostic_data[] = { ONE("log_type", TEXT), ONE("container_id", TEXT), END };
static const struct field set_policy[] = { ONE("policy", TEXT), END };

/* ---- the network --------------------------------------------------------------------------------------- */

static const struct field ip_address[] = {
	ONE("family", INT32),
	ONE("address", TEXT),
	ONE("mask", TEXT),
	END,
};
static const struct field interface[] = {
	ONE("device", TEXT),
	ONE("name", TEXT),
	MESSAGES("IPAddresses", ip_address),
	ONE("mtu", UINT64),
	ONE("hwAddr", TEXT),
	ONE("devicePath", TEXT),
	ONE("type_", TEXT),
	ONE("raw_flags", UINT32),
	END,
};
static const struct field route[] = {
	ONE("dest", TEXT),
	ONE("gateway", TEXT),
	ONE("device", TEXT),
	ONE("source", TEXT),
	ONE("scope", UINT32),
	ONE("family", INT32),
	ONE("flags", UINT32),
	ONE("mtu", UINT32),
	END,
};
static const struct field neighbor[] = {
	MESSAGE("toIPAddress", ip_address),
	ONE("device", TEXT),
	ONE("lladdr", TEXT),
	ONE("state", INT32),
	ONE("flags", INT32),
	END,
};
static const struct field routes[] = { MESSAGES("Routes", route), END };
static const struct field neighbors[] = { MESSAGES("ARPNeighbors", neighbor), END };
static const struct field update_interface[] = { MESSAGE("interface", interface), END };
static const struct field update_routes[] = { MESSAGE("routes", routes), END };
static const struct field add_arp_neighbors[] = { MESSAGE("neighbors", neighbors), END };
static const struct field get_ip_tables[] = { ONE("is_ipv6", BOOL), END };
static const struct field set_ip_tables[] = { ONE("is_ipv6", BOOL), ONE("data", BYTES), END };

/* ---- the machine --------------------------------------------------------------------------------------- */

static const struct field online_cpu_mem[] = {
	ONE("wait", BOOL),
	ONE("nb_cpus", UINT32),
	ONE("cpu_only", BOOL),
	END,
};
static const struct field reseed_random_dev[] = { ONE("data", BYTES), END };
static const struct field guest_details[] = {
	ONE("mem_block_size", BOOL),
	ONE("mem_hotplug_probe", BOOL),
	END,
};
static const struct field mem_hotplug_by_probe[] = { MANY("memHotplugProbeAddr", UINT64), END };
static const struct field set_guest_date_time[] = { ONE("Sec", INT64), ONE("Usec", INT64), END };
static const struct field add_swap[] = { MANY("PCIPath", UINT32), END };
static const struct field add_swap_path[] = { ONE("path", TEXT), END };
static const struct field volume_stats[] = { ONE("volume_guest_path", TEXT), END };
static const struct field resize_volume[] = { ONE("volume_guest_path", TEXT), ONE("size", UINT64), END };
static const struct field mem_agent_memcg[] = {
	MAYBE("disabled", BOOL),
	MAYBE("swap", BOOL),
	MAYBE("swappiness_max", UINT32),
	MAYBE("period_secs", UINT64),
	MAYBE("period_psi_percent_limit", UINT32),
	MAYBE("eviction_psi_percent_limit", UINT32),
	MAYBE("eviction_run_aging_count_min", UINT64),
	END,
};
static const struct field mem_agent_compact[] = {
	MAYBE("disabled", BOOL),
	MAYBE("period_secs", UINT64),
	MAYBE("period_psi_percent_limit", UINT32),
	MAYBE("compact_psi_percent_limit", UINT32),
	MAYBE("compact_sec_max", INT64),
	MAYBE("compact_order", UINT32),
	MAYBE("compact_threshold", UINT64),
	MAYBE("compact_force_times", UINT64),
	END,
};

/* ---- all of them --------------------------------------------------------------------------------------- */

#define REQUESTS(X)                                              \
	X(AddARPNeighborsRequest, add_arp_neighbors)             \
	X(AddSwapPathRequest, add_swap_path)                     \
	X(AddSwapRequest, add_swap)                              \
	X(CloseStdinRequest, process)                            \
	X(CopyFileRequest, copy_file)                            \
	X(CreateContainerRequest, create_container)              \
	X(CreateSandboxRequest, create_sandbox)                  \
	X(DestroySandboxRequest, nothing)                        \
	X(ExecProcessRequest, exec_process)                      \
	X(GetDiagnosticDataRequest, get_diagnostic_data)         \
	X(GetIPTablesRequest, get_ip_tables)                     \
	X(GetMetricsRequest, nothing)                            \
	X(GetOOMEventRequest, nothing)                           \
	X(GuestDetailsRequest, guest_details)                    \
	X(ListInterfacesRequest, nothing)                        \
	X(ListRoutesRequest, nothing)                            \
	X(MemAgentCompactConfig, mem_agent_compact)              \
	X(MemAgentMemcgConfig, mem_agent_memcg)                  \
	X(MemHotplugByProbeRequest, mem_hotplug_by_probe)        \
	X(OnlineCPUMemRequest, online_cpu_mem)                   \
	X(PauseContainerRequest, container)                      \
	X(ReadStreamRequest, read_stream)                        \
	X(RemoveContainerRequest, remove_container)              \
	X(RemoveStaleVirtiofsShareMountsRequest, nothing)        \
	X(ReseedRandomDevRequest, reseed_random_dev)             \
	X(ResizeVolumeRequest, resize_volume)                    \
	X(ResumeContainerRequest, container)                     \
	X(SetGuestDateTimeRequest, set_guest_date_time)          \
	X(SetIPTablesRequest, set_ip_tables)                     \
	X(SetPolicyRequest, set_policy)                          \
	X(SignalProcessRequest, signal_process)                  \
	X(StartContainerRequest, container)                      \
	X(StatsContainerRequest, container)                      \
	X(TtyWinResizeRequest, resize_terminal)                  \
	X(UpdateContainerRequest, update_container)              \
	X(UpdateEphemeralMountsRequest, update_ephemeral_mounts) \
	X(UpdateInterfaceRequest, update_interface)              \
	X(UpdateRoutesRequest, update_routes)                    \
	X(VolumeStatsRequest, volume_stats)                      \
	X(WaitProcessRequest, process)                           \
	X(WriteStreamRequest, write_stream)

#define AS_KIND(kind, kind_fields) { .name = #kind, .fields = (kind_fields) },
#define AS_NAME(kind, kind_fields) #kind,

const struct request_kind request_kinds[REQUEST_KINDS] = { REQUESTS(AS_KIND) };
const char *const request_names[REQUEST_KINDS + 1] = { REQUESTS(AS_NAME) NULL };
