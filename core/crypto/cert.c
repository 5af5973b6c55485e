/* SPDX-License-Identifier: Apache-2.0 */
/* The objects, their text form, and what can be asked of them. Making is in cert_make.c, checking in cert_verify.c. */
#include "crypto/cert.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "crypto/cert_own.h"
#include "crypto/digest.h"
#include "crypto/ossl.h"
#include "crypto/pkey_own.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

void cert_list_free(struct cert_list *list)
{
	int saved = errno;

	if (!list)
		return;
	for (size_t i = 0; i < list->count; i++)
		X509_free(list->certs[i]);
	free(list);
	errno = saved;
}

void cert_pair_free(struct cert_pair *pair)
{
	int saved = errno;

	if (!pair)
		return;
	cert_list_free(pair->chain);
	EVP_PKEY_free(pair->key);
	free(pair);
	errno = saved;
}

struct cert_pair *cert_pair_new(struct cert_list *chain, EVP_PKEY *key)
{
	struct cert_pair *pair = xcalloc(1, sizeof(*pair));

	pair->chain = chain;
	pair->key = key;
	return pair;
}

/* ---- reading ---- */

static int check_length(struct span pem, struct err *err)
{
	if (pem.len <= CERT_PEM_MAX)
		return 0;
	err_set(err, ERR_LIMIT, "%zu bytes of PEM; at most %zu are allowed", pem.len, CERT_PEM_MAX);
	return -1;
}

static int add_block(
		struct cert_list *list, const char *name, const unsigned char *der, long len, struct err *err)
{
	const unsigned char *at = der;

	if (strcmp(name, PEM_STRING_X509) != 0)
		return err_set(err, ERR_FORMAT, "a PEM block '%.60s' among the certificates", name);
	if (list->count == CERT_LIST_MAX)
		return err_set(err, ERR_LIMIT, "more than %d certificates", CERT_LIST_MAX);
	X509 *cert = d2i_X509(NULL, &at, len);
	if (!cert)
		return ossl_fail(err, ERR_FORMAT, "certificate %zu is not X.509", list->count + 1);
	list->certs[list->count++] = cert;
	if (at != der + len)
		return err_set(err, ERR_FORMAT, "bytes behind certificate %zu", list->count);
	return 0;
}

/* 1 with a block, 0 at the end of the text, -1 */
static int next_block(BIO *text, struct cert_list *list, struct err *err)
{
	char *name = NULL, *head = NULL;
	unsigned char *der = NULL;
	long len = 0;

	ERR_clear_error();
	if (!PEM_read_bio(text, &name, &head, &der, &len)) {
		if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
			return ossl_fail(err, ERR_FORMAT, "PEM block %zu is damaged", list->count + 1);
		ERR_clear_error();
		return 0;
	}
	int status = add_block(list, name, der, len, err);
	OPENSSL_free(name);
	OPENSSL_free(head);
	/* it may have been a private key, put here by mistake */
	OPENSSL_clear_free(der, (size_t)len);
	return status < 0 ? -1 : 1;
}

/* Every block must have been read: OpenSSL skips one whose first line is cut as if it were text between blocks. */
static size_t count_begins(struct span pem)
{
	static const char begin[] = "-----BEGIN";
	const char *at = NULL;
	size_t count = 0;

	while ((at = memmem(pem.ptr, pem.len, begin, sizeof(begin) - 1)) != NULL) {
		pem = span_from(pem, (size_t)(at - pem.ptr) + sizeof(begin) - 1);
		count++;
	}
	return count;
}

int cert_list_parse(struct span pem, struct cert_list **out, struct err *err)
{
	if (check_length(pem, err) < 0)
		return -1;
	BIO *text = BIO_new_mem_buf(pem.len ? pem.ptr : "", (int)pem.len);
	if (!text)
		ossl_abort("a memory BIO");
	auto_cert_list struct cert_list *list = xcalloc(1, sizeof(*list));
	int more = 1;
	while (more > 0)
		more = next_block(text, list, err);
	BIO_free(text);
	if (more < 0)
		return -1;
	if (!list->count)
		return err_set(err, ERR_FORMAT, "no certificate in PEM form");
	if (list->count != count_begins(pem))
		return err_set(err, ERR_FORMAT, "PEM block %zu is damaged", list->count + 1);
	*out = take(&list);
	return 0;
}

