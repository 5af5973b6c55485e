# SPDX-License-Identifier: Apache-2.0
# OCI.Annotations, and the names of the pod and of the image, which stand in them.
package agent_policy

annotations_refused(entry) := ((({"annotations" | not annotations_agree(entry)} |
	{"annotations.missing" | not annotations_complete(entry)}) |
	({"sandbox.name" | not pod_name_agrees(entry)} | {"sandbox.namespace" | not pod_namespace_agrees(entry)})) |
	({"sandbox.id" | not pod_id_agrees(entry)} | {"sandbox.uid" | not whole(`([0-9a-f-]{32,36})?`, pod.uid)})) |
	{"image.name" | not annotated_image_agrees(entry)}

annotations_agree(entry) if {
	count(annotations) <= 128
	every name, value in annotations {
		is_text(name, 512)
		annotation_allowed(entry, name, value)
	}
}

# names that have a rule of their own
judged := {
	"io.kubernetes.cri.sandbox-name", "io.kubernetes.cri.sandbox-namespace", "io.kubernetes.cri.sandbox-id",
	"io.kubernetes.cri.sandbox-uid",
}

annotation_allowed(_, name, _) if name in judged

annotation_allowed(entry, "io.kubernetes.cri.image-name", _) if entry.cocoon.kind != "sandbox"

annotation_allowed(entry, name, value) if {
	not name in judged
	not name in {"io.kubernetes.cri.sandbox-log-directory", "nerdctl/network-namespace"}
	replace(entry.OCI.Annotations[name], "$(bundle-id)", input.container_id) == value
}

annotation_allowed(entry, "io.kubernetes.cri.sandbox-log-directory", value) if {
	role == "sandbox"
	pattern := entry.OCI.Annotations["io.kubernetes.cri.sandbox-log-directory"]
	named := replace(replace(pattern, "$(sandbox-namespace)", plain(pod.namespace)), "$(sandbox-name)", plain(pod.name))
	whole(named, value)
	log_directory_is_of(value, pod.uid)
}

log_directory_is_of(_, "") := true

log_directory_is_of(path, uid) if endswith(path, concat("", ["_", uid]))

annotation_allowed(entry, "nerdctl/network-namespace", value) if {
	role == "sandbox"
	whole(entry.OCI.Annotations["nerdctl/network-namespace"], value)
}

annotation_allowed(_, name, value) if {
	whole(`io\.kubernetes\.cri\.sandbox-(cpu-(period|quota|shares)|memory)`, name)
	whole(`-?[0-9]{1,19}`, value)
}

annotation_allowed(_, "io.kubernetes.cri.podsandbox.image-name", value) if {
	role == "sandbox"
	whole(`[a-zA-Z0-9._:/@-]{1,512}`, value)
}

annotation_allowed(_, "io.containerd.cri.runtime-handler", value) if whole(`[a-z0-9.-]{1,253}`, value)

annotation_allowed(entry, name, value) if {
	startswith(name, "io.katacontainers.config.")
	not entry.OCI.Annotations[name]
	is_text(value, 1048576)
}

annotation_allowed(entry, name, value) if {
	is_text(value, 4096)
	some key_pattern, value_pattern in entry.runtime_anno_patterns
	whole(key_pattern, name)
	whole(value_pattern, value)
}

annotations_complete(entry) if {
	every name in ["io.katacontainers.pkg.oci.bundle_path"] {
		annotations[name]
	}
	every name in ["io.kubernetes.cri.sandbox-log-directory", "nerdctl/network-namespace"] {
		present_if_wanted(entry, name)
	}
}

present_if_wanted(entry, name) if not entry.OCI.Annotations[name]

present_if_wanted(_, name) if annotations[name]

pod_name_agrees(entry) if {
	whole(dns_name, pod.name)
	whole(entry.OCI.Annotations["io.kubernetes.cri.sandbox-name"], pod.name)
}

pod_namespace_agrees(entry) if {
	whole(`[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?`, pod.namespace)
	entry.OCI.Annotations["io.kubernetes.cri.sandbox-namespace"] in {"", pod.namespace}
	policy_data.cocoon.namespace in {"", pod.namespace}
}

pod_id_agrees(entry) if {
	whole(id_form, pod.id)
	whole(entry.OCI.Annotations["io.kubernetes.cri.sandbox-id"], pod.id)
}

# Images: the same repository, and the digest of the policy; where the policy has none, the same tag.
annotated_image_agrees(entry) if {
	entry.cocoon.kind == "sandbox"
	not annotations["io.kubernetes.cri.image-name"]
}

annotated_image_agrees(entry) if {
	entry.cocoon.kind != "sandbox"
	image_agrees(entry, annotations["io.kubernetes.cri.image-name"])
}

image_agrees(entry, name) if {
	whole(`[a-zA-Z0-9][a-zA-Z0-9._:/-]{0,511}(@sha256:[0-9a-f]{64})?`, name)
	repository(name) == repository(entry.cocoon.image)
	image_version(name, entry.cocoon.digest) == image_version(entry.cocoon.image, entry.cocoon.digest)
}

image_version(name, "") := tag(name)

image_version(name, digest) := digest if {
	digest != ""
	endswith(name, concat("", ["@", digest]))
}

repository(name) := resolved(regex.replace(name, `(:[a-zA-Z0-9_][a-zA-Z0-9_.-]*)?(@sha256:[0-9a-f]{64})?$`, ""))

resolved(name) := concat("/", ["docker.io/library", name]) if {
	not contains(name, "/")
} else := name if {
	regex.match(`^(localhost|[^/]*[.:][^/]*)/`, name)
} else := concat("/", ["docker.io", name])

tag(name) := regex.replace(name, `^.*:([a-zA-Z0-9_][a-zA-Z0-9_.-]*)$`, `${1}`) if {
	regex.match(`:[a-zA-Z0-9_][a-zA-Z0-9_.-]*$`, name)
} else := "latest" if {
	not contains(name, "@")
}
