/* SPDX-License-Identifier: Apache-2.0 */
/* p11_key_is, p11_key_parse: what parses is a key to the one that asks; its text has no PIN and is a URI again. */
#include "base/err.h"
#include "image/p11_key.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool held)
{
	if (!held)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = ERR_NONE;
	auto_p11_key struct p11_key *key = NULL;
	bool is = p11_key_is(span_new(data, size));

	if (p11_key_parse(span_new(data, size), &key, &err) < 0) {
		must(!key && *err.text && err.kind != ERR_BUG);
		return 0;
	}
	must(is && span_starts(span_of(key->text), "pkcs11:") && !strstr(key->text, "pin-value"));
	must(!key->pin_source || *key->pin_source == '/');
	return 0;
}
