/* SPDX-License-Identifier: Apache-2.0 */
#include "agentpolicy/request.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Written with ' for ", as these are many. */
static json_t *tree_of(const char *text)
{
	auto_free char *copy = strdup(text);

	for (char *at = copy; *at; at++)
		if (*at == '\'')
			*at = '"';
	json_t *tree = json_loads(copy, JSON_DECODE_ANY, NULL);
	if (!tree)
		fail_msg("'%s' is no JSON", text);
	return tree;
}

/* A request as somebody wrote it, and the input that it becomes. */
struct fill_case {
	const char *kind, *request, *input;
};

static void judge(const struct fill_case *expected)
{
	auto_agent_notes struct agent_notes notes = AGENT_NOTES_NONE;
	auto_json json_t *request = tree_of(expected->request), *input = tree_of(expected->input);
	auto_json json_t *filled = NULL, *again = NULL, *kept = json_deep_copy(request);
	struct err err = ERR_NONE;

	if (agent_request_fill(expected->kind, request, &filled, &notes, &err) < 0)
		fail_msg("%s %s: %s", expected->kind, expected->request, err.text);
	auto_free char *text = json_text(filled, false);
	if (!json_equal(filled, input))
		fail_msg("%s: %s", expected->kind, text);
	assert_int_equal(notes.count, 0);
	assert_true(json_equal(request, kept));
	/* what is full stays as it is, to the byte */
	assert_int_equal(agent_request_fill(expected->kind, filled, &again, &notes, &err), 0);
	auto_free char *twice = json_text(again, false);
	assert_string_equal(text, twice);
	assert_int_equal(notes.count, 0);
}

static void judge_all(const struct fill_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++)
		judge(&cases[i]);
}
#define JUDGE(cases) judge_all((cases), sizeof(cases) / sizeof((cases)[0]))

/* All that the agent judges, in their order. */
static const struct fill_case empty_requests[] = {
	{ "AddARPNeighborsRequest", "{}", "{'neighbors':null}" },
	{ "AddSwapPathRequest", "{}", "{'path':''}" },
	{ "AddSwapRequest", "{}", "{'PCIPath':[]}" },
	{ "CloseStdinRequest", "{}", "{'container_id':'', 'exec_id':''}" },
	{ "CopyFileRequest", "{}",
			"{'path':'', 'file_type':'Unknown', 'symlink_target':null, 'file_size':0, "
			"'file_mode':0, 'dir_mode':0, 'uid':0, 'gid':0, 'offset':0}" },
	{ "CreateContainerRequest", "{}",
			"{'container_id':'', 'exec_id':'', 'string_user':null, 'devices':[], 'storages':[], "
			"'OCI':null, 'sandbox_pidns':false, 'shared_mounts':[], 'stdin_port':0, "
			"'stdout_port':0, 'stderr_port':0}" },
	{ "CreateSandboxRequest", "{}",
			"{'hostname':'', 'dns':[], 'storages':[], 'sandbox_pidns':false, 'sandbox_id':'', "
			"'guest_hook_path':'', 'kernel_modules':[]}" },
	{ "DestroySandboxRequest", "{}", "{}" },
	{ "ExecProcessRequest", "{}",
			"{'container_id':'', 'exec_id':'', 'string_user':null, 'process':null, "
			"'stdin_port':0, 'stdout_port':0, 'stderr_port':0}" },
	{ "GetDiagnosticDataRequest", "{}", "{'log_type':'', 'container_id':''}" },
	{ "GetIPTablesRequest", "{}", "{'is_ipv6':false}" },
	{ "GetMetricsRequest", "{}", "{}" },
	{ "GetOOMEventRequest", "{}", "{}" },
	{ "GuestDetailsRequest", "{}", "{'mem_block_size':false, 'mem_hotplug_probe':false}" },
	{ "ListInterfacesRequest", "{}", "{}" },
	{ "ListRoutesRequest", "{}", "{}" },
	{ "MemAgentCompactConfig", "{}",
			"{'disabled':null, 'period_secs':null, 'period_psi_percent_limit':null, "
			"'compact_psi_percent_limit':null, 'compact_sec_max':null, 'compact_order':null, "
			"'compact_threshold':null, 'compact_force_times':null}" },
	{ "MemAgentMemcgConfig", "{}",
			"{'disabled':null, 'swap':null, 'swappiness_max':null, 'period_secs':null, "
			"'period_psi_percent_limit':null, 'eviction_psi_percent_limit':null, "
			"'eviction_run_aging_count_min':null}" },
	{ "MemHotplugByProbeRequest", "{}", "{'memHotplugProbeAddr':[]}" },
	{ "OnlineCPUMemRequest", "{}", "{'wait':false, 'nb_cpus':0, 'cpu_only':false}" },
	{ "PauseContainerRequest", "{}", "{'container_id':''}" },
	{ "ReadStreamRequest", "{}", "{'container_id':'', 'exec_id':'', 'len':0}" },
	{ "RemoveContainerRequest", "{}", "{'container_id':'', 'timeout':0}" },
	{ "RemoveStaleVirtiofsShareMountsRequest", "{}", "{}" },
	{ "ReseedRandomDevRequest", "{}", "{'data':[]}" },
	{ "ResizeVolumeRequest", "{}", "{'volume_guest_path':'', 'size':0}" },
	{ "ResumeContainerRequest", "{}", "{'container_id':''}" },
	{ "SetGuestDateTimeRequest", "{}", "{'Sec':0, 'Usec':0}" },
	{ "SetIPTablesRequest", "{}", "{'is_ipv6':false, 'data':[]}" },
	{ "SetPolicyRequest", "{}", "{'policy':''}" },
	{ "SignalProcessRequest", "{}", "{'container_id':'', 'exec_id':'', 'signal':0}" },
	{ "StartContainerRequest", "{}", "{'container_id':''}" },
	{ "StatsContainerRequest", "{}", "{'container_id':''}" },
	{ "TtyWinResizeRequest", "{}", "{'container_id':'', 'exec_id':'', 'row':0, 'column':0}" },
	{ "UpdateContainerRequest", "{}", "{'container_id':'', 'resources':null}" },
	{ "UpdateEphemeralMountsRequest", "{}", "{'storages':[]}" },
	{ "UpdateInterfaceRequest", "{}", "{'interface':null}" },
	{ "UpdateRoutesRequest", "{}", "{'routes':null}" },
	{ "VolumeStatsRequest", "{}", "{'volume_guest_path':''}" },
	{ "WaitProcessRequest", "{}", "{'container_id':'', 'exec_id':''}" },
	{ "WriteStreamRequest", "{}", "{'container_id':'', 'exec_id':'', 'data':[]}" },
};

