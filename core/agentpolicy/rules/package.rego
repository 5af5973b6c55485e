# SPDX-License-Identifier: Apache-2.0
# The agent's verdicts. A name without a rule would be an error in the guest, so that every name has its default; what
# is not decided by another file stays refused. How a verdict is found:
#
#     reasons(kind)     the set of what is against the request; each stands there unless its condition is proved, so
#                       that a member that is missing or of another type, or a builtin that fails, refuses
#     against_entries   for containers and execs: the same for each entry of the policy that has the name
#
# No rule has two bodies that can differ: the engine makes an error of that. What stands behind "not" is one name with
# arguments that are there whatever the request: engines differ in what becomes of it otherwise.
package agent_policy

default AllowRequestsFailingPolicy := false

default AddARPNeighborsRequest := false

default AddSwapPathRequest := false

default AddSwapRequest := false

default CloseStdinRequest := false

default CopyFileRequest := false

default CreateContainerRequest := false

default CreateSandboxRequest := false

default DestroySandboxRequest := false

default ExecProcessRequest := false

default GetDiagnosticDataRequest := false

default GetIPTablesRequest := false

default GetMetricsRequest := false

default GetOOMEventRequest := false

default GuestDetailsRequest := false

default ListInterfacesRequest := false

default ListRoutesRequest := false

default MemAgentCompactConfig := false

default MemAgentMemcgConfig := false

default MemHotplugByProbeRequest := false

default OnlineCPUMemRequest := false

default PauseContainerRequest := false

default ReadStreamRequest := false

default RemoveContainerRequest := false

default RemoveStaleVirtiofsShareMountsRequest := false

default ReseedRandomDevRequest := false

default ResizeVolumeRequest := false

default ResumeContainerRequest := false

default SetGuestDateTimeRequest := false

default SetIPTablesRequest := false

default SetPolicyRequest := false

default SignalProcessRequest := false

default StartContainerRequest := false

default StatsContainerRequest := false

default TtyWinResizeRequest := false

default UpdateContainerRequest := false

default UpdateEphemeralMountsRequest := false

default UpdateInterfaceRequest := false

default UpdateRoutesRequest := false

default VolumeStatsRequest := false

default WaitProcessRequest := false

default WriteStreamRequest := false

# The agent hands prints to the host with the refusal: reasons, and nothing else that the guest knows.
denied(kind) := false if {
	print("refused", kind, json.marshal(refusal(kind)))
} else := false

verdict(kind) if {
	why(kind) == set()
} else := denied(kind)

why(kind) := {"data.cocoon"} if {
	not data_is_ours
} else := reasons(kind)

# Blocks of other generators lack what these rules judge by.
data_is_ours if {
	object.get(policy_data, ["cocoon", "data"], 0) == 1
	every container in policy_data.containers {
		container.cocoon.kind in {"sandbox", "init", "sidecar", "container", "injected"}
	}
}

# Why, for people and tests, too: {"reasons": […]}, or {"containers": {"app": […]}} where entries were compared.
refusal(kind) := told(why(kind), kind)

told(found, _) := {"reasons": sort(found)} if found != set()

told(found, kind) := {"containers": against_entries(kind)} if found == set()

# A member for each kind that would be refused with this input; the agent does not ask for it.
refusals[kind] := found if {
	some kind in judged
	found := refusal(kind)
}

refusals[kind] := {"reasons": ["never"]} if some kind in never

judged := object.keys(simple_forms) | {
	"AddARPNeighborsRequest", "CopyFileRequest", "CreateContainerRequest", "CreateSandboxRequest", "ExecProcessRequest",
	"UpdateEphemeralMountsRequest", "UpdateInterfaceRequest", "UpdateRoutesRequest", "WriteStreamRequest",
}

never := {
	"AddSwapPathRequest", "AddSwapRequest", "GetIPTablesRequest", "ListInterfacesRequest", "ListRoutesRequest",
	"MemAgentCompactConfig", "MemAgentMemcgConfig", "MemHotplugByProbeRequest", "PauseContainerRequest",
	"ReseedRandomDevRequest", "ResizeVolumeRequest", "ResumeContainerRequest", "SetGuestDateTimeRequest",
	"SetIPTablesRequest", "SetPolicyRequest", "UpdateContainerRequest", "VolumeStatsRequest",
}
