/* SPDX-License-Identifier: Apache-2.0 */
#include "e2e/kbs/release_allow.h"

#include "base/b64.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/hex.h"
#include "initdata/tee.h"
#include "tee/kind.h"

#include <string.h>

int release_entry_parse(const char *text, struct release_entry *out, struct err *err)
{
	struct span whole = span_of(text);
	struct span hex = span_new(text, span_find(whole, '='));

	*out = (struct release_entry){ .text = text, .size = hex.len / 2, .glob = "*" };
	if ((out->size != 32 && out->size != 48 && out->size != 64) ||
			hex_decode_raw(hex, out->digest, out->size, NULL) < 0)
		return err_set(err, ERR_USAGE,
				"'%s' does not begin with a digest: 64, 96 or 128 lower-case hex characters, "
				"then "
				"perhaps =GLOB",
				text);
	if (hex.len < whole.len)
		out->glob = text + hex.len + 1;
	if (!*out->glob)
		return err_set(err, ERR_USAGE, "'%s' has an empty glob", text);
	return 0;
}

/* The TEE whose claims these are; false for one that says nothing of init-data in a form that we know. */
static bool tee_of(const json_t *evidence, enum tee *out)
{
	for (enum tee_kind kind = 0; kind < TEE_KINDS; kind++) {
		const char *name = tee_kind_name(kind);
		if (json_is_object(json_object_get(evidence, name)))
			return tee_find(span_of(name), out, NULL) == 0;
	}
	return false;
}

static bool decode(enum tee tee, struct span text, struct buf *out)
{
	if (tee_info(tee)->claim == TEE_B64)
		return b64_decode(text, out, NULL) == 0;
	return hex_decode(text, out, NULL) == 0;
}

/* What the TEE holds of a document with this digest. */
static bool form(const struct release_entry *entry, enum tee tee, struct buf *out)
{
	enum digest_alg alg = entry->size == 32 ? DIGEST_SHA256
			: entry->size == 48     ? DIGEST_SHA384
						: DIGEST_SHA512;

	return tee_form(tee, alg, entry->digest, out, NULL) == 0;
}

bool release_entry_matches(const struct release_entry *entry, const json_t *evidence, const char *path)
{
	const json_t *claim = json_object_get(evidence, "init_data");
	auto_buf struct buf held = BUF_MAX(2 * DIGEST_MAX), expected = BUF_MAX(2 * DIGEST_MAX);
	enum tee tee = TEE_COUNT;

	if (!span_glob(span_of(entry->glob), span_of(path)) || !json_is_string(claim) ||
			!tee_of(evidence, &tee) ||
			!decode(tee, span_new(json_string_value(claim), json_string_length(claim)), &held))
		return false;
	if (span_eq(buf_span(&held), span_new(entry->digest, entry->size)))
		return true;
	return form(entry, tee, &expected) && span_eq(buf_span(&held), buf_span(&expected));
}
