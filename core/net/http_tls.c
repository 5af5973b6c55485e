/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_own.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "crypto/cert.h"
#include "crypto/ossl.h"

#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

/* A bundle of all public roots is about 220 KiB. */
#define CA_MAX ((size_t)1024 * 1024)

int http_ca_load(const char *path, struct buf *out, struct err *err)
{
	size_t before = out->len;

	if (fs_read(path, out, err) < 0)
		return -1;
	if (out->len == before)
		return err_set(err, ERR_USAGE, "'%s' holds no certificate in PEM", path);
	return 0;
}

/* At least one certificate must be there: curl would take an empty store and then trust nobody, without a word. */
static int ca_check(struct span ca, struct err *err)
{
	if (ca.len > CA_MAX)
		return err_set(err, ERR_LIMIT, "the CA certificates exceed %zu bytes", CA_MAX);
	BIO *bio = BIO_new_mem_buf(ca.ptr, (int)ca.len);
	X509 *first = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	BIO_free(bio);
	if (!first)
		return ossl_fail(err, ERR_USAGE, "the CA text holds no certificate in PEM");
	X509_free(first);
	return 0;
}

static int own_check(const struct http_tls *tls, struct err *err)
{
	auto_cert_pair struct cert_pair *pair = NULL;

	if (!tls->cert.len || !tls->key.len)
		return err_set(err, ERR_USAGE,
				"a client certificate needs its key, and the key its certificate");
	if (cert_pair_parse(tls->cert, tls->key, &pair, err) == 0)
		return 0;
	if (err)
		err->kind = ERR_USAGE;
	return err_wrap(err, "the client certificate");
}

struct http_creds *http_creds_new(const struct http_tls *tls, struct err *err)
{
	if (tls->ca.len && ca_check(tls->ca, err) < 0)
		return NULL;
	if ((tls->cert.len || tls->key.len) && own_check(tls, err) < 0)
		return NULL;
	struct http_creds *creds = xcalloc(1, sizeof(*creds));
	creds->refs = 1;
	if (tls->key.len && secret_from_span(&creds->key, tls->key, err) < 0) {
		free(creds);
		return NULL;
	}
	creds->ca = tls->ca.len ? xmemdup0(tls->ca.ptr, tls->ca.len) : NULL;
	creds->ca_len = tls->ca.len;
	creds->cert = tls->cert.len ? xmemdup0(tls->cert.ptr, tls->cert.len) : NULL;
	creds->cert_len = tls->cert.len;
	creds->server_name = tls->server_name ? xstrdup(tls->server_name) : NULL;
	creds->ca_adds = tls->ca_adds;
	creds->insecure = tls->insecure;
	return creds;
}

struct http_creds *http_creds_ref(struct http_creds *creds)
{
	creds->refs++;
	return creds;
}

void http_creds_drop(struct http_creds *creds)
{
	if (!creds || --creds->refs)
		return;
	secret_clear(&creds->key);
	free(creds->ca);
	free(creds->cert);
	free(creds->server_name);
	free(creds);
}

static void blob_set(CURL *easy, CURLoption option, void *bytes, size_t len)
{
	/* the call holds a reference on the credentials, so curl need not copy */
	struct curl_blob blob = { .data = bytes, .len = len, .flags = CURL_BLOB_NOCOPY };

	if (len)
		curl_easy_setopt(easy, option, &blob);
}

void http_creds_apply(const struct http_creds *creds, CURL *easy)
{
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, creds->insecure ? 0L : 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, creds->insecure ? 0L : 2L);
	/* serves the system's roots, whose parsing costs 30 ms a connection; curl parses a blob each time */
	curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 24 * 3600L);
	blob_set(easy, CURLOPT_CAINFO_BLOB, creds->ca, creds->ca_len);
	/* beside the blob, curl would look into the folder of the system's roots, which it was built with */
	if (creds->ca_len && !creds->ca_adds)
		curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	blob_set(easy, CURLOPT_SSLCERT_BLOB, creds->cert, creds->cert_len);
	blob_set(easy, CURLOPT_SSLKEY_BLOB, creds->key.ptr, creds->key.len);
}