static void every_member_of_every_message_is_there(void **state)
{
	(void)state;
	JUDGE(empty_requests);
}

static void the_kinds_are_those_and_sorted(void **state)
{
	const char *const *kinds = agent_request_kinds();
	size_t count = sizeof(empty_requests) / sizeof(empty_requests[0]);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		assert_string_equal(kinds[i], empty_requests[i].kind);
		assert_true(i == 0 || strcmp(kinds[i - 1], kinds[i]) < 0);
	}
	assert_null(kinds[count]);
}

#define PROCESS                                                                              \
	"{'Terminal':false, 'ConsoleSize':null, 'User':null, 'Args':[], 'Env':[], 'Cwd':''," \
	"'Capabilities':null, 'Rlimits':[], 'NoNewPrivileges':false, 'ApparmorProfile':'',"  \
	"'OOMScoreAdj':0, 'SelinuxLabel':''}"
#define RESOURCES                                                                \
	"{'Devices':[], 'Memory':null, 'CPU':null, 'Pids':null, 'BlockIO':null," \
	"'HugepageLimits':[], 'Network':null}"
#define LINUX                                                                                      \
	"{'UIDMappings':[], 'GIDMappings':[], 'Sysctl':{}, 'Resources':null, 'CgroupsPath':'',"    \
	"'Namespaces':[], 'Devices':[], 'Seccomp':null, 'RootfsPropagation':'', 'MaskedPaths':[]," \
	"'ReadonlyPaths':[], 'MountLabel':'', 'IntelRdt':null}"
#define STORAGE                                                                                        \
	"{'driver':'', 'driver_options':[], 'source':'', 'fstype':'', 'options':[], 'mount_point':''," \
	"'fs_group':null, 'shared':false}"
