# SPDX-License-Identifier: Apache-2.0
# The agent's verdicts. A name without a rule would be an error in the guest, so that every name has its default; what
# is not decided by another file stays refused. How a verdict is found:
#
#     <subject>_reasons := {"name of a reason" | not <what must hold>} | …     empty: allowed
#
# A reason is given unless its condition is proved, so that a member that is missing, of another type, or a builtin that
# fails, refuses. No rule has two bodies that can differ: the engine makes an error of that.
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
verdict(kind, why) if {
	count(why) == 0
} else := false if {
	print("refused", kind, json.marshal(why))
}

# Blocks of other generators lack what these rules judge by.
data_is_ours if {
	policy_data.cocoon.data == 1
	every container in policy_data.containers {
		container.cocoon.kind in {"sandbox", "init", "sidecar", "container", "injected"}
		is_string(container.cocoon.name)
		is_string(container.cocoon.image)
		is_string(container.cocoon.digest)
	}
}

foreign_data := {"data.cocoon" | not data_is_ours}

setting(kind) if policy_data.request_defaults[kind] == true
