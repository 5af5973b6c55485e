/* SPDX-License-Identifier: Apache-2.0 */
#include "jose/jws.h"

#include "base/b64.h"
#include "base/err.h"
#include "codec/json.h"

#include <string.h>

#define PARTS 3

static const struct {
	const char *name;
	enum pkey_kind kind;
} algs[] = {
	[JWS_ES256] = { "ES256", PKEY_P256 },
	[JWS_ES384] = { "ES384", PKEY_P384 },
	[JWS_ES512] = { "ES512", PKEY_P521 },
	[JWS_EDDSA] = { "EdDSA", PKEY_ED25519 },
	[JWS_RS256] = { "RS256", PKEY_RSA },
	[JWS_PS256] = { "PS256", PKEY_RSA },
};

#define ALGS (sizeof(algs) / sizeof(algs[0]))

const char *jws_alg_name(enum jws_alg alg)
{
	return algs[alg].name;
}

enum jws_alg jws_alg_of(const struct pkey *key)
{
	size_t i = 0;

	while (algs[i].kind != pkey_kind(key))
		i++;
	return (enum jws_alg)i;
}

/* ---- header ---- */

static int read_alg(const json_t *header, enum jws_alg *out, struct err *err)
{
	const char *name = NULL;

	if (json_get_text(header, "", "alg", &name, err) < 0)
		return -1;
	for (size_t i = 0; i < ALGS; i++)
		if (!strcmp(name, algs[i].name)) {
			*out = (enum jws_alg)i;
			return 0;
		}
	return err_set(err, ERR_DENIED, "alg is none of ES256, ES384, ES512, EdDSA, RS256 and PS256");
}

/* We know no extension, so every critical one is unknown; and a payload that is not base64url is one (RFC 7797). */
static int check_extensions(const json_t *header, struct err *err)
{
	const json_t *b64 = json_object_get(header, "b64");

	if (json_object_get(header, "crit"))
		return err_set(err, ERR_DENIED, "has critical extensions ('crit'); none is supported");
	if (b64 && !json_is_true(b64))
		return err_set(err, ERR_DENIED, "b64 is not true; another payload is not supported");
	return 0;
}

static int read_header(struct span text, struct jws *jws, struct err *err)
{
	if (json_read(text, JWS_HEADER_MAX, &jws->header, err) < 0)
		return -1;
	if (!json_is_object(jws->header))
		return err_set(err, ERR_FORMAT, "must be an object");
	if (check_extensions(jws->header, err) < 0 || read_alg(jws->header, &jws->alg, err) < 0)
		return -1;
	/* null is no text either */
	if (json_object_get(jws->header, "kid"))
		return json_get_text(jws->header, "", "kid", &jws->kid, err);
	return 0;
}

/* ---- reading ---- */

static int decode(struct span text, const char *name, struct buf *out, struct err *err)
{
	if (b64url_decode(text, out, err) < 0)
		return err_wrap(err, "the %s", name);
	return 0;
}

static int split(struct span text, struct span parts[static PARTS], struct err *err)
{
	size_t count = 0;

	if (text.len > JWS_MAX)
		return err_set(err, ERR_LIMIT, "%zu bytes exceed %zu bytes", text.len, JWS_MAX);
	for (struct span rest = text, part = SPAN_NONE; span_next(&rest, '.', &part); count++)
		if (count < PARTS)
			parts[count] = part;
	if (count != PARTS)
		return err_set(err, ERR_FORMAT, "%zu parts with dots between them; a token has %d", count,
				PARTS);
	return 0;
}

static int read_parts(struct span text, struct jws *jws, struct err *err)
{
	struct span parts[PARTS] = { SPAN_NONE };

	if (split(text, parts, err) < 0 || decode(parts[0], "header", &jws->head, err) < 0 ||
			decode(parts[1], "payload", &jws->payload, err) < 0 ||
			decode(parts[2], "signature", &jws->signature, err) < 0)
		return -1;
	if (read_header(buf_span(&jws->head), jws, err) < 0)
		return err_wrap(err, "the header");
	buf_add(&jws->covered, text.ptr, parts[0].len + 1 + parts[1].len);
	return 0;
}

int jws_read(struct span text, struct jws *out, struct err *err)
{
	struct jws jws = JWS_NONE;

	if (read_parts(text, &jws, err) < 0) {
		jws_clear(&jws);
		return err_wrap(err, "the JWS");
	}
	jws_clear(out);
	*out = jws;
	return 0;
}

void jws_clear(struct jws *jws)
{
	json_decref(jws->header);
	buf_clear(&jws->head);
	buf_clear(&jws->payload);
	buf_clear(&jws->signature);
	buf_clear(&jws->covered);
	*jws = (struct jws)JWS_NONE;
}

