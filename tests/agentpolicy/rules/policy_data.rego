# SPDX-License-Identifier: Apache-2.0
# stands where a policy has its data block
package agent_policy

policy_data := data.pod.policy
