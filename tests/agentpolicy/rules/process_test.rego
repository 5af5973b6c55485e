# SPDX-License-Identifier: Apache-2.0
package rules_test

import data.rules

process_cases := [
	["app", rules.replace_at("/OCI/Process/Args/1", "other"), {"process.args"}],
	["app", rules.set_at("/OCI/Process/Args/-", "more"), {"process.args"}],
	["app", [{"op": "remove", "path": "/OCI/Process/Args/3"}], {"process.args"}],
	["app", rules.replace_at("/OCI/Process/Args/3", "--ip=10.9.8.7"), set()],
	["app", rules.replace_at("/OCI/Process/Args/3", "--ip=fd00::1"), set()],
	["app", rules.replace_at("/OCI/Process/Args/3", "--ip=10.9.8.7 --evil"), {"process.args"}],
	["app", rules.replace_at("/OCI/Process/Args/3", "--ip=10.9.8.7\nx"), {"process.args"}],
	["prepare", rules.replace_at("/OCI/Process/Args/2", "--pod=web-5d4f8c7b9-aaaaa"), {"process.args"}],
	["app", rules.set_at("/OCI/Process/Cwd", "/tmp"), {"process.cwd"}],
	["app", rules.set_at("/OCI/Process/NoNewPrivileges", false), {"process.nonewprivileges"}],
	["app", rules.set_at("/OCI/Process/Terminal", true), {"process.terminal"}],
	["app", rules.set_at("/OCI/Process/ConsoleSize", {"Height": 1, "Width": 1}), {"process.consolesize"}],
	["side", rules.set_at("/OCI/Process/ConsoleSize", {"Height": 1, "Width": 1}), set()],
	["app", rules.set_at("/OCI/Process/SelinuxLabel", "a"), {"process.selinuxlabel"}],
	["app", rules.set_at("/OCI/Process/ApparmorProfile", "unconfined"), {"process.apparmorprofile"}],
	["app", rules.set_at("/OCI/Process/OOMScoreAdj", -1001), {"process.oomscoreadj"}],
	["app", rules.set_at("/OCI/Process/Rlimits/-", {"Type": "RLIMIT_CORE", "Hard": 1, "Soft": 1}), {"process.rlimits"}],
	["app", rules.set_at("/OCI/Process/New", ""), {"process.new"}],
	["app", rules.set_at("/OCI/Process/User/UID", 0), {"process.user"}],
	["app", rules.set_at("/OCI/Process/User/GID", 0), {"process.user"}],
	["app", rules.set_at("/OCI/Process/User/Username", "root"), {"process.user"}],
	["app", rules.set_at("/OCI/Process/User/AdditionalGids", [4000, 3000, 2000]), set()],
	["app", rules.set_at("/OCI/Process/User/AdditionalGids/-", 0), {"process.user"}],
	["app", rules.set_at("/OCI/Process/User/AdditionalGids/-", 2000), {"process.user"}],
	["app", rules.set_at("/OCI/Process/User/AdditionalGids", []), {"process.user"}],
	["app", rules.set_at("/OCI/Process/Capabilities/Bounding", ["NET_BIND_SERVICE"]), set()],
	["app", rules.set_at("/OCI/Process/Capabilities/Bounding/-", "CAP_SYS_ADMIN"), {"process.capabilities"}],
	["app", rules.set_at("/OCI/Process/Capabilities/Ambient/-", "CAP_KILL"), {"process.capabilities"}],
	["side", rules.set_at("/OCI/Process/Capabilities/Effective/-", "CAP_SYS_ADMIN"), {"process.capabilities"}],
	["app", rules.set_at("/OCI/Process/Capabilities", null), {"process.capabilities"}],
]

test_compares_the_process if {
	failed := rules.failing(process_cases)
	print(failed)
	failed == []
}

# by name: 0 PATH, 1 HOSTNAME, 2 LEVEL, 3 POD_IP, 4 POD_UID, 5 NODE, 6 TOKEN, 7 HASH, 8 and 9 of the cluster's services
env_cases := [
	["app", rules.set_at("/OCI/Process/Env/-", "LD_PRELOAD=/evil.so"), {"process.env"}],
	["app", rules.set_at("/OCI/Process/Env/-", "LEVEL=debug"), {"process.env"}],
	["app", rules.set_at("/OCI/Process/Env/-", "NONE"), {"process.env"}],
	["app", rules.replace_at("/OCI/Process/Env/2", "LEVEL=trace"), {"process.env"}],
	["app", [{"op": "remove", "path": "/OCI/Process/Env/2"}], {"process.env.missing"}],
	["app", rules.replace_at("/OCI/Process/Env/1", "HOSTNAME=elsewhere"), {"process.env"}],
	["app", [{"op": "remove", "path": "/OCI/Process/Env/1"}], set()],
	["app", rules.replace_at("/OCI/Process/Env/3", "POD_IP=2001:db8::7"), set()],
	["app", rules.replace_at("/OCI/Process/Env/3", "POD_IP=300.1.1.1"), {"process.env"}],
	["app", rules.replace_at("/OCI/Process/Env/3", "POD_IP=$(pod-ip)"), {"process.env"}],
	["app", rules.replace_at("/OCI/Process/Env/4", "POD_UID=3cfbfd7a-3065-4862-805e-3f5e4142bcbe"), {"process.env"}],
	["app", rules.replace_at("/OCI/Process/Env/5", "NODE=node-2.example"), set()],
	["app", rules.replace_at("/OCI/Process/Env/5", "NODE=a b"), {"process.env"}],
	["app", rules.replace_at("/OCI/Process/Env/6", "TOKEN=a=b\nc"), set()],
	["app", [{"op": "remove", "path": "/OCI/Process/Env/6"}], set()],
	["app", rules.replace_at("/OCI/Process/Env/7", "HASH=EVIL"), {"process.env"}],
	["app", rules.set_at("/OCI/Process/Env/-", "DB_SERVICE_HOST=10.0.0.9"), set()],
	["app", rules.set_at("/OCI/Process/Env/-", "DB_SERVICE_HOST=evil.example"), {"process.env"}],
	["app", rules.set_at("/OCI/Process/Env/-", "DB_SERVICE_HOST=10.0.0.9\nx"), {"process.env"}],
	["app", rules.set_at("/OCI/Process/Env", null), {"process.env", "process.env.missing"}],
]

test_compares_variables if {
	failed := rules.failing(env_cases)
	print(failed)
	failed == []
}
