/* SPDX-License-Identifier: Apache-2.0 */
/* keys_add_bytes, key_text_parse: a key file of any form, with the password of the vectors. */
#include "base/err.h"
#include "image/keys.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_keys struct keys keys = KEYS_NONE;
	auto_secret struct secret bytes = SECRET_NONE, password = SECRET_NONE;
	struct err err = ERR_NONE;

	if (secret_from_span(&password, SPAN_LIT("hunter2 9"), NULL) < 0 ||
			secret_from_span(&bytes, span_new(data, size), NULL) < 0)
		return 0;
	if (keys_add_bytes(&keys, "key", &bytes, &password, &err) < 0)
		assert(err.kind != ERR_OK && err.kind != ERR_BUG && *err.text);
	else
		assert(keys.count == 1 || keys.count == 2);
	for (size_t i = 0; i < keys.count; i++) {
		const struct key *key = &keys.items[i];
		assert((key->form == KEY_OTHER) == !key->jwk.key);
		assert(key->form != KEY_PRIVATE || (pkey_is_private(key->jwk.key) && !key->bytes.len));
		assert(key->form != KEY_CERTIFICATE || (!pkey_is_private(key->jwk.key) && key->bytes.len));
	}
	return 0;
}
