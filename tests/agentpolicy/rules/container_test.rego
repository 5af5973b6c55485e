# SPDX-License-Identifier: Apache-2.0
package rules_test

import data.rules

annotation(name) := concat("", ["/OCI/Annotations/", replace(name, "/", "~1")])

with_annotation(name, value) := rules.set_at(annotation(name), value)

digest_b := "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

digest_a := data.pod.policy.containers[2].cocoon.digest

# an image's name, in both places where it stands
image(name) := [
	{"op": "replace", "path": annotation("io.kubernetes.cri.image-name"), "value": name},
	{"op": "replace", "path": "/storages/2/source", "value": name},
	{"op": "replace", "path": "/storages/2/driver_options", "value": []},
]

# where the guest pulls but one volume is attached
image_of_side(name) := json.patch(image(name), [
	{"op": "replace", "path": "/1/path", "value": "/storages/0/source"},
	{"op": "replace", "path": "/2/path", "value": "/storages/0/driver_options"},
])

container_cases := [
	["app", rules.set_at("/OCI/Version", "1.2.0"), {"oci.version"}],
	["app", rules.set_at("/sandbox_pidns", true), {"sandbox_pidns"}],
	["app", rules.set_at("/OCI/Root/Readonly", false), {"root.readonly"}],
	["app", with_annotation("io.kubernetes.cri.sandbox-cpu-shares", "2"), set()],
	["app", with_annotation("io.kubernetes.cri.sandbox-cpu-shares", "2x"), {"annotations.io.kubernetes.cri.sandbox-cpu-shares"}],
	["app", with_annotation("io.katacontainers.config.hypervisor.default_vcpus", "4"), set()],
	["app", with_annotation("io.kubernetes.container.terminationMessagePath", "/dev/termination-log"), set()],
	["app", with_annotation("example.org/owner", "a"), {"annotations.example.org/owner"}],
	["app", with_annotation("cdi.k8s.io/vfio0", "nvidia.com/gpu=0"), {"annotations.cdi.k8s.io/vfio0", "devices.gpu"}],
	["app", with_annotation("io.katacontainers.pkg.oci.bundle_path", "/run/other"), {"annotations.io.katacontainers.pkg.oci.bundle_path", "image.pull"}],
	["pause", with_annotation("nerdctl/network-namespace", "/proc/1/ns/net"), {"annotations.nerdctl/network-namespace", "image.pull"}],
	["pause", [{"op": "remove", "path": annotation("nerdctl/network-namespace")}], {"annotations.missing", "image.pull"}],
	["pause", with_annotation("io.kubernetes.cri.sandbox-log-directory", "/var/log/pods/shop_web-5d4f8c7b9-x2x9k_3cfbfd7a-3065-4862-805e-3f5e4142bcb0"), {"sandbox.uid", "image.pull"}],
	["pause", with_annotation("io.kubernetes.cri.image-name", "pause"), {"annotations.io.kubernetes.cri.image-name", "image.name"}],
]

test_compares_the_container if {
	failed := rules.failing(container_cases)
	print(failed)
	failed == []
}

