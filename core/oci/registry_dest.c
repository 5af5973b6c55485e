/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/registry_own.h"

#include "base/alloc.h"
#include "base/own.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_MAX ((size_t)64 * 1024)

static struct registry_dest *dest_of(struct oci_dest *dest)
{
	return (struct registry_dest *)dest;
}

/* ---- is it there? ---- */

int registry_has(struct registry_dest *dest, const struct oci_descriptor *blob, bool *has, struct err *err)
{
	struct registry *registry = &dest->registry;
	auto_free char *what = xasprintf("%s: looking for the blob %s", registry->place.text, blob->digest);
	struct ask ask = ASK_NONE;

	ask.method = "HEAD";
	ask.what = what;
	ask.also = 404;
	registry_url(registry, "blobs", blob->digest, &ask.url);
	int result = ask_run(registry, &ask, err);
	*has = !result && ask.answer.status == 200 &&
			(ask.answer.content_length < 0 || (uint64_t)ask.answer.content_length == blob->size);
	ask_clear(registry, &ask);
	return result;
}

/*
 * Asks for the blob to be mounted from the other repository (distribution-spec, "Mounting a blob from another
 * repository"). The registry may open an upload instead, which is kept for the next blob, or refuse: that the blob
 * cannot be had this way is no failure.
 */
static bool mount_blob(struct registry_dest *dest, const char *digest)
{
	struct registry *registry = &dest->registry;
	auto_buf struct buf query = BUF_MAX(URL_MAX);
	struct ask ask = ASK_NONE;
	struct err unheard = ERR_NONE;
	bool mounted = false;

	buf_puts(&query, "uploads/");
	url_add_query(&query, "mount", span_of(digest));
	url_add_query(&query, "from", span_of(dest->from.repository));
	ask.method = "POST";
	ask.what = "mounting a blob";
	ask.scope = dest->mount_scope;
	ask.max = ANSWER_MAX;
	registry_url(registry, "blobs", buf_text(&query), &ask.url);
	if (ask_run(registry, &ask, &unheard) == 0) {
		mounted = ask.answer.status == 201;
		if (ask.answer.status == 202 && !dest->session.len &&
				ask_location(registry, &ask, &dest->session, NULL) < 0)
			buf_reset(&dest->session);
	}
	ask_clear(registry, &ask);
	return mounted;
}

static int dest_has(struct oci_dest *self, const struct oci_descriptor *blob, bool *has, struct err *err)
{
	struct registry_dest *dest = dest_of(self);

	if (registry_has(dest, blob, has, err) < 0)
		return -1;
	if (!*has && dest->from.host[0])
		*has = mount_blob(dest, blob->digest);
	return 0;
}

/* ---- manifests ---- */

static int put_manifest(struct registry_dest *dest, struct span bytes, const char *type,
		const char *reference, const char *digest, struct err *err)
{
	struct registry *registry = &dest->registry;
	auto_free char *what = xasprintf("%s: pushing the manifest '%s'", registry->place.text, reference);
	auto_free char *field = xasprintf("Content-Type: %s", type);
	struct ask ask = ASK_NONE;

	ask.method = "PUT";
	ask.what = what;
	ask.fields[0] = field;
	ask.body = bytes;
	ask.max = ANSWER_MAX;
	registry_url(registry, "manifests", reference, &ask.url);
	int result = ask_run(registry, &ask, err);
	const char *said = ask.answer.docker_content_digest;
	if (!result && said[0] && !strncmp(said, digest, 7) && strcmp(said, digest) != 0)
		result = err_set(err, ERR_AUTH, "%s: the registry keeps %.140s, we sent %s", what, said,
				digest);
	ask_clear(registry, &ask);
	return result;
}

/* The root is kept for the commit, which makes the tag. */
static int dest_manifest(struct oci_dest *self, struct span bytes, const char *type, bool root, char *digest,
		struct err *err)
{
	struct registry_dest *dest = dest_of(self);
	const struct oci_place *place = &dest->registry.place;
	char name[OCI_DIGEST_MAX];

	oci_digest_of(bytes, name);
	if (root && place->digest[0] && !oci_digest_fits(place->digest, bytes))
		return err_set(err, ERR_USAGE,
				"%s: the manifest has the digest %s: name a tag instead of a digest",
				place->text, name);
	if (root && place->digest[0])
		memcpy(name, place->digest, sizeof(name));
	if (!root && put_manifest(dest, bytes, type, name, name, err) < 0)
		return -1;
	if (root) {
		buf_reset(&dest->root);
		buf_add_span(&dest->root, bytes);
		if (buf_check(&dest->root, "the manifest", err) < 0)
			return -1;
		snprintf(dest->root_type, sizeof(dest->root_type), "%s", type);
		memcpy(dest->root_digest, name, sizeof(name));
	}
	memcpy(digest, name, sizeof(name));
	return 0;
}

static int dest_commit(struct oci_dest *self, struct err *err)
{
	struct registry_dest *dest = dest_of(self);
	const struct oci_place *place = &dest->registry.place;

	if (!dest->root.len)
		return err_set(err, ERR_BUG, "%s: there is no manifest to be committed", place->text);
	return put_manifest(dest, buf_span(&dest->root), dest->root_type,
			place->digest[0] ? place->digest : place->tag, dest->root_digest, err);
}

/* ---- the dest ---- */

static void dest_free(struct oci_dest *self)
{
	struct registry_dest *dest = dest_of(self);

	registry_cancel(&dest->registry, &dest->session);
	registry_clear(&dest->registry);
	buf_clear(&dest->session);
	buf_clear(&dest->root);
	free(dest);
}

static int dest_join(struct oci_dest *first, struct oci_dest **out, struct err *err)
{
	struct registry_dest *dest = dest_of(first);

	return oci_registry_dest(&dest->registry.place, dest->registry.access,
			dest->from.host[0] ? &dest->from : NULL, out, err);
}

static bool can_mount(const struct oci_place *place, const struct oci_place *from)
{
	return from && from->transport == OCI_DOCKER && !strcmp(from->host, place->host) &&
			strcmp(from->repository, place->repository) != 0;
}

int oci_registry_dest(const struct oci_place *place, const struct oci_access *access,
		const struct oci_place *from, struct oci_dest **out, struct err *err)
{
	static const struct oci_dest_ops ops = { .join = dest_join,
		.has = dest_has,
		.blob = registry_writer,
		.manifest = dest_manifest,
		.commit = dest_commit,
		.free = dest_free };
	struct registry_dest *dest = xcalloc(1, sizeof(*dest));

	dest->dest.ops = &ops;
	buf_init(&dest->session, URL_MAX);
	buf_init(&dest->root, OCI_MANIFEST_MAX);
	if (registry_init(&dest->registry, place, access, "pull,push", err) < 0) {
		dest_free(&dest->dest);
		return -1;
	}
	if (can_mount(place, from)) {
		dest->from = *from;
		snprintf(dest->mount_scope, sizeof(dest->mount_scope), "%s repository:%s:pull",
				dest->registry.scope, from->repository);
	}
	*out = &dest->dest;
	return 0;
}