/* ---- the signature ---- */

int jws_verify(const struct jws *jws, const struct jwk *key, struct err *err)
{
	const char *name = algs[jws->alg].name;
	struct span message = buf_span(&jws->covered), signature = buf_span(&jws->signature);

	if (algs[jws->alg].kind != pkey_kind(key->key))
		return err_set(err, ERR_DENIED, "the JWS has alg %s, and the key is %s", name,
				pkey_kind_name(pkey_kind(key->key)));
	if (key->alg[0] && strcmp(key->alg, name) != 0)
		return err_set(err, ERR_DENIED, "the JWS has alg %s, and the key is for another alg", name);
	if (algs[jws->alg].kind == PKEY_RSA)
		return pkey_rsa_verify(key->key, jws->alg == JWS_PS256, message, signature, err);
	return pkey_verify(key->key, message, signature, err);
}

static int sign_bytes(const struct pkey *key, enum jws_alg alg, struct span message, struct buf *out,
		struct err *err)
{
	if (algs[alg].kind == PKEY_RSA)
		return pkey_rsa_sign(key, alg == JWS_PS256, message, out, err);
	return pkey_sign(key, message, out, err);
}

/* What a reader of ours would refuse is not written. */
static int check_own_header(const struct pkey *key, struct span header, enum jws_alg *alg, struct err *err)
{
	struct jws jws = JWS_NONE;
	struct err why = ERR_NONE;
	int status = read_header(header, &jws, &why);

	*alg = jws.alg;
	jws_clear(&jws);
	if (status < 0)
		return err_set(err, ERR_USAGE, "the header: %s", why.text);
	if (algs[*alg].kind != pkey_kind(key))
		return err_set(err, ERR_USAGE, "the header has alg %s, and the key is %s", algs[*alg].name,
				pkey_kind_name(pkey_kind(key)));
	return 0;
}

int jws_sign(const struct pkey *key, struct span header, struct span payload, struct buf *out,
		struct err *err)
{
	auto_buf struct buf text = BUF_MAX(JWS_MAX), signature = BUF_MAX(2048);
	enum jws_alg alg = JWS_ES256;

	if (check_own_header(key, header, &alg, err) < 0)
		return -1;
	b64url_encode(&text, header);
	buf_putc(&text, '.');
	b64url_encode(&text, payload);
	if (buf_check(&text, "the JWS", err) < 0 ||
			sign_bytes(key, alg, buf_span(&text), &signature, err) < 0)
		return -1;
	buf_putc(&text, '.');
	b64url_encode(&text, buf_span(&signature));
	if (buf_check(&text, "the JWS", err) < 0)
		return -1;
	buf_add_span(out, buf_span(&text));
	return buf_check(out, "the JWS", err);
}

/* ---- claims ---- */

/* A NumericDate (RFC 7519, 2) in whole seconds; parts of a second are cut. False in *is_there without one. */
static int read_time(const json_t *claims, const char *name, bool *is_there, int64_t *out, struct err *err)
{
	const json_t *value = json_object_get(claims, name);

	*is_there = value != NULL;
	if (!value)
		return 0;
	if (json_is_integer(value)) {
		*out = json_integer_value(value);
		return 0;
	}
	double seconds = json_real_value(value);
	if (!json_is_real(value) || seconds < -0x1p62 || seconds > 0x1p62)
		return err_set(err, ERR_FORMAT, "the claim '%s' is no time", name);
	*out = (int64_t)seconds;
	return 0;
}

int jws_check_times(const json_t *claims, int64_t now, int64_t leeway, struct err *err)
{
	int64_t exp = 0, nbf = 0, oldest = 0, newest = 0;
	bool ends = false, begins = false;

	if (json_typeof(claims) != JSON_OBJECT)
		return err_set(err, ERR_FORMAT, "the claims must be an object");
	if (read_time(claims, "exp", &ends, &exp, err) < 0 ||
			read_time(claims, "nbf", &begins, &nbf, err) < 0)
		return -1;
	if (!ends)
		return err_set(err, ERR_FORMAT, "the claim 'exp' is missing");
	if (__builtin_sub_overflow(now, leeway, &oldest) || __builtin_add_overflow(now, leeway, &newest))
		return err_set(err, ERR_USAGE, "a time that cannot be");
	if (exp <= oldest)
		return err_set(err, ERR_AUTH, "the token has expired");
	if (begins && nbf > newest)
		return err_set(err, ERR_AUTH, "the token is not valid yet");
	return 0;
}
