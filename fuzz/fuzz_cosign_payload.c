/* SPDX-License-Identifier: Apache-2.0 */
/* cosign_claim_simple, cosign_claim_statement: digests are digests, and no payload is both. */
#include "base/err.h"
#include "policy/cosign.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool held)
{
	if (!held)
		abort();
}

static bool good(int status, struct cosign_claim *claim, const struct err *err)
{
	if (status < 0) {
		must(*err->text && (err->kind == ERR_FORMAT || err->kind == ERR_LIMIT));
		must(!claim->digest_count && !claim->annotations);
		return false;
	}
	must(claim->digest_count && claim->digest_count <= 8);
	for (size_t i = 0; i < claim->digest_count; i++)
		must(oci_digest_is(claim->digests[i]) && cosign_claims_digest(claim, claim->digests[i]));
	must(!claim->annotations || json_object_size(claim->annotations));
	cosign_claim_clear(claim);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cosign_claim claim = { .digest_count = 0 };
	struct err err = ERR_NONE, other = ERR_NONE;
	bool simple = good(cosign_claim_simple(span_new(data, size), &claim, &err), &claim, &err);

	must(simple + good(cosign_claim_statement(span_new(data, size), &claim, &other), &claim, &other) < 3);
	return 0;
}
