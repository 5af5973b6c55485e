/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/init.h"

#include "base/err.h"
#include "crypto/ossl.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* the smallest piece of the heap: one AES key with its length of slack */
#define HEAP_PIECE 64

static int need_digest(const char *name, struct err *err)
{
	EVP_MD *md = EVP_MD_fetch(NULL, name, NULL);

	if (!md)
		return ossl_fail(err, ERR_IO, "OpenSSL offers no %s; check its configuration file", name);
	EVP_MD_free(md);
	return 0;
}

static int need_curve(struct err *err)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);

	if (!ctx)
		return ossl_fail(err, ERR_IO,
				"OpenSSL offers no elliptic curves; check its configuration file");
	EVP_PKEY_CTX_free(ctx);
	return 0;
}

static int hide(struct err *err)
{
	struct rlimit none = { .rlim_cur = 0, .rlim_max = 0 };

	if (setrlimit(RLIMIT_CORE, &none) < 0)
		return err_errno(err, ERR_IO, "setting the size of core dumps to 0");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_errno(err, ERR_IO, "making the process undumpable");
	return 0;
}

int crypto_ignore_config(struct err *err)
{
	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1)
		return ossl_fail(err, ERR_IO, "starting OpenSSL");
	return 0;
}

int crypto_init(bool undumpable, struct err *err)
{
	if (undumpable && hide(err) < 0)
		return -1;
	/* 2 says that the memory could not be locked, which a container without that right must survive */
	if (!CRYPTO_secure_malloc_initialized() && !CRYPTO_secure_malloc_init(CRYPTO_HEAP_BYTES, HEAP_PIECE))
		return ossl_fail(err, ERR_IO, "setting up the memory for secrets");
	if (need_digest("SHA256", err) < 0 || need_digest("SHA384", err) < 0 ||
			need_digest("SHA512", err) < 0)
		return -1;
	return need_curve(err);
}
