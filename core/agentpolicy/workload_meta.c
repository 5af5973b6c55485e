/* SPDX-License-Identifier: Apache-2.0 */
/* Labels and annotations that a policy depends on. */
#include "agentpolicy/workload_own.h"

#include "base/alloc.h"
#include "base/own.h"
#include "base/span.h"

#include <string.h>

/* What configures the sandbox, by annotation: the profile's to set. */
#define SANDBOX_SETTINGS "io.katacontainers.config"

/*
 * Written by the cluster or by us into pods, so that a template does not know it: by its beginning, or with a '$' at the
 * end by its whole name.
 */
static const char *const made_by_others[] = {
	SANDBOX_SETTINGS,
	"cocoon.dev/",
	"io.containerd.",
	"pod-template-hash$",
	"pod-template-generation$",
	"controller-revision-hash$",
	"controller-uid$",
	"job-name$",
	"batch.kubernetes.io/",
	"apps.kubernetes.io/",
	"statefulset.kubernetes.io/",
	"topology.kubernetes.io/",
	"kubernetes.io/",
	"kubectl.kubernetes.io/last-applied-configuration$",
	"k8s.v1.cni.cncf.io/network-status",
	"k8s.v1.cni.cncf.io/networks-status",
	"k8s.ovn.org/",
	"cni.projectcalico.org/",
	"openshift.io/scc$",
};

static bool is_made_by_others(const char *key)
{
	for (size_t i = 0; i < sizeof(made_by_others) / sizeof(made_by_others[0]); i++) {
		const char *name = made_by_others[i];
		size_t len = strlen(name);
		bool whole = name[len - 1] == '$';
		if (whole && strlen(key) == len - 1 && !strncmp(key, name, len - 1))
			return true;
		if (!whole && !strncmp(key, name, len))
			return true;
	}
	return false;
}

static void copy(const struct projection *projection, const json_t *from, const char *key, const char *path,
		json_t *to)
{
	json_t *value = field_get(from, key);

	if (json_is_string(value))
		json_object_set(to, key, value);
	else if (value)
		agent_note(projection->notes, AGENT_ERROR, path, "'%.100s' is not a text: write it in quotes",
				key);
}

/* The older way to write appArmorProfile, which the API server turns into that. */
static void check_apparmor(
		const struct projection *projection, const char *key, const json_t *value, const char *path)
{
	const char *profile = json_string_value(value);

	if (span_starts(span_of(key), "container.apparmor.security.beta.kubernetes.io/") && profile &&
			!strncmp(profile, "localhost/", strlen("localhost/")))
		agent_note(projection->notes, AGENT_ERROR, path, NODE_PROFILE);
}

void annotations_take(const struct projection *projection, const char *path)
{
	auto_free char *where = field_path(path, "annotations");
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)projection->annotations_read, key, value) {
		struct span name = span_of(key);
		check_apparmor(projection, key, value, where);
		if (span_starts(name, "io.katacontainers.") && !span_starts(name, SANDBOX_SETTINGS))
			copy(projection, projection->annotations_read, key, where, projection->annotations);
	}
}

/* The key within "<prefix>['key']": heap, or NULL. */
static char *subscript(const char *field_path, const char *prefix)
{
	struct span rest = span_of(field_path);

	if (!span_starts(rest, prefix))
		return NULL;
	rest = span_from(rest, strlen(prefix));
	if (!span_starts(rest, "['") || !span_ends(rest, "']") || rest.len < 5)
		return NULL;
	return xmemdup0(rest.ptr + 2, rest.len - 4);
}

bool field_path_take(const struct projection *projection, const char *path, const char *field_path)
{
	auto_free char *label = subscript(field_path, "metadata.labels");
	auto_free char *annotation = subscript(field_path, "metadata.annotations");

	if (label && !is_made_by_others(label))
		copy(projection, projection->labels_read, label, path, projection->labels);
	if (annotation && !is_made_by_others(annotation))
		copy(projection, projection->annotations_read, annotation, path, projection->annotations);
	return label || annotation;
}
