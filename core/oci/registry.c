/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/registry_own.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/own.h"
#include "oci/name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Other requests of this object go on meanwhile. */
static int wait_turning(void *ctx, int ms, struct err *err)
{
	struct registry *registry = ctx;
	int64_t until = clock_mono(&clock_real) + (int64_t)ms * 1000, left;

	while ((left = until - clock_mono(&clock_real)) > 0)
		if (http_turn(registry->http, (int)(left / 1000) + 1, NULL, 0, err) < 0)
			return -1;
	return 0;
}

struct http *oci_access_client(const struct oci_access *access, struct err *err)
{
	const struct http_options options = {
		.tls = { .ca = access->ca, .ca_adds = true, .insecure = access->insecure },
		.proxy = access->proxy,
		.no_proxy = access->no_proxy,
		.user_agent = access->user_agent,
		.guard = access->guard,
		.vouched = access->vouched,
		.stop = access->stop
	};

	return http_new(&options, err);
}

int registry_init(struct registry *registry, const struct oci_place *place, const struct oci_access *access,
		const char *actions, struct err *err)
{
	struct url url;

	*registry = (struct registry){ .access = access, .place = *place };
	registry->sleep = (struct retry_sleep){
		.wait = wait_turning, .ctx = registry, .never = access->impatient
	};
	auth_init(&registry->auth, access, &registry->place, &registry->sleep);
	registry->tls = !access->plain_http;
	snprintf(registry->origin, sizeof(registry->origin), "http%s://%s", registry->tls ? "s" : "",
			strcmp(place->host, OCI_HUB) ? place->host : OCI_HUB_ENDPOINT);
	snprintf(registry->scope, sizeof(registry->scope), "repository:%s:%s", place->repository, actions);
	if (url_parse(span_of(registry->origin), &url, err) < 0) {
		if (err)
			err->kind = ERR_USAGE;
		return err_wrap(err, "%s", place->text);
	}
	registry->known = !registry->tls || !url_is_loopback(&url);
	registry->http = access->http ? access->http : oci_access_client(access, err);
	return registry->http ? 0 : -1;
}

void registry_clear(struct registry *registry)
{
	auth_clear(&registry->auth);
	if (!registry->access->http)
		http_free(registry->http);
	registry->http = NULL;
}

void registry_url(const struct registry *registry, const char *kind, const char *reference, struct buf *out)
{
	buf_printf(out, "%s/v2/%s/%s/%s", registry->origin, registry->place.repository, kind, reference);
}

int64_t registry_deadline(const struct registry *registry)
{
	int ms = registry->access->deadline_ms;

	return ms ? clock_mono(&clock_real) + (int64_t)ms * 1000 : 0;
}

size_t registry_max(const struct registry *registry)
{
	size_t max = registry->access->max_manifest;

	return max && max < OCI_MANIFEST_MAX ? max : OCI_MANIFEST_MAX;
}

/* ---- the source ---- */

int registry_take_manifest(const struct ask *ask, struct oci_manifest_bytes *out, struct err *err)
{
	const char *type = ask->answer.content_type, *digest = ask->answer.docker_content_digest;

	if (oci_digest_is(digest))
		snprintf(out->digest, sizeof(out->digest), "%.*s", OCI_DIGEST_MAX - 1, digest);
	snprintf(out->media_type, sizeof(out->media_type), "%.*s", (int)strcspn(type, "; \t"), type);
	buf_add_span(&out->bytes, buf_span(&ask->answer.body));
	return buf_check(&out->bytes, ask->what, err);
}

static int source_manifest(struct oci_source *source, const char *digest, struct oci_manifest_bytes *out,
		struct err *err)
{
	struct registry *registry = &((struct registry_source *)source)->registry;
	const struct oci_place *place = &registry->place;
	const char *reference = digest ? digest : place->digest[0] ? place->digest : place->tag;
	auto_free char *what = xasprintf("%s: the manifest '%s'", place->text, reference);
	struct ask ask = ASK_NONE;

	ask.method = "GET";
	ask.what = what;
	ask.fields[0] = REGISTRY_ACCEPT;
	ask.max = registry_max(registry);
	registry_url(registry, "manifests", reference, &ask.url);
	int result = ask_run(registry, &ask, err);
	if (!result)
		result = registry_take_manifest(&ask, out, err);
	if (!result && !digest && place->digest[0])
		snprintf(out->digest, sizeof(out->digest), "%s", place->digest);
	ask_clear(registry, &ask);
	return result;
}

static void source_free(struct oci_source *source)
{
	registry_clear(&((struct registry_source *)source)->registry);
	free(source);
}

int oci_registry_source(const struct oci_place *place, const struct oci_access *access,
		struct oci_source **out, struct err *err)
{
	static const struct oci_source_ops ops = {
		.manifest = source_manifest,
		.blob = registry_blob,
		.attached = registry_attached,
		.free = source_free,
	};
	struct registry_source *source = xcalloc(1, sizeof(*source));

	source->source.ops = &ops;
	if (registry_init(&source->registry, place, access, "pull", err) < 0) {
		source_free(&source->source);
		return -1;
	}
	*out = &source->source;
	return 0;
}
