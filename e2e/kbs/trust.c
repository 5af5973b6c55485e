/* SPDX-License-Identifier: Apache-2.0 */
#include "e2e/kbs/trust.h"

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

#define LEEWAY   60
#define KEYS_MAX 64
#define PEM_LINE 64

struct trust {
	const struct pkey *own;
	struct cert_list *roots; /* NULL: none */
	json_t *keys;            /* array; NULL: none */
	bool insecure_header_jwk;
};

void trust_free(struct trust *trust)
{
	if (!trust)
		return;
	cert_list_free(trust->roots);
	json_decref(trust->keys);
	free(trust);
}

static int read_roots(const char *path, struct cert_list **out, struct err *err)
{
	auto_buf struct buf pem = BUF_MAX(CERT_PEM_MAX);

	if (fs_read(path, &pem, err) < 0 || cert_list_parse(buf_span(&pem), out, err) < 0)
		return err_wrap(err, "trusted certificates");
	return 0;
}

static int read_keys(const char *path, json_t **out, struct err *err)
{
	auto_json json_t *set = NULL;
	json_t *keys = NULL;

	if (json_read_file(path, JWS_MAX, &set, err) < 0 ||
			json_opt_array(set, "", "keys", KEYS_MAX, &keys, err) < 0)
		return err_wrap(err, "the trusted key set");
	if (!keys)
		return err_set(err, ERR_FORMAT, "the trusted key set '%s' has no keys", path);
	*out = json_incref(keys);
	return 0;
}

int trust_open(const struct trust_options *options, struct trust **out, struct err *err)
{
	struct trust *trust = xcalloc(1, sizeof(*trust));

	trust->own = options->own;
	trust->insecure_header_jwk = options->insecure_header_jwk;
	if ((options->cert_file && read_roots(options->cert_file, &trust->roots, err) < 0) ||
			(options->jwks_file && read_keys(options->jwks_file, &trust->keys, err) < 0)) {
		trust_free(trust);
		return -1;
	}
	*out = trust;
	return 0;
}

/* ---- the key of a token ------------------------------------------------------------------------------------- */

static int read_jwk(const json_t *object, struct jwk *out, struct err *err)
{
	auto_free char *text = json_text(object, false);

	if (jwk_parse(span_of(text), out, err) < 0)
		return -1;
	if (!out->alg[0])
		return err_set(err, ERR_DENIED, "the token's key does not name its alg");
	return 0;
}

/* Nothing else, so that no text stands in the PEM that its readers would take in different ways. */
static bool is_base64(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i], low = (char)(c | 0x20);
		if (!(low >= 'a' && low <= 'z') && !(c >= '0' && c <= '9') && c != '+' && c != '/' &&
				c != '=')
			return false;
	}
	return text.len > 0;
}

/* x5c as PEM; false when it is no list of certificates. */
static bool put_chain(const json_t *x5c, struct buf *pem)
{
	const json_t *item;
	size_t i;

	json_array_foreach (x5c, i, item) {
		struct span body = span_new(json_string_value(item), json_string_length(item));
		if (!json_is_string(item) || !is_base64(body))
			return false;
		buf_puts(pem, "-----BEGIN CERTIFICATE-----\n");
		for (; body.len; body = span_from(body, PEM_LINE)) {
			buf_add(pem, body.ptr, body.len < PEM_LINE ? body.len : PEM_LINE);
			buf_putc(pem, '\n');
		}
		buf_puts(pem, "-----END CERTIFICATE-----\n");
	}
	return json_array_size(x5c) > 0 && !pem->over;
}

static int check_chain(const struct trust *trust, const json_t *x5c, const struct pkey *key, int64_t now,
		struct err *err)
{
	auto_buf struct buf pem = BUF_MAX(CERT_PEM_MAX);
	auto_cert_list struct cert_list *chain = NULL;
	auto_pkey struct pkey *leaf = NULL;

	if (!trust->roots || !put_chain(x5c, &pem))
		return err_set(err, ERR_AUTH, "the token's key is none that is trusted");
	if (cert_list_parse(buf_span(&pem), &chain, err) < 0 ||
			pkey_parse(buf_span(&pem), NULL, &leaf, err) < 0)
		return err_wrap(err, "the certificate of the token's key");
	if (!pkey_is_same(leaf, key))
		return err_set(err, ERR_AUTH, "the token's key and its certificate differ");
	return cert_verify_signer(chain, trust->roots, (time_t)now, err);
}

static int take_header_key(const struct trust *trust, const json_t *object, int64_t now, struct jwk *out,
		struct err *err)
{
	if (read_jwk(object, out, err) < 0)
		return -1;
	bool own_counts = !trust->roots && !trust->keys;
	if (trust->insecure_header_jwk || (own_counts && pkey_is_same(out->key, trust->own)))
		return 0;
	return check_chain(trust, json_object_get(object, "x5c"), out->key, now, err);
}

static int find_key(const struct trust *trust, const char *kid, struct jwk *out, struct err *err)
{
	const json_t *item;
	size_t i;

	if (!kid)
		return err_set(err, ERR_AUTH, "the token names no key");
	json_array_foreach (trust->keys, i, item) {
		const char *name = json_string_value(json_object_get(item, "kid"));
		if (name && strcmp(name, kid) == 0)
			return read_jwk(item, out, err);
	}
	return err_set(err, ERR_AUTH, "the token's kid is none of a trusted key set");
}

int trust_check(const struct trust *trust, struct span token, int64_t now, json_t **claims, struct err *err)
{
	auto_jws struct jws jws = JWS_NONE;
	auto_jwk struct jwk key = JWK_NONE;
	auto_json json_t *read = NULL;

	if (jws_read(token, &jws, err) < 0)
		return -1;
	const json_t *object = json_object_get(jws.header, "jwk");
	if ((object ? take_header_key(trust, object, now, &key, err) : find_key(trust, jws.kid, &key, err)) <
					0 ||
			jws_verify(&jws, &key, err) < 0 ||
			json_read(buf_span(&jws.payload), JWS_MAX, &read, err) < 0)
		return -1;
	if (!json_is_object(read))
		return err_set(err, ERR_FORMAT, "the token's claims are no object");
	if (jws_check_times(read, now, LEEWAY, err) < 0)
		return -1;
	*claims = json_incref(read);
	return 0;
}
