/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/digest.h"

#include "base/err.h"
#include "crypto/ossl.h"

#include <assert.h>
#include <errno.h>
#include <openssl/evp.h>

static const struct {
	const char *name;
	const char *fetch; /* OpenSSL's name */
	size_t size;
} algs[] = {
	[DIGEST_SHA256] = { "sha256", "SHA256", 32 },
	[DIGEST_SHA384] = { "sha384", "SHA384", 48 },
	[DIGEST_SHA512] = { "sha512", "SHA512", 64 },
};

const char *digest_name(enum digest_alg alg)
{
	return algs[alg].name;
}

size_t digest_size(enum digest_alg alg)
{
	return algs[alg].size;
}

int digest_alg_parse(struct span name, enum digest_alg *out, struct err *err)
{
	for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++)
		if (span_is(name, algs[i].name)) {
			*out = (enum digest_alg)i;
			return 0;
		}
	return err_set(err, ERR_FORMAT, "'%.*s' is no digest algorithm here; use sha256, sha384 or sha512",
			name.len > 40 ? 40 : (int)name.len, name.len ? name.ptr : "");
}

void digest_bytes(enum digest_alg alg, struct span data, unsigned char out[static DIGEST_MAX])
{
	auto_digest struct digest digest = DIGEST_NONE;

	digest_init(&digest, alg);
	digest_feed(&digest, data);
	digest_done(&digest, out);
}

void digest_hex(enum digest_alg alg, struct span data, char out[static DIGEST_HEX_MAX])
{
	static const char hex[] = "0123456789abcdef";
	unsigned char bytes[DIGEST_MAX];
	size_t size = digest_size(alg);

	digest_bytes(alg, data, bytes);
	for (size_t i = 0; i < size; i++) {
		out[2 * i] = hex[bytes[i] >> 4];
		out[2 * i + 1] = hex[bytes[i] & 15];
	}
	out[2 * size] = '\0';
}

void digest_init(struct digest *digest, enum digest_alg alg)
{
	digest->alg = alg;
	digest->md = EVP_MD_fetch(NULL, algs[alg].fetch, NULL);
	digest->ctx = EVP_MD_CTX_new();
	if (!digest->md || !digest->ctx || EVP_DigestInit_ex2(digest->ctx, digest->md, NULL) != 1)
		ossl_abort("starting a digest");
}

void digest_clear(struct digest *digest)
{
	int saved = errno;

	EVP_MD_CTX_free(digest->ctx);
	EVP_MD_free(digest->md);
	*digest = (struct digest)DIGEST_NONE;
	errno = saved;
}

void digest_feed(struct digest *digest, struct span data)
{
	if (EVP_DigestUpdate(digest->ctx, data.ptr, data.len) != 1)
		ossl_abort("a digest");
}

void digest_done(struct digest *digest, unsigned char out[static DIGEST_MAX])
{
	unsigned int size = 0;

	if (EVP_DigestFinal_ex(digest->ctx, out, &size) != 1)
		ossl_abort("ending a digest");
	assert(size == digest_size(digest->alg));
	if (EVP_DigestInit_ex2(digest->ctx, NULL, NULL) != 1)
		ossl_abort("starting a digest anew");
}
