/* SPDX-License-Identifier: Apache-2.0 */
#include "facts/key.h"

#include "facts/siphash.h"
#include "policy/registry.h"

#include <assert.h>
#include <string.h>

static void add(struct key *key, const void *bytes, size_t len)
{
	/* the parts of a name are arrays of struct oci_name */
	assert(len <= sizeof(key->bytes) - key->len);
	memcpy(key->bytes + key->len, bytes, len);
	key->len += len;
}

static void add_text(struct key *key, const char *text)
{
	add(key, text, strlen(text) + 1);
}

uint64_t key_credentials(const uint64_t seed[2], const struct image_want *want)
{
	const char *namespace = want->namespace ? want->namespace : "";
	const char *account = want->service_account ? want->service_account : "";
	uint64_t chain[2] = { siphash(seed, span_of(namespace)), siphash(seed, span_of(account)) };

	for (size_t i = 0; i < want->pull_secret_count; i++) {
		uint64_t next = siphash(chain, span_of(want->pull_secrets[i]));
		chain[0] = chain[1];
		chain[1] = next;
	}
	return siphash(chain, SPAN_NONE);
}

void key_make(const uint64_t seed[2], enum key_kind kind, const struct image_want *want, const char *digest,
		uint64_t credentials, struct key *out)
{
	static const unsigned char nothing_special[32];
	const struct oci_name *name = &want->name;
	const char first = (char)kind;

	out->len = 0;
	add(out, &first, 1);
	add(out, want->registry ? want->registry->identity : nothing_special, sizeof(nothing_special));
	add_text(out, name->host);
	add_text(out, name->repository);
	if (digest || *name->digest)
		add_text(out, digest ? digest : name->digest);
	else
		add_text(out, name->tag);
	if (kind == KEY_FAILURE)
		add(out, &credentials, sizeof(credentials));
	out->hash = siphash(seed, span_new(out->bytes, out->len));
}

bool key_eq(const struct key *a, const struct key *b)
{
	return a->hash == b->hash && a->len == b->len && !memcmp(a->bytes, b->bytes, a->len);
}