#define CONTAINER(devices, storages, oci, mounts, user)                                            \
	"{'container_id':'', 'exec_id':'', 'string_user':" user ", 'devices':" devices             \
	", 'storages':" storages ", 'OCI':" oci ", 'sandbox_pidns':false, 'shared_mounts':" mounts \
	", 'stdin_port':0, 'stdout_port':0, 'stderr_port':0}"
#define SPEC(process, root, mounts, hooks, linux_part)                                           \
	"{'Version':'', 'Process':" process ", 'Root':" root ", 'Hostname':'', 'Mounts':" mounts \
	", 'Hooks':" hooks ", 'Annotations':{}, 'Linux':" linux_part ", 'Solaris':null, 'Windows':null}"
#define OCI(process, root, mounts, hooks, linux_part) \
	CONTAINER("[]", "[]", SPEC(process, root, mounts, hooks, linux_part), "[]", "null")
#define EXEC(process, user)                                                            \
	"{'container_id':'', 'exec_id':'', 'string_user':" user ", 'process':" process \
	", 'stdin_port':0, 'stdout_port':0, 'stderr_port':0}"
#define UPDATE(devices, memory, cpu, pids, block, pages, network)                                 \
	"{'container_id':'', 'resources':{'Devices':" devices ", 'Memory':" memory ", 'CPU':" cpu \
	", 'Pids':" pids ", 'BlockIO':" block ", 'HugepageLimits':" pages ", 'Network':" network "}}"

