/* SPDX-License-Identifier: Apache-2.0 */
/* OCI.Annotations, and names of images as they stand in one of them. */
#include "agentpolicy/generate_own.h"

#include "base/alloc.h"
#include "base/own.h"
#include "codec/json.h"

#include <stdlib.h>
#include <string.h>

#define HANDED "io.katacontainers." /* what containerd hands to the runtime of the annotations of a pod */

/* ---- names of images ---- */

const char *image_digest(const char *image)
{
	const char *at = strchr(image, '@');

	return at ? at + 1 : "";
}

/* Length of the name without tag and digest. */
static size_t bare_len(const char *image)
{
	size_t len = strcspn(image, "@");
	const char *slash = memrchr(image, '/', len);
	size_t from = slash ? (size_t)(slash - image) : 0;
	const char *colon = memchr(image + from, ':', len - from);

	return colon ? (size_t)(colon - image) : len;
}

/* The part before the first '/' is a host when it looks like one. */
static bool has_host(const char *image, size_t len)
{
	const char *slash = memchr(image, '/', len);
	struct span first = span_new(image, slash ? (size_t)(slash - image) : 0);

	if (!slash)
		return false;
	for (size_t i = 0; i < first.len; i++)
		if (strchr(".:ABCDEFGHIJKLMNOPQRSTUVWXYZ", first.ptr[i]))
			return true;
	return span_is(first, "localhost");
}

char *image_full_name(const char *image)
{
	size_t len = bare_len(image);
	const char *host = has_host(image, len) ? "" : "docker.io/", *digest = image_digest(image),
		   *bare = image;
	size_t skip = strncmp(image, "index.docker.io/", 16) == 0 ? 16
			: strncmp(image, "docker.io/", 10) == 0   ? 10
								  : 0;

	if (skip && has_host(image, len)) {
		host = "docker.io/";
		bare += skip;
		len -= skip;
	}
	const char *library = *host && !memchr(bare, '/', len) ? "library/" : "";
	if (*digest)
		return xasprintf("%s%s%.*s@%s", host, library, (int)len, bare, digest);
	return xasprintf("%s%s%s%s", host, library, bare, bare[len] ? "" : ":latest");
}

/* As the manifest writes it, with the tag that is meant where there is none. */
static char *short_name(const char *image)
{
	return xasprintf("%s%s", image, image[bare_len(image)] ? "" : ":latest");
}

/* ---- annotations ---- */

static void put(json_t *all, const char *key, const char *value)
{
	json_object_set_new(all, key, json_string(value));
}

/* The workload has those that are handed on, and those that variables read, which are not. */
static void add_pod_annotations(const struct part *part, json_t *all)
{
	const char *key;
	json_t *value;

	json_object_foreach (json_object_get(part->inputs->workload->tree, "annotations"), key, value)
		if (strncmp(key, HANDED, strlen(HANDED)) == 0)
			json_object_set(all, key, value);
}

static void add_sandbox(const struct part *part, json_t *all)
{
	bool host = json_is_true(json_object_get(part->inputs->workload->spec, "hostNetwork"));
	auto_free char *path =
			xasprintf("^/var/run/netns/cni%s-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-"
				  "[0-9a-f]{12}$",
					host ? "test" : "");

	put(all, "nerdctl/network-namespace", path);
}

static void add_container(const struct part *part, json_t *all)
{
	const char *name = json_text_at(part->container, "name", NULL);
	const char *image = json_text_at(part->container, "image", NULL);
	auto_free char *full = short_name(image ? image : "");

	put(all, "io.kubernetes.cri.image-name", full);
	put(all, "io.kubernetes.cri.container-name", name ? name : "");
}

json_t *generate_annotations(const struct part *part)
{
	const struct agent_workload *workload = part->inputs->workload;
	auto_json json_t *all = json_object();

	add_pod_annotations(part, all);
	json_object_update(all, json_object_get(part_settings(part), "Annotations"));
	put(all, "io.kubernetes.cri.sandbox-name", workload->sandbox);
	put(all, "io.kubernetes.cri.sandbox-namespace", workload->namespace);
	if (part->kind == PART_SANDBOX)
		add_sandbox(part, all);
	else
		add_container(part, all);
	return sorted_object(all);
}
