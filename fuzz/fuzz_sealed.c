/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Targets: sealed_read, sealed_verify, sealed_read_unsigned, sealed_lint. What a guest would refuse, lint finds.
 */
#include "codec/json.h"
#include "sealed/lint.h"
#include "sealed/token.h"

#include <stdlib.h>
#include <string.h>

#define KID "kbs:///default/signing-key/cocoon-test"

static const char jwk_text[] =
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"UadYCDOJjqGxg8vXNQpAmQeMbvHB4Y6XDNdoMDXyXn0\","
		"\"y\":\"ARBSJxKwtafP8IFoVIaYSpTmgx7axG5zYPqdg0p6gaE\",\"d\":"
		"\"MzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzM\"}";

static size_t errors_in(struct span text)
{
	static const struct sealed_key key = { KID, { jwk_text, sizeof(jwk_text) - 1 } };
	auto_json json_t *findings = json_array();
	json_t *finding = NULL;
	size_t i = 0, count = 0;

	sealed_lint(text, &key, 1, findings);
	json_array_foreach (findings, i, finding)
		count += !strcmp(json_text_at(finding, "level", NULL), "error");
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_new(data, size);
	auto_sealed struct sealed sealed = SEALED_NONE, bare = SEALED_NONE;

	bool is_read = sealed_read(text, &sealed, NULL) == 0 && !strcmp(sealed.kid, KID);
	bool is_good = is_read && sealed_verify(&sealed, SPAN_LIT(jwk_text), NULL) == 0;
	if (errors_in(text) == 0 && is_read && !is_good)
		abort();
	if (sealed_read_unsigned(text, &bare, NULL) == 0 && bare.verified)
		abort();
	return 0;
}