static const struct fill_case nested_requests[] = {
	{ "CreateContainerRequest", "{'OCI':{}}", OCI("null", "null", "[]", "null", "null") },
	{ "CreateContainerRequest",
			"{'OCI':{'Process':{}, 'Root':{}, 'Mounts':[{}], 'Hooks':{}, 'Linux':{}}}",
			OCI(PROCESS, "{'Path':'', 'Readonly':false}",
					"[{'destination':'', 'source':'', 'type_':'', 'options':[]}]",
					"{'Prestart':[], 'Poststart':[], 'Poststop':[], 'CreateRuntime':[], "
					"'CreateContainer':[], 'StartContainer':[]}",
					LINUX) },
	{ "CreateContainerRequest", "{'OCI':{'Hooks':{'Prestart':[{}]}}}",
			OCI("null", "null", "[]",
					"{'Prestart':[{'Path':'', 'Args':[], 'Env':[], 'Timeout':0}], "
					"'Poststart':[], 'Poststop':[], 'CreateRuntime':[], "
					"'CreateContainer':[], 'StartContainer':[]}",
					"null") },
	{ "CreateContainerRequest",
			"{'OCI':{'Linux':{'UIDMappings':[{}], 'Resources':{}, 'Namespaces':[{}], "
			"'Devices':[{}], 'Seccomp':{'Syscalls':[{'Args':[{}], 'ErrnoRet':{}},{}]}, "
			"'IntelRdt':{}}}}",
			OCI("null", "null", "[]", "null",
					"{'UIDMappings':[{'HostID':0, 'ContainerID':0, 'Size':0}], "
					"'GIDMappings':[], 'Sysctl':{}, 'Resources':" RESOURCES
					", 'CgroupsPath':'', 'Namespaces':[{'Type':'', 'Path':''}], "
					"'Devices':[{'Path':'', 'Type':'', 'Major':0, 'Minor':0, "
					"'FileMode':0, 'UID':0, 'GID':0}], 'Seccomp':{'DefaultAction':'', "
					"'Architectures':[], 'Flags':[], 'Syscalls':[{'Names':[], "
					"'Action':'', 'Args':[{'Index':0, 'Value':0, 'ValueTwo':0, "
					"'Op':''}], 'ErrnoRet':{'errnoret':0}},{'Names':[], 'Action':'', "
					"'Args':[], 'ErrnoRet':null}]}, 'RootfsPropagation':'', "
					"'MaskedPaths':[], 'ReadonlyPaths':[], 'MountLabel':'', "
					"'IntelRdt':{'L3CacheSchema':''}}") },
	{ "CreateContainerRequest",
			"{'devices':[{}], 'storages':[{},{'fs_group':{}}], 'shared_mounts':[{}], "
			"'string_user':{}}",
			CONTAINER("[{'id':'', 'type_':'', 'vm_path':'', 'container_path':'', 'options':[]}]",
					"[" STORAGE
					",{'driver':'', 'driver_options':[], 'source':'', 'fstype':'', "
					"'options':[], 'mount_point':'', 'fs_group':{'group_id':0, "
					"'group_change_policy':0}, 'shared':false}]",
					"null",
					"[{'name':'', 'src_ctr':'', 'src_path':'', 'dst_ctr':'', "
					"'dst_path':''}]",
					"{'uid':'', 'gid':'', 'additionalGids':[]}") },
	{ "ExecProcessRequest", "{'process':{}}", EXEC(PROCESS, "null") },
	{ "ExecProcessRequest",
			"{'process':{'ConsoleSize':{}, 'User':{}, 'Capabilities':{}, 'Rlimits':[{}]}, "
			"'string_user':{'uid':'7'}}",
			EXEC("{'Terminal':false, 'ConsoleSize':{'Height':0, 'Width':0}, 'User':{'UID':0, "
			     "'GID':0, 'AdditionalGids':[], 'Username':''}, 'Args':[], 'Env':[], 'Cwd':'', "
			     "'Capabilities':{'Bounding':[], 'Effective':[], 'Inheritable':[], "
			     "'Permitted':[], 'Ambient':[]}, 'Rlimits':[{'Type':'', 'Hard':0, 'Soft':0}], "
			     "'NoNewPrivileges':false, 'ApparmorProfile':'', 'OOMScoreAdj':0, "
			     "'SelinuxLabel':''}",
					"{'uid':'7', 'gid':'', 'additionalGids':[]}") },
	{ "UpdateContainerRequest", "{'resources':{}}", "{'container_id':'', 'resources':" RESOURCES "}" },
	{ "UpdateContainerRequest",
			"{'resources':{'Devices':[{}], 'Memory':{}, 'CPU':{}, 'Pids':{}, "
			"'BlockIO':{'WeightDevice':[{}], 'ThrottleReadBpsDevice':[{}]}, "
			"'HugepageLimits':[{}], 'Network':{'Priorities':[{}]}}}",
			UPDATE("[{'Allow':false, 'Type':'', 'Major':0, 'Minor':0, 'Access':''}]",
					"{'Limit':0, 'Reservation':0, 'Swap':0, 'Kernel':0, 'KernelTCP':0, "
					"'Swappiness':0, 'DisableOOMKiller':false}",
					"{'Shares':0, 'Quota':0, 'Period':0, 'RealtimeRuntime':0, "
					"'RealtimePeriod':0, 'Cpus':'', 'Mems':''}",
					"{'Limit':0}",
					"{'Weight':0, 'LeafWeight':0, 'WeightDevice':[{'Major':0, 'Minor':0, "
					"'Weight':0, 'LeafWeight':0}], 'ThrottleReadBpsDevice':[{'Major':0, "
					"'Minor':0, 'Rate':0}], 'ThrottleWriteBpsDevice':[], "
					"'ThrottleReadIOPSDevice':[], 'ThrottleWriteIOPSDevice':[]}",
					"[{'Pagesize':'', 'Limit':0}]",
					"{'ClassID':0, 'Priorities':[{'Name':'', 'Priority':0}]}") },
	{ "CreateSandboxRequest", "{'kernel_modules':[{}], 'storages':[{}]}",
			"{'hostname':'', 'dns':[], 'storages':[" STORAGE
			"], 'sandbox_pidns':false, 'sandbox_id':'', 'guest_hook_path':'', "
			"'kernel_modules':[{'name':'', 'parameters':[]}]}" },
	{ "UpdateEphemeralMountsRequest", "{'storages':[{}]}", "{'storages':[" STORAGE "]}" },
	{ "UpdateInterfaceRequest", "{'interface':{'IPAddresses':[{}]}}",
			"{'interface':{'device':'', 'name':'', 'IPAddresses':[{'family':0, 'address':'', "
			"'mask':''}], 'mtu':0, 'hwAddr':'', 'devicePath':'', 'type_':'', 'raw_flags':0}}" },
	{ "UpdateRoutesRequest", "{'routes':{}}", "{'routes':{'Routes':[]}}" },
	{ "UpdateRoutesRequest", "{'routes':{'Routes':[{}]}}",
			"{'routes':{'Routes':[{'dest':'', 'gateway':'', 'device':'', 'source':'', 'scope':0, "
			"'family':0, 'flags':0, 'mtu':0}]}}" },
	{ "AddARPNeighborsRequest", "{'neighbors':{'ARPNeighbors':[{},{'toIPAddress':{}}]}}",
			"{'neighbors':{'ARPNeighbors':[{'toIPAddress':null, 'device':'', 'lladdr':'', "
			"'state':0, 'flags':0},{'toIPAddress':{'family':0, 'address':'', 'mask':''}, "
			"'device':'', 'lladdr':'', 'state':0, 'flags':0}]}}" },
};

