/* SPDX-License-Identifier: Apache-2.0 */
/* The files of tests/vectors/cosign, for the tests of policy/cosign. */
#ifndef COCOON_TESTS_POLICY_COSIGN_FILES_H
#define COCOON_TESTS_POLICY_COSIGN_FILES_H

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "crypto/pkey.h"
#include "policy/cosign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT(a)     (sizeof(a) / sizeof((a)[0]))
#define FILE_DIGEST  "sha256:09ade42fe3e69018a3360bb092265af902f9e7d6013146cf152c82ac3a944707"
#define FILE_OTHER   "sha256:09ade42fe3e69018a3360bb092265af902f9e7d6013146cf152c82ac3a944708"
#define FILE_ROOM    (1024 * 1024)
#define VECTOR_A64   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define BUNDLE_OPEN  "{\"mediaType\":\"application/vnd.dev.sigstore.bundle.v0.3+json\","
#define BUNDLE_START BUNDLE_OPEN "\"verificationMaterial\":{\"publicKey\":{\"hint\":\"h\"}},"

static inline void file_load(const char *name, const char *suffix, struct buf *out)
{
	char path[200];
	struct err err = ERR_NONE;

	snprintf(path, sizeof(path), "tests/vectors/cosign/%s%s", name, suffix);
	if (fs_read(path, out, &err) < 0)
		fail_msg("%s", err.text);
}

static inline struct pkey *file_key(const char *name)
{
	auto_buf struct buf text = BUF_MAX(FILE_ROOM);
	struct pkey *key = NULL;
	struct err err = ERR_NONE;

	file_load(name, ".pub", &text);
	if (pkey_parse(buf_span(&text), NULL, &key, &err) < 0)
		fail_msg("%s: %s", name, err.text);
	return key;
}

/* Borrows. */
static inline struct image_signature tag_signature(struct span payload, const struct span *value)
{
	return (struct image_signature){ .layout = IMAGE_SIG_TAG,
		.subject = FILE_DIGEST,
		.place = "",
		.payload = payload,
		.type = "",
		.signatures = value,
		.signature_count = 1 };
}

static inline struct image_signature bundle_signature(
		const struct cosign_bundle *bundle, struct span values[static COSIGN_SIGNATURES_MAX])
{
	for (size_t i = 0; i < bundle->count; i++)
		values[i] = buf_span(&bundle->signatures[i]);
	return (struct image_signature){ .layout = IMAGE_SIG_BUNDLE,
		.subject = FILE_DIGEST,
		.place = "",
		.payload = buf_span(&bundle->payload),
		.type = bundle->type,
		.signatures = values,
		.signature_count = bundle->count };
}

#endif
