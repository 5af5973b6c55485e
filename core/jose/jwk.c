/* SPDX-License-Identifier: Apache-2.0 */
#include "jose/jwk.h"

#include "base/b64.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"

#include <stdio.h>
#include <string.h>

#define NUMBER_MAX  1024 /* bytes: of an RSA key of 8192 bits */
#define NUMBERS_MAX 8    /* RSA has most */

/* ---- reading ---- */

/* The decoded members, one behind the other. */
struct numbers {
	struct secret bytes;
	size_t used;
	struct pkey_numbers of;
};

/* Where a member goes. The first ones must be there; "d" and what follows it are the private half. */
struct member {
	const char *name;
	struct span *out;
	bool must;
};

bool jwk_is(struct span text)
{
	text = span_trim(text);
	return span_starts(text, "{") && memmem(text.ptr, text.len, "\"kty\"", 5);
}

static int read_number(const json_t *object, const struct member *member, struct numbers *to, struct err *err)
{
	const char *text = NULL;
	size_t len = 0;

	if (json_opt_text(object, "", member->name, &text, err) < 0)
		return -1;
	if (!text && !member->must)
		return 0;
	if (!text || !*text)
		return err_set(err, ERR_FORMAT, "'%s' is missing or empty", member->name);
	struct span encoded = span_of(text);
	if (b64_decoded_max(encoded.len) > NUMBER_MAX)
		return err_set(err, ERR_LIMIT, "'%s' has more than %d bytes", member->name, NUMBER_MAX);
	unsigned char *at = to->bytes.ptr + to->used;
	if (b64url_decode_raw(encoded, at, &len, err) < 0)
		return err_wrap(err, "'%s'", member->name);
	*member->out = span_new(at, len);
	to->used += len;
	return 0;
}

static int read_members(const json_t *object, const struct member *members, size_t count, bool private,
		struct numbers *to, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		if (!private && !members[i].must)
			break;
		if (read_number(object, &members[i], to, err) < 0)
			return -1;
	}
	return 0;
}

static int read_rsa(const json_t *object, bool private, struct numbers *to, struct err *err)
{
	struct pkey_numbers *of = &to->of;
	const struct member members[NUMBERS_MAX] = {
		{ "n", &of->n, true },
		{ "e", &of->e, true },
		{ "d", &of->d, false },
		{ "p", &of->p, false },
		{ "q", &of->q, false },
		{ "dp", &of->dp, false },
		{ "dq", &of->dq, false },
		{ "qi", &of->qi, false },
	};

	of->kind = PKEY_RSA;
	if (private && json_object_get(object, "oth"))
		return err_set(err, ERR_FORMAT, "'oth': keys of more than two primes are not supported");
	return read_members(object, members, NUMBERS_MAX, private, to, err);
}

