# SPDX-License-Identifier: Apache-2.0
package agent_policy

default AllowRequestsFailingPolicy := false