image_cases := [
	["app", image(concat("", ["registry.example/shop/app:2.0@", digest_a])), set()],
	["app", image(concat("", ["registry.example/shop/app@", digest_b])), {"image.name"}],
	["app", image(concat("", ["registry.example/shop/other@", digest_a])), {"image.name"}],
	["app", image(concat("", ["mirror.example/shop/app@", digest_a])), {"image.name"}],
	["app", image("registry.example/shop/app:1.0"), {"image.name"}],
	["app", image(concat("", ["registry.example/shop/app@x@", digest_a])), {"image.name"}],
	["app", image(concat("", ["@", digest_a])), {"image.name"}],
	["app", image(trim_suffix(concat("", ["registry.example/shop/app@", digest_a]), "a")), {"image.name"}],
	["app", rules.set_at("/storages/2/source", concat("", ["registry.example/shop/app@", digest_b])), {"image.pull"}],
	["app", rules.set_at("/storages/2/source", "pause"), {"image.pull"}],
	["pause", rules.set_at("/storages/0/source", "registry.example/pause:1"), {"image.pull"}],
	["app", rules.set_at("/storages/2/driver_options", ["image_guest_pull={\"metadata\":{\"io.kubernetes.cri.image-name\":\"other\"}}"]), {"image.pull"}],
	["app", rules.set_at("/storages/2/driver_options", ["image_guest_pull={\"metadata\":{\"io.kubernetes.cri.container-type\":\"sandbox\"}}"]), {"image.pull"}],
	["app", rules.set_at("/storages/2/driver_options", ["image_guest_pull={\"metadata\":{\"containerd.io/snapshot/cri.layer-digest\":\"sha256:1\"}}"]), set()],
	["app", rules.set_at("/storages/2/driver_options", ["image_guest_pull={\"metadata\":{},\"more\":1}"]), {"image.pull"}],
	["app", rules.set_at("/storages/2/driver_options", ["other"]), {"image.pull"}],
	["pause", rules.set_at("/storages/0/driver_options", ["image_guest_pull={\"metadata\":{}}"]), {"image.pull"}],
	["pause", rules.set_at("/storages/0/driver_options", ["image_guest_pull={\"metadata\":[]}"]), {"image.pull"}],
	["pause", rules.set_at("/storages/0/driver_options", ["image_guest_pull={\"metadata\":{\"io.kubernetes.cri.container-type\":\"sandbox\"}}"]), set()],
	["app", rules.set_at("/storages/2/mount_point", "/run/kata-containers/x/rootfs"), {"image.pull"}],
	["app", rules.set_at("/storages/2/options", ["rw"]), {"image.pull"}],
	["app", [{"op": "remove", "path": "/storages/2"}], {"image.pull"}],
	["app", [{"op": "copy", "from": "/storages/2", "path": "/storages/-"}], {"image.pull"}],
	["side", image_of_side("registry.example/shop/tool:1.0"), set()],
	["side", image_of_side("registry.example/shop/tool:2.0"), {"image.name"}],
	["side", image_of_side("registry.example/shop/tool"), {"image.name"}],
	["side", image_of_side(concat("", ["registry.example/shop/tool:1.0@", digest_b])), {"image.name"}],
]

test_binds_the_image if {
	failed := rules.failing(image_cases)
	print(failed)
	failed == []
}

# what a runtime may call an image of Docker Hub
test_knows_familiar_names if every pair in [
	["nginx", "docker.io/library/nginx:latest"], ["nginx:1", "docker.io/library/nginx:1"], ["a/b", "docker.io/a/b:latest"],
	["localhost/b", "localhost/b:latest"], ["a.b/c", "a.b/c:latest"], ["a:1/c", "a:1/c:latest"], ["a:1/c:2", "a:1/c:2"],
] {
	data.agent_policy.image_parts(pair[0]) == data.agent_policy.image_parts(pair[1])
}

request_cases := [
	["/container_id", "a", {"container_id", "exec_id"}],
	["/exec_id", "other", {"exec_id"}],
	["/string_user", {"uid": "0", "gid": "0", "additionalGids": []}, {"string_user"}],
	["/shared_mounts", [{}], {"shared_mounts"}],
	["/stdin_port", 1024, {"stdin_port"}],
	["/stdout_port", 1024, set()],
	["/new", 1, {"new"}],
	["/OCI/new", 1, {"oci.new"}],
	["/OCI/Hooks", {}, {"oci.hooks"}],
	["/OCI/Hostname", "other", {"oci.hostname"}],
	["/OCI/Annotations/io.kubernetes.cri.container-name", "nobody", {"container.name"}],
	["/OCI/Annotations/io.kubernetes.cri.container-type", "sandbox", {"container.name", "oci.hostname", "sandbox"}],
	["/OCI/Annotations/io.kubernetes.cri.sandbox-name", "web-1", {"sandbox"}],
	["/OCI/Annotations/io.kubernetes.cri.sandbox-uid", "", {"sandbox"}],
]

test_judges_the_request_itself if {
	failed := [[case[0], got] |
		some case in request_cases
		got := rules.reasons("CreateContainerRequest", rules.running({"pause"}), rules.patched("app", rules.set_at(case[0], case[1])))
		got != case[2]
	]
	print(failed)
	failed == []
}