static int read_point(const json_t *object, bool private, struct numbers *to, struct err *err)
{
	static const enum pkey_kind curves[] = { PKEY_P256, PKEY_P384, PKEY_P521 };
	struct pkey_numbers *of = &to->of;
	const struct member members[] = {
		{ "x", &of->x, true },
		{ "y", &of->y, true },
		{ "d", &of->d, false },
	};
	const char *curve = NULL;

	if (json_get_text(object, "", "crv", &curve, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
		if (!strcmp(curve, pkey_kind_name(curves[i]))) {
			of->kind = curves[i];
			return read_members(object, members, 3, private, to, err);
		}
	return err_set(err, ERR_FORMAT, "'crv' is none of P-256, P-384 and P-521");
}

static int read_octet_pair(const json_t *object, bool private, struct numbers *to, struct err *err)
{
	const struct member members[] = { { "x", &to->of.x, true }, { "d", &to->of.d, false } };
	const char *curve = NULL;

	if (json_get_text(object, "", "crv", &curve, err) < 0)
		return -1;
	to->of.kind = PKEY_ED25519;
	if (strcmp(curve, pkey_kind_name(PKEY_ED25519)) != 0)
		return err_set(err, ERR_FORMAT, "'crv' is not Ed25519, which is all that kty OKP has here");
	return read_members(object, members, 2, private, to, err);
}

static const struct {
	const char *kty;
	int (*read)(const json_t *object, bool private, struct numbers *to, struct err *err);
} types[] = {
	{ "RSA", read_rsa },
	{ "EC", read_point },
	{ "OKP", read_octet_pair },
};

static int read_key(const json_t *object, bool private, struct pkey **out, struct err *err)
{
	auto_secret struct secret room = SECRET_NONE;
	const char *kty = NULL;

	if (json_get_text(object, "", "kty", &kty, err) < 0)
		return -1;
	if (!strcmp(kty, "oct"))
		return err_set(err, ERR_FORMAT, "'kty' is oct, a symmetric key; RSA, EC and OKP are read");
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct numbers numbers = { .used = 0 };
		if (strcmp(kty, types[i].kty) != 0)
			continue;
		if (secret_alloc(&room, (size_t)NUMBERS_MAX * NUMBER_MAX, err) < 0)
			return -1;
		numbers.bytes = room;
		if (types[i].read(object, private, &numbers, err) < 0)
			return -1;
		return pkey_from_numbers(&numbers.of, out, err);
	}
	return err_set(err, ERR_FORMAT, "'kty' is none of RSA, EC and OKP");
}

int jwk_public(const json_t *object, struct pkey **out, struct err *err)
{
	if (!json_is_object(object))
		return err_set(err, ERR_FORMAT, "the key must be an object");
	return read_key(object, false, out, err);
}

/* A short text of the object; "" without it. */
static int read_text(const json_t *object, const char *name, char *out, size_t cap, struct err *err)
{
	const char *text = "";

	if (json_opt_text(object, "", name, &text, err) < 0)
		return -1;
	if (strlen(text) >= cap)
		return err_set(err, ERR_LIMIT, "'%s' has more than %zu bytes", name, cap - 1);
	snprintf(out, cap, "%s", text);
	return 0;
}

/* The texts of a private key must not stay in freed memory; jansson's copies have no other owner. */
static void wipe(json_t *tree)
{
	char *text = (char *)(uintptr_t)json_string_value(tree);
	const char *key = NULL;
	json_t *value = NULL;
	size_t i = 0;

	if (text)
		explicit_bzero(text, json_string_length(tree));
	json_array_foreach (tree, i, value)
		wipe(value);
	json_object_foreach (tree, key, value)
		wipe(value);
}

static int read_all(const json_t *object, struct jwk *out, struct err *err)
{
	struct jwk jwk = JWK_NONE;

	if (!json_is_object(object))
		return err_set(err, ERR_FORMAT, "must be an object");
	if (read_text(object, "kid", jwk.kid, sizeof(jwk.kid), err) < 0 ||
			read_text(object, "alg", jwk.alg, sizeof(jwk.alg), err) < 0 ||
			read_key(object, true, &jwk.key, err) < 0)
		return -1;
	jwk_clear(out);
	*out = jwk;
	return 0;
}

int jwk_parse(struct span text, struct jwk *out, struct err *err)
{
	auto_json json_t *tree = NULL;

	if (json_read(text, SECRET_MAX, &tree, err) < 0)
		return err_wrap(err, "the JWK");
	int status = read_all(tree, out, err);
	wipe(tree);
	return status < 0 ? err_wrap(err, "the JWK") : 0;
}

void jwk_clear(struct jwk *jwk)
{
	pkey_free(jwk->key);
	*jwk = (struct jwk)JWK_NONE;
}

/* ---- writing ---- */

static void set_number(json_t *object, const char *name, const struct buf *bytes)
{
	auto_buf struct buf text = BUF_MAX(b64url_encoded_len(NUMBER_MAX));

	b64url_encode(&text, buf_span(bytes));
	json_object_set_new(object, name, json_string(buf_text(&text)));
}

int jwk_format_public(const struct pkey *key, json_t **out, struct err *err)
{
	enum pkey_kind kind = pkey_kind(key);
	auto_buf struct buf first = BUF_MAX(NUMBER_MAX), second = BUF_MAX(NUMBER_MAX);

	if (pkey_public_numbers(key, &first, &second, err) < 0)
		return -1;
	json_t *object = json_object();
	if (kind == PKEY_RSA) {
		json_object_set_new(object, "kty", json_string("RSA"));
		set_number(object, "n", &first);
		set_number(object, "e", &second);
	} else {
		json_object_set_new(object, "kty", json_string(kind == PKEY_ED25519 ? "OKP" : "EC"));
		json_object_set_new(object, "crv", json_string(pkey_kind_name(kind)));
		set_number(object, "x", &first);
		if (kind != PKEY_ED25519)
			set_number(object, "y", &second);
	}
	*out = object;
	return 0;
}

int jwk_format_private(const struct pkey *key, json_t **out, struct err *err)
{
	auto_secret struct secret d = SECRET_NONE;
	auto_json json_t *object = NULL;
	auto_wiped_buf struct buf text = BUF_MAX(NUMBER_MAX);

	if (pkey_private_scalar(key, &d, err) < 0 || jwk_format_public(key, &object, err) < 0)
		return -1;
	/* room for all at once: a buffer that grows leaves a copy behind */
	(void)buf_room(&text, b64url_encoded_len(d.len) + 1);
	b64url_encode(&text, secret_span(&d));
	json_object_set_new(object, "d", json_stringn(buf_text(&text), text.len));
	*out = take(&object);
	return 0;
}