static void messages_within_are_filled_too(void **state)
{
	(void)state;
	JUDGE(nested_requests);
}

static void what_is_given_stays(void **state)
{
	static const struct fill_case cases[] = {
		{ "RemoveContainerRequest", "{'timeout':4294967295, 'container_id':'ö'}",
				"{'container_id':'ö', 'timeout':4294967295}" },
		{ "ResizeVolumeRequest", "{'size':9223372036854775807}",
				"{'volume_guest_path':'', 'size':9223372036854775807}" },
		{ "SetGuestDateTimeRequest", "{'Sec':-9223372036854775808, 'Usec':1}",
				"{'Sec':-9223372036854775808, 'Usec':1}" },
		{ "WriteStreamRequest", "{'data':[0,255]}",
				"{'container_id':'', 'exec_id':'', 'data':[0,255]}" },
		{ "AddSwapRequest", "{'PCIPath':[1,2]}", "{'PCIPath':[1,2]}" },
		{ "MemAgentMemcgConfig",
				"{'disabled':false, 'swap':null, 'swappiness_max':0, 'period_secs':7}",
				"{'disabled':false, 'swap':null, 'swappiness_max':0, 'period_secs':7, "
				"'period_psi_percent_limit':null, 'eviction_psi_percent_limit':null, "
				"'eviction_run_aging_count_min':null}" },
		{ "UpdateInterfaceRequest", "{'interface':null}", "{'interface':null}" },
		/* under the name that it has in the protocol */
		{ "UpdateInterfaceRequest", "{'interface':{'type':'veth'}}",
				"{'interface':{'device':'', 'name':'', 'IPAddresses':[], 'mtu':0, "
				"'hwAddr':'', 'devicePath':'', 'type_':'veth', 'raw_flags':0}}" },
		{ "CreateContainerRequest", "{'OCI':{'Annotations':{'a':'b'}}}",
				CONTAINER("[]", "[]",
						"{'Version':'', 'Process':null, 'Root':null, 'Hostname':'', "
						"'Mounts':[], 'Hooks':null, 'Annotations':{'a':'b'}, "
						"'Linux':null, 'Solaris':null, 'Windows':null}",
						"[]", "null") },
	};

	(void)state;
	JUDGE(cases);
}

#define COPY(type, target, mode)                                         \
	"{'path':'/p', 'file_type':'" type "', 'symlink_target':" target \
	", 'file_size':0, 'file_mode':" mode ", 'dir_mode':0, 'uid':0, 'gid':0, 'offset':0}"

static void the_kind_of_a_copied_file_follows_its_mode(void **state)
{
	static const struct fill_case cases[] = {
		{ "CopyFileRequest", "{'path':'/p', 'file_mode':33188}", COPY("Regular", "null", "33188") },
		{ "CopyFileRequest", "{'path':'/p', 'file_mode':16877}", COPY("Directory", "null", "16877") },
		{ "CopyFileRequest", "{'path':'/p', 'file_mode':41471, 'symlink_target':'..'}",
				COPY("Symlink", "'..'", "41471") },
		{ "CopyFileRequest", "{'path':'/p', 'file_mode':420}", COPY("Unknown", "null", "420") },
		{ "CopyFileRequest", "{'path':'/p', 'file_mode':4480}", COPY("Unknown", "null", "4480") },
		{ "CopyFileRequest", "{'path':'/p', 'file_type':'Regular', 'file_mode':41471}",
				COPY("Regular", "null", "41471") },
		{ "CopyFileRequest", "{'path':'/p', 'file_type':'Symlink', 'symlink_target':''}",
				COPY("Symlink", "''", "0") },
	};

	(void)state;
	JUDGE(cases);
}

