/* SPDX-License-Identifier: Apache-2.0 */
#include "e2e/kbs/signer.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/own.h"
#include "codec/json.h"
#include "crypto/cert.h"
#include "crypto/pkey.h"
#include "jose/jwk.h"
#include "jose/jws.h"

#include <string.h>

#define PROFILE   "tag:github.com,2024:confidential-containers/Trustee"
#define ISSUER    "CoCo-Attestation-Service"
#define DEVELOPER "https://confidentialcontainers.org"
#define BUILD     "attestation-service 0.1.0"

#define PEM_BEGIN "-----BEGIN CERTIFICATE-----"
#define PEM_END   "-----END CERTIFICATE-----"

struct signer {
	struct pkey *key;
	char *header; /* JSON */
};

void signer_free(struct signer *signer)
{
	if (!signer)
		return;
	pkey_free(signer->key);
	free(signer->header);
	free(signer);
}

const struct pkey *signer_key(const struct signer *signer)
{
	return signer->key;
}

static int read_key(const char *key_file, struct pkey **out, struct err *err)
{
	auto_secret struct secret text = SECRET_NONE;

	if (!key_file)
		return pkey_generate(PKEY_P256, 0, out, err);
	if (secret_read_file(&text, key_file, err) < 0 || pkey_parse(secret_span(&text), NULL, out, err) < 0)
		return err_wrap(err, "the key of tokens");
	if (pkey_kind(*out) == PKEY_P256 && pkey_is_private(*out))
		return 0;
	return err_set(err, ERR_USAGE, "the key of tokens '%s' is not a private one of P-256", key_file);
}

/* x5c: each certificate as the text between the lines of its PEM, without line ends (RFC 7515, 4.1.6). */
static json_t *certificates(const char *pem)
{
	json_t *chain = json_array();

	for (const char *from = strstr(pem, PEM_BEGIN); from; from = strstr(from, PEM_BEGIN)) {
		auto_buf struct buf body = BUF_MAX(CERT_PEM_MAX);
		const char *end = strstr(from, PEM_END);
		if (!end)
			break;
		for (from += strlen(PEM_BEGIN); from < end; from++)
			if (!strchr(" \t\r\n", *from))
				buf_putc(&body, *from);
		json_array_append_new(chain, json_stringn(buf_text(&body), body.len));
	}
	return chain;
}

static int read_certificates(const char *cert_file, const struct pkey *key, json_t **x5c, struct err *err)
{
	auto_buf struct buf pem = BUF_MAX(CERT_PEM_MAX);
	auto_cert_list struct cert_list *chain = NULL;
	auto_pkey struct pkey *leaf = NULL;

	if (fs_read(cert_file, &pem, err) < 0 || cert_list_parse(buf_span(&pem), &chain, err) < 0 ||
			pkey_parse(buf_span(&pem), NULL, &leaf, err) < 0)
		return err_wrap(err, "the certificate of the key of tokens");
	if (!pkey_is_same(leaf, key))
		return err_set(err, ERR_USAGE,
				"the first certificate of '%s' is not that of the key of tokens", cert_file);
	*x5c = certificates(buf_text(&pem));
	return 0;
}

static int make_header(struct signer *signer, const char *cert_file, struct err *err)
{
	auto_json json_t *public = NULL, *x5c = NULL;

	if (cert_file && read_certificates(cert_file, signer->key, &x5c, err) < 0)
		return -1;
	if (jwk_format_public(signer->key, &public, err) < 0)
		return -1;
	auto_json json_t *jwk = json_pack("{s:s}", "alg", "ES256");
	if (x5c)
		json_object_set(jwk, "x5c", x5c);
	json_object_update(jwk, public);
	auto_json json_t *header = json_pack("{s:s, s:s, s:O}", "typ", "JWT", "alg", "ES256", "jwk", jwk);
	signer->header = json_text(header, false);
	return 0;
}

int signer_open(const char *key_file, const char *cert_file, struct signer **out, struct err *err)
{
	struct signer *signer = xcalloc(1, sizeof(*signer));

	if (read_key(key_file, &signer->key, err) < 0 || make_header(signer, cert_file, err) < 0) {
		signer_free(signer);
		return -1;
	}
	*out = signer;
	return 0;
}

int signer_issue(const struct signer *signer, json_t *submods, int64_t now, int64_t lifetime, struct buf *out,
		struct err *err)
{
	int64_t until = now + lifetime;
	auto_json json_t *claims = json_pack("{s:s, s:I, s:{s:s, s:s}, s:O, s:I, s:s}", "eat_profile",
			PROFILE, "iat", (json_int_t)now, "ear.verifier-id", "developer", DEVELOPER, "build",
			BUILD, "submods", submods, "exp", (json_int_t)until, "iss", ISSUER);
	auto_free char *text = json_text(claims, false);

	return jws_sign(signer->key, span_of(signer->header), span_of(text), out, err);
}
