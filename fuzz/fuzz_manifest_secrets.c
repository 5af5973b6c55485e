/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: manifests_objects, manifests_entries, manifests_env, uses_of, revise_all, sealed_lint. What is sealed in the text
 * is sealed to who reads it again. */
#include "codec/json.h"
#include "sealed-secrets/revise.h"
#include "sealed/token.h"
#include "tests/sealed-secrets/walk.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_manifest struct manifest manifest = MANIFEST_NONE, again = MANIFEST_NONE;
	auto_buf struct buf told = BUF_MAX((size_t)1 << 20);
	auto_json json_t *findings = json_array();
	struct walk walk = { .revision = REVISION_NONE, .findings = findings }, after = walk;

	if (manifest_read(span_new(data, size), &manifest, NULL) < 0)
		return 0;
	buf_add(&walk.revision.text, data, size);
	if (manifests_objects(&manifest, walk_object, &walk, NULL) < 0)
		abort();
	for (size_t i = 0; i < manifest.count; i++) {
		uses_of(&manifest.places[i], told_use, &told);
		if (manifests_env(&manifest.places[i], walk_text, &walk, NULL) < 0)
			abort();
	}
	/* anchors and the like are refused, and then nothing has changed */
	size_t changes = revise_all(&walk.revision, NULL) < 0 ? 0 : walk.revision.count;
	after.only_counts = true;
	if (manifest_read(buf_span(&walk.revision.text), &again, NULL) < 0 ||
			manifests_objects(&again, walk_object, &after, NULL) < 0 ||
			after.sealed != walk.sealed + changes)
		abort();
	revision_clear(&walk.revision);
	return 0;
}
