# SPDX-License-Identifier: Apache-2.0
# For the tests: a pod's policy and its requests (pod.json, all of them allowed in their order), changed by RFC 6902.
package rules

import data.agent_policy

request(name) := [one.request | some one in data.pod.requests; one.name == name][0]

ids := {one.name: one.request.container_id | some one in data.pod.requests; one.kind == "CreateContainerRequest"}

entries := {"pause": 0, "prepare": 1, "app": 2, "side": 3}

# what the guest remembers when these containers run
sandboxed := {"sandbox": {"id": request("CreateSandboxRequest").sandbox_id, "hostname": request("CreateSandboxRequest").hostname}}

pins := {
	"name": "web-5d4f8c7b9-x2x9k",
	"namespace": "shop",
	"id": request("CreateSandboxRequest").sandbox_id,
	"uid": "3cfbfd7a-3065-4862-805e-3f5e4142bcbd",
	"network": "/var/run/netns/cni-1",
}

running(names) := object.union(sandboxed, {
	"pins": pins,
	"containers": {ids[name]: {"entry": entries[name]} | some name in names},
})

before(name) := sandboxed if {
	name == "pause"
} else := running({"pause"})

patched(name, ops) := json.patch(request(name), ops)

set_at(path, value) := [{"op": "add", "path": path, "value": value}]

replace_at(path, value) := [{"op": "replace", "path": path, "value": value}]

# reasons against the one container that has the name
against(name, ops) := {reason |
	said := agent_policy.refusals.CreateContainerRequest with input as patched(name, ops) with data.pstate as before(name)
	some list in said.containers
	some reason in list
}

# reasons against the request as such, of any kind
reasons(kind, state, asked) := {reason |
	said := agent_policy.refusals[kind] with input as asked with data.pstate as state
	some reason in said.reasons
}

# cases: [name of a request, operations, reasons]; those that come out otherwise, with what came
failing(cases) := [[case[0], case[1], got] | some case in cases; got := against(case[0], case[1]); got != case[2]]