static void leaves_out_what_the_message_has_not_and_says_so(void **state)
{
	static const struct {
		const char *kind, *request, *path, *says;
		enum agent_severity severity;
	} cases[] = {
		{ "StartContainerRequest", "{'type':'StartContainer'}", "StartContainerRequest.type",
				"left out", AGENT_REMARK },
		{ "StartContainerRequest", "{'containr_id':'a'}", "StartContainerRequest.containr_id",
				"did you mean 'container_id'?", AGENT_WARNING },
		{ "StartContainerRequest", "{'containr_id':'a', 'container_id':'b'}",
				"StartContainerRequest.containr_id", "left out", AGENT_REMARK },
		{ "UpdateInterfaceRequest", "{'interface':{'pciPath':'01/02'}}",
				"UpdateInterfaceRequest.interface.pciPath", "left out", AGENT_REMARK },
		{ "CreateContainerRequest", "{'OCI':{'Mounts':[{},{'option':[]}]}}",
				"CreateContainerRequest.OCI.Mounts[1].option", "did you mean 'options'?",
				AGENT_WARNING },
		{ "CopyFileRequest", "{'data':[1]}", "CopyFileRequest.data", "left out", AGENT_REMARK },
		{ "DestroySandboxRequest", "{'a':1}", "DestroySandboxRequest.a", "left out", AGENT_REMARK },
		{ "UpdateInterfaceRequest", "{'interface':{'type':'a', 'typ_':'b'}}",
				"UpdateInterfaceRequest.interface.typ_", "left out", AGENT_REMARK },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_agent_notes struct agent_notes notes = AGENT_NOTES_NONE;
		auto_json json_t *request = tree_of(cases[i].request), *filled = NULL;
		struct err err = ERR_NONE;

		assert_int_equal(agent_request_fill(cases[i].kind, request, &filled, &notes, &err), 0);
		assert_int_equal(notes.count, 1);
		assert_string_equal(notes.items[0].path, cases[i].path);
		assert_int_equal(notes.items[0].severity, cases[i].severity);
		if (!strstr(notes.items[0].text, cases[i].says))
			fail_msg("%s: '%s'", cases[i].request, notes.items[0].text);
		assert_null(json_object_get(filled, strrchr(cases[i].path, '.') + 1));
	}
}

static const struct {
	const char *kind, *request, *text;
} wrong_requests[] = {
	{ "CreateContainerRequest", "[]", "CreateContainerRequest: must be an object" },
	{ "CreateContainerRequest", "null", "CreateContainerRequest: must be an object" },
	{ "CreateContainerRequest", "'{}'", "CreateContainerRequest: must be an object" },
	{ "CreateContainerRequest", "{'container_id':7}",
			"CreateContainerRequest.container_id: must be a text" },
	{ "CreateContainerRequest", "{'container_id':null}",
			"CreateContainerRequest.container_id: must be a text" },
	{ "CreateContainerRequest", "{'sandbox_pidns':0}",
			"CreateContainerRequest.sandbox_pidns: must be true or false" },
	{ "CreateContainerRequest", "{'OCI':[]}", "CreateContainerRequest.OCI: must be an object" },
	{ "CreateContainerRequest", "{'OCI':{'Process':'sh'}}",
			"CreateContainerRequest.OCI.Process: must be an object" },
	{ "CreateContainerRequest", "{'OCI':{'Process':{'Args':'sh'}}}",
			"CreateContainerRequest.OCI.Process.Args: must be a list" },
	{ "CreateContainerRequest", "{'OCI':{'Process':{'Args':null}}}",
			"CreateContainerRequest.OCI.Process.Args: must be a list" },
	{ "CreateContainerRequest", "{'OCI':{'Process':{'Args':['a',['b']]}}}",
			"CreateContainerRequest.OCI.Process.Args[1]: must be a text" },
	{ "CreateContainerRequest", "{'OCI':{'Mounts':[{},7]}}",
			"CreateContainerRequest.OCI.Mounts[1]: must be an object" },
	{ "CreateContainerRequest", "{'OCI':{'Mounts':[null]}}",
			"CreateContainerRequest.OCI.Mounts[0]: must be an object" },
	{ "CreateContainerRequest", "{'OCI':{'Mounts':[{'type':7}]}}",
			"CreateContainerRequest.OCI.Mounts[0].type_: must be a text" },
	{ "CreateContainerRequest", "{'OCI':{'Annotations':[]}}",
			"CreateContainerRequest.OCI.Annotations: must be an object whose members are texts" },
	{ "CreateContainerRequest", "{'OCI':{'Annotations':{'a':1}}}",
			"CreateContainerRequest.OCI.Annotations: must be an object whose members are texts" },
	{ "CreateContainerRequest", "{'stdin_port':-1}",
			"CreateContainerRequest.stdin_port: must be a number from 0 to 4294967295" },
	{ "CreateContainerRequest", "{'stdin_port':4294967296}",
			"CreateContainerRequest.stdin_port: must be a number from 0 to 4294967295" },
	{ "CreateContainerRequest", "{'stdin_port':1.5}",
			"CreateContainerRequest.stdin_port: must be a number from 0 to 4294967295" },
	{ "ResizeVolumeRequest", "{'size':-1}",
			"ResizeVolumeRequest.size: must be a whole number, 0 or more" },
	{ "SetGuestDateTimeRequest", "{'Sec':'now'}", "SetGuestDateTimeRequest.Sec: must be a whole number" },
	{ "CopyFileRequest", "{'uid':2147483648}", "CopyFileRequest.uid: must be a number of 32 bits" },
	{ "CopyFileRequest", "{'gid':-2147483649}", "CopyFileRequest.gid: must be a number of 32 bits" },
	{ "CopyFileRequest", "{'file_type':'regular'}",
			"CopyFileRequest.file_type: must be \"Unknown\", \"Regular\", \"Directory\" or "
			"\"Symlink\"" },
	{ "CopyFileRequest", "{'symlink_target':7}", "CopyFileRequest.symlink_target: must be a text" },
	{ "WriteStreamRequest", "{'data':'aGk='}",
			"WriteStreamRequest.data: must be a list of numbers from 0 to 255" },
	{ "WriteStreamRequest", "{'data':[256]}",
			"WriteStreamRequest.data: must be a list of numbers from 0 to 255" },
	{ "WriteStreamRequest", "{'data':[-1]}",
			"WriteStreamRequest.data: must be a list of numbers from 0 to 255" },
	{ "MemAgentMemcgConfig", "{'disabled':0}", "MemAgentMemcgConfig.disabled: must be true or false" },
};

