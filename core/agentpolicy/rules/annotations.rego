# SPDX-License-Identifier: Apache-2.0
# OCI.Annotations, and the image's name, which stands in them. Those of the policy must be there. Free in their form:
# the pod's uid (compared from the first on), its resources, the name of the sandbox's image (the guest has its own),
# and settings of the runtime, which the guest does not read.
package agent_policy

annotations := part(oci, "Annotations")

# "" without
cri(name) := object.get(items(annotations), concat("", ["io.kubernetes.cri.", name]), "")

annotations_refused(entry) := {reason |
	some name, value in items(annotations)
	not annotation_allowed(entry, name, value)
	reason := concat("", ["annotations.", name])
} | {"annotations" | not annotations_few} | {"annotations.missing" | not annotations_complete(entry)} |
	{"sandbox.uid" | not log_is_of_pod} |
	{"image.name" | not annotated_image_agrees(entry)}

annotations_few if count(annotations) <= 256

log_is_of_pod if cri("sandbox-log-directory") == ""

log_is_of_pod if endswith(cri("sandbox-log-directory"), pod.uid)

annotation_free := {
	`io\.kubernetes\.cri\.sandbox-(?:cpu-(?:period|quota|shares)|memory)`: `-?[0-9]{1,19}`,
	`io\.kubernetes\.cri\.sandbox-uid`: `[0-9a-f-]{32,36}`,
	`io\.kubernetes\.cri\.podsandbox\.image-name`: `[a-zA-Z0-9._:/@-]+`,
	`io\.containerd\.cri\.runtime-handler`: `[a-z0-9.-]+`,
	`io\.katacontainers\.config\..+`: `(?s:.*)`,
}

annotation_allowed(entry, name, value) if {
	name != "io.kubernetes.cri.image-name"
	whole(annotation_pattern(name, entry.OCI.Annotations[name]), value)
}

annotation_allowed(entry, "io.kubernetes.cri.image-name", _) if entry.cocoon.kind != "sandbox"

annotation_allowed(entry, name, value) if {
	some name_pattern, value_pattern in object.union(entry.runtime_anno_patterns, annotation_free)
	whole(name_pattern, name)
	whole(value_pattern, value)
}

annotation_patterns := {
	"io.kubernetes.cri.sandbox-name", "io.kubernetes.cri.sandbox-id", "io.kubernetes.cri.sandbox-log-directory",
	"nerdctl/network-namespace",
}

annotation_pattern("io.kubernetes.cri.sandbox-namespace", "") := `[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?`

annotation_pattern(name, wanted) := strings.replace_n(
	{"$(sandbox-namespace)": pod.namespace, "$(sandbox-name)": plain(pod.name)},
	wanted,
) if {
	name in annotation_patterns
} else := plain(replace(wanted, "$(bundle-id)", input.container_id)) if {
	wanted != ""
}

annotations_complete(entry) if {
	wanted := {name | some name, _ in entry.OCI.Annotations; regex.match(`^(io\.kubernetes|io\.katacontainers\.pkg|nerdctl)`, name)}
	wanted - object.keys(annotations) == set()
}

# The same repository, and the digest of the policy; where the policy has none, the same tag.
annotated_image_agrees(entry) if {
	entry.cocoon.kind == "sandbox"
	cri("image-name") == ""
}

annotated_image_agrees(entry) if image_agrees(entry, cri("image-name"))

image_agrees(entry, name) if {
	entry.cocoon.kind != "sandbox"
	image_parts(name) == image_parts(entry.cocoon.image)
}

# [repository, tag, digest]; the tag is nothing where there is a digest
image_parts(name) := [repository(parts[1]), image_tag(parts[2], parts[3]), parts[3]] if {
	some parts in regex.find_all_string_submatch_n(
		`^([a-zA-Z0-9][a-zA-Z0-9._/-]*(?::[0-9]+/[a-zA-Z0-9._/-]+)?)(?::([a-zA-Z0-9_][a-zA-Z0-9_.-]*))?(?:@(sha256:[0-9a-f]{64}))?$`,
		name, 1,
	)
}

image_tag(tag, digest) := "" if {
	digest != ""
} else := "latest" if {
	tag == ""
} else := tag

repository(name) := concat("/", ["docker.io/library", name]) if {
	not contains(name, "/")
} else := name if {
	regex.match(`^(localhost|[^/]*[.:A-Z][^/]*)/`, name)
} else := concat("/", ["docker.io", name])