/* An encrypted key must fail: without a callback OpenSSL would ask on the terminal. */
static int no_password(char *buf, int size, int rwflag, void *user)
{
	(void)buf, (void)size, (void)rwflag, (void)user;
	return -1;
}

static int read_key(struct span pem, EVP_PKEY **out, struct err *err)
{
	if (check_length(pem, err) < 0)
		return -1;
	BIO *text = BIO_new_mem_buf(pem.len ? pem.ptr : "", (int)pem.len);
	if (!text)
		ossl_abort("a memory BIO");
	ERR_clear_error();
	EVP_PKEY *key = PEM_read_bio_PrivateKey(text, NULL, no_password, NULL);
	BIO_free(text);
	if (!key) {
		ossl_fail(err, ERR_FORMAT, "no unencrypted private key in PEM form");
		return -1;
	}
	ERR_clear_error();
	*out = key;
	return 0;
}

int cert_pair_parse(struct span chain_pem, struct span key_pem, struct cert_pair **out, struct err *err)
{
	auto_cert_list struct cert_list *chain = NULL;
	EVP_PKEY *key = NULL;

	if (cert_list_parse(chain_pem, &chain, err) < 0 || read_key(key_pem, &key, err) < 0)
		return -1;
	if (X509_check_private_key(chain->certs[0], key) != 1) {
		EVP_PKEY_free(key);
		return ossl_fail(err, ERR_AUTH, "the private key does not belong to the certificate");
	}
	*out = cert_pair_new(take(&chain), key);
	return 0;
}

/* ---- writing ---- */

void cert_list_format(const struct cert_list *list, struct buf *out)
{
	BIO *text = BIO_new(BIO_s_mem());
	char *bytes = NULL;

	if (!text)
		ossl_abort("a memory BIO");
	for (size_t i = 0; i < list->count; i++)
		if (PEM_write_bio_X509(text, list->certs[i]) != 1)
			ossl_abort("writing a certificate");
	long len = BIO_get_mem_data(text, &bytes);
	buf_add(out, bytes, (size_t)len);
	BIO_free(text);
}

int cert_pair_key(const struct cert_pair *pair, struct secret *out, struct err *err)
{
	return pkey_write_pkcs8(pair->key, out, err);
}

/* ---- looking ---- */

const struct cert_list *cert_pair_chain(const struct cert_pair *pair)
{
	return pair->chain;
}

struct evp_pkey_st *cert_pair_pkey(const struct cert_pair *pair)
{
	return pair->key;
}

size_t cert_list_count(const struct cert_list *list)
{
	return list->count;
}

struct x509_st *cert_list_x509(const struct cert_list *list, size_t index)
{
	assert(index < list->count);
	return list->certs[index];
}

/* A time that cannot be read counts as long ago: then nothing is valid by it. */
static time_t seconds(const ASN1_TIME *at)
{
	struct tm tm = { .tm_mday = 1 };

	if (ASN1_TIME_to_tm(at, &tm) != 1)
		return 0;
	return timegm(&tm);
}

time_t cert_not_before(const struct cert_list *list, size_t index)
{
	return seconds(X509_get0_notBefore(cert_list_x509(list, index)));
}

time_t cert_not_after(const struct cert_list *list, size_t index)
{
	return seconds(X509_get0_notAfter(cert_list_x509(list, index)));
}

bool cert_is_ca(const struct cert_list *list, size_t index)
{
	bool ca = X509_get_extension_flags(cert_list_x509(list, index)) & EXFLAG_CA;

	ERR_clear_error();
	return ca;
}

void cert_fingerprint(const struct cert_list *list, size_t index, char out[static CERT_FINGERPRINT_MAX])
{
	unsigned char *der = NULL;
	char hex[DIGEST_HEX_MAX];
	int len = i2d_X509(cert_list_x509(list, index), &der);

	if (len < 0)
		ossl_abort("encoding a certificate");
	digest_hex(DIGEST_SHA256, span_new(der, (size_t)len), hex);
	OPENSSL_free(der);
	memcpy(out, hex, CERT_FINGERPRINT_MAX - 1);
	out[CERT_FINGERPRINT_MAX - 1] = '\0';
}