static void refuses_a_wrong_type_by_its_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong_requests) / sizeof(wrong_requests[0]); i++) {
		auto_agent_notes struct agent_notes notes = AGENT_NOTES_NONE;
		auto_json json_t *request = tree_of(wrong_requests[i].request);
		json_t *filled = NULL;
		struct err err = ERR_NONE;

		assert_int_equal(agent_request_fill(wrong_requests[i].kind, request, &filled, &notes, &err),
				-1);
		assert_int_equal(err.kind, ERR_FORMAT);
		assert_string_equal(err.text, wrong_requests[i].text);
		assert_null(filled);
	}
}

static void refuses_a_kind_that_there_is_not(void **state)
{
	static const struct {
		const char *kind, *says;
	} cases[] = {
		{ "", "no request ''" },
		{ "CreateContainer", "no request 'CreateContainer'" },
		{ "createContainerRequest", "did you mean 'CreateContainerRequest'?" },
		{ "ExecProcesRequest", "did you mean 'ExecProcessRequest'?" },
		{ "PullImageRequest", "no request 'PullImageRequest'" },
		{ "AllowRequestsFailingPolicy", "no request 'AllowRequestsFailingPolicy'" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_agent_notes struct agent_notes notes = AGENT_NOTES_NONE;
		auto_json json_t *request = json_object();
		json_t *filled = NULL;
		struct err err = ERR_NONE;

		assert_int_equal(agent_request_fill(cases[i].kind, request, &filled, &notes, &err), -1);
		assert_int_equal(err.kind, ERR_NOT_FOUND);
		if (!strstr(err.text, cases[i].says))
			fail_msg("'%s'", err.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_a_wrong_type_by_its_place),
		cmocka_unit_test(refuses_a_kind_that_there_is_not),
		cmocka_unit_test(leaves_out_what_the_message_has_not_and_says_so),
		cmocka_unit_test(every_member_of_every_message_is_there),
		cmocka_unit_test(the_kinds_are_those_and_sorted),
		cmocka_unit_test(messages_within_are_filled_too),
		cmocka_unit_test(what_is_given_stays),
		cmocka_unit_test(the_kind_of_a_copied_file_follows_its_mode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
