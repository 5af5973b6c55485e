/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/attached.h"

#include "base/alloc.h"
#include "base/err.h"
#include "codec/json.h"
#include "oci/attached_own.h"
#include "oci/manifest.h"
#include "oci/transport.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void attached_clear(struct attached *attached)
{
	for (size_t i = 0; i < attached->count; i++)
		buf_clear(&attached->items[i].manifest.bytes);
	free(attached->items);
	*attached = (struct attached)ATTACHED_NONE;
}

void attached_tag(const char *digest, const char *suffix, char out[static ATTACHED_TAG_MAX])
{
	size_t colon = strcspn(digest, ":");
	const char *hex = digest[colon] ? digest + colon + 1 : "";

	/* distribution-spec, "Referrers Tag Schema": at most 64 characters of the hash, which a tag has no room beyond */
	snprintf(out, ATTACHED_TAG_MAX, "%.*s-%.*s%s", (int)(colon < 32 ? colon : 32), digest,
			suffix[0] ? 128 : 64, hex, suffix);
}

/* ---- what is kept -------------------------------------------------------------------------------------- */

bool attached_add(struct attached *out, enum attached_via via, struct oci_manifest_bytes *manifest)
{
	for (size_t i = 0; i < out->count; i++)
		if (!strcmp(out->items[i].manifest.digest, manifest->digest))
			return true;
	size_t bytes = manifest->bytes.len;
	for (size_t i = 0; i < out->count; i++)
		bytes += out->items[i].manifest.bytes.len;
	if (out->count == ATTACHED_MAX || bytes > ATTACHED_BYTES_MAX) {
		out->more = true;
		return false;
	}
	out->items = xreallocarray(out->items, out->count + 1, sizeof(*out->items));
	out->items[out->count++] = (struct attachment){ .via = via, .manifest = *manifest };
	*manifest = (struct oci_manifest_bytes)OCI_MANIFEST_NONE;
	return true;
}

bool attached_is_about(const struct oci_manifest_bytes *manifest, const char *digest)
{
	auto_oci_manifest struct oci_manifest parsed = OCI_MANIFEST_EMPTY;
	const char *subject = NULL;

	if (oci_manifest_parse(buf_span(&manifest->bytes), manifest->media_type, &parsed, NULL) == 0)
		subject = json_text_at(parsed.json, "subject", "digest", NULL);
	return subject && !strcmp(subject, digest);
}

/* ---- a listing ----------------------------------------------------------------------------------------- */

void listing_clear(struct listing *listing)
{
	free(listing->digests);
	*listing = (struct listing)LISTING_NONE;
}

static bool listing_has(const struct listing *listing, const char *digest)
{
	for (size_t i = 0; i < listing->count; i++)
		if (!strcmp(listing->digests[i], digest))
			return true;
	return false;
}

static void listing_add(struct listing *listing, const char *digest)
{
	if (listing->seen++ >= ATTACHED_LISTED_MAX) {
		listing->more = true;
		return;
	}
	if (listing_has(listing, digest))
		return;
	/* beyond what is ever fetched, a place among the first is all that an entry could have */
	if (listing->count == ATTACHED_MAX) {
		listing->more = true;
		return;
	}
	listing->digests = xreallocarray(listing->digests, listing->count + 1, sizeof(*listing->digests));
	snprintf(listing->digests[listing->count++], OCI_DIGEST_MAX, "%s", digest);
}

int listing_read(struct listing *listing, struct span bytes, struct err *err)
{
	auto_json json_t *index = NULL;
	json_t *entries = NULL, *entry = NULL;
	size_t i = 0;

	if (json_check_values(bytes, OCI_VALUES_MAX, NULL) < 0) {
		listing->more = true;
		return 0;
	}
	if (json_read(bytes, OCI_MANIFEST_MAX, &index, err) < 0 ||
			json_opt_array(index, "", "manifests", SIZE_MAX, &entries, err) < 0)
		return -1;
	json_array_foreach (entries, i, entry) {
		const char *digest = json_text_at(entry, "digest", NULL);
		/* a digest of another kind than ours may be good for others */
		if (digest && oci_digest_is(digest))
			listing_add(listing, digest);
		else
			listing->more = true;
	}
	return 0;
}

/* ---- all of it ----------------------------------------------------------------------------------------- */

int oci_source_attached(struct oci_source *source, const char *digest, unsigned which, struct attached *out,
		struct err *err)
{
	if (!oci_digest_is(digest))
		return err_set(err, ERR_FORMAT, "'%.160s' is no digest", digest);
	if (!source->ops->attached)
		return 0;
	return source->ops->attached(source, digest, which, out, err);
}
