# SPDX-License-Identifier: Apache-2.0
# Why a request was refused, for people and tests; the agent does not ask for it. A member for each kind that would be
# refused with this input: {"reasons": […]}, or {"containers": {"app": […]}} where an entry of the policy was compared.
package agent_policy

refusals["CreateContainerRequest"] := create_refusals

refusals["ExecProcessRequest"] := exec_refusals

refusals[kind] := {"reasons": sort(why)} if {
	some kind, why in {
		"AddARPNeighborsRequest": neighbors_reasons,
		"CloseStdinRequest": close_reasons,
		"CopyFileRequest": copy_reasons,
		"CreateSandboxRequest": sandbox_reasons,
		"DestroySandboxRequest": member_reasons(set()),
		"GetDiagnosticDataRequest": diagnostic_reasons,
		"GetMetricsRequest": metrics_reasons,
		"GetOOMEventRequest": member_reasons(set()),
		"GuestDetailsRequest": details_reasons,
		"OnlineCPUMemRequest": online_reasons,
		"ReadStreamRequest": read_reasons,
		"RemoveContainerRequest": remove_reasons,
		"RemoveStaleVirtiofsShareMountsRequest": member_reasons(set()),
		"SignalProcessRequest": signal_reasons,
		"StartContainerRequest": start_reasons,
		"StatsContainerRequest": stats_reasons,
		"TtyWinResizeRequest": window_reasons,
		"UpdateEphemeralMountsRequest": ephemeral_reasons,
		"UpdateInterfaceRequest": interface_reasons,
		"UpdateRoutesRequest": routes_reasons,
		"WaitProcessRequest": wait_reasons,
		"WriteStreamRequest": write_reasons,
	}
	count(why) > 0
}

refusals[kind] := {"reasons": ["never"]} if {
	some kind in {
		"AddSwapPathRequest", "AddSwapRequest", "GetIPTablesRequest", "ListInterfacesRequest", "ListRoutesRequest",
		"MemAgentCompactConfig", "MemAgentMemcgConfig", "MemHotplugByProbeRequest", "PauseContainerRequest",
		"ReseedRandomDevRequest", "ResizeVolumeRequest", "ResumeContainerRequest", "SetGuestDateTimeRequest",
		"SetIPTablesRequest", "SetPolicyRequest", "UpdateContainerRequest", "VolumeStatsRequest",
	}
}
