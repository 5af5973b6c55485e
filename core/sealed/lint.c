/* SPDX-License-Identifier: Apache-2.0 */
#include "sealed/lint.h"

#include "base/b64.h"
#include "base/buf.h"
#include "base/err.h"
#include "codec/json.h"
#include "kbs/uri.h"
#include "sealed/token.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define PARTS        3
#define KID_SHOWN    80
#define PROVIDER_MAX 40

/* One string under examination. */
struct lint {
	struct span text; /* as given */
	struct span jws;  /* without prefixes and white space around */
	struct span parts[PARTS];
	bool is_fake;
	json_t *findings;
};

static void add(const struct lint *lint, const char *code, const char *level, const char *fmt, ...)
		__attribute__((format(printf, 4, 5)));

static void add(const struct lint *lint, const char *code, const char *level, const char *fmt, ...)
{
	char message[ERR_TEXT_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	span_tidy(message, strlen(message));
	json_array_append_new(lint->findings,
			json_pack("{s:s, s:s, s:s}", "code", code, "level", level, "message", message));
}

bool sealed_name_is_good(const char *name, char *why, size_t cap)
{
	struct kbs_uri uri = { .path = "" };
	struct err err = ERR_NONE;

	if (kbs_uri_parse(span_of(name), &uri, &err) == 0 && kbs_uri_check(&uri, &err) == 0)
		return true;
	snprintf(why, cap, "%s", err.text);
	return false;
}

/* ---- header and signature ---- */

static void check_kid(const struct lint *lint, const char *kid)
{
	char why[ERR_TEXT_MAX] = "";

	if (!sealed_name_is_good(kid, why, sizeof(why)))
		add(lint, "kid", "error",
				"guests cannot fetch the key of kid '%.*s', which must be a KBS URI: %s",
				KID_SHOWN, kid, why);
}

static void check_alg(const struct lint *lint, const json_t *header)
{
	const char *alg = json_text_at(header, "alg", NULL);

	if (!alg || strcmp(alg, "ES256") != 0)
		add(lint, "algorithm", "error", "alg is %.*s; guests verify ES256 alone", KID_SHOWN,
				alg ? alg : "missing");
}

static void check_header(const struct lint *lint, const json_t *header)
{
	static const char *const known[] = { "alg", "kid", "b64", "typ", NULL };
	const json_t *b64 = json_object_get(header, "b64");
	const char *kid = json_text_at(header, "kid", NULL);
	struct err err = ERR_NONE;

	check_alg(lint, header);
	if (json_object_get(header, "crit"))
		add(lint, "header", "error", "the header has critical extensions ('crit')");
	else if (json_only_keys(header, "", known, &err) < 0)
		add(lint, "header", "error", "the header: %s", err.text);
	if (b64 && !json_is_true(b64))
		add(lint, "header", "error", "the header's b64 is not true");
	if (kid)
		check_kid(lint, kid);
	else
		add(lint, "kid", "error", "the header has no kid, which says what key to verify with");
}

static void verify(const struct lint *lint, const char *kid, const struct sealed_key *key)
{
	auto_jws struct jws jws = JWS_NONE;
	auto_jwk struct jwk jwk = JWK_NONE;
	struct err err = ERR_NONE;

	if (jwk_parse(key->jwk, &jwk, &err) < 0)
		add(lint, "signature", "error", "the key of kid '%.*s': %s", KID_SHOWN, kid, err.text);
	else if (jws_read(lint->jws, &jws, NULL) == 0 && jws_verify(&jws, &jwk, &err) < 0)
		add(lint, "signature", "error", "with the key of kid '%.*s': %s", KID_SHOWN, kid, err.text);
}

static void check_signature(const struct lint *lint, const json_t *header, const struct sealed_key *keys,
		size_t key_count)
{
	const char *kid = json_text_at(header, "kid", NULL);

	if (!kid || !key_count)
		return;
	for (size_t i = 0; i < key_count; i++)
		if (!strcmp(keys[i].kid, kid) || (key_count == 1 && !*keys[i].kid)) {
			verify(lint, kid, &keys[i]);
			return;
		}
	add(lint, "unknown-kid", "warning", "kid '%.*s' is none of the keys that are known here", KID_SHOWN,
			kid);
}

/* ---- payload ---- */

static void check_provider(const struct lint *lint, const struct sealed_secret *secret)
{
	static const char *const vaults[] = { "kbs", "aliyun", "aws", NULL };
	static const char *const envelopes[] = { "aliyun", "aws", "ehsm", NULL };
	const char *const *at = secret->type == SEALED_VAULT ? vaults : envelopes;

	while (*at && strcasecmp(*at, secret->provider) != 0)
		at++;
	if (*at)
		return;
	add(lint, "provider", "error", "guests have no provider '%.*s' for %s", PROVIDER_MAX,
			secret->provider,
			secret->type == SEALED_VAULT ? "a vault; there are kbs, aliyun and aws"
						     : "an envelope; there are aliyun, aws and ehsm");
}

static void check_secret(const struct lint *lint, const struct sealed_secret *secret)
{
	char why[ERR_TEXT_MAX] = "";
	struct err err = ERR_NONE;

	if (strcmp(secret->version, SEALED_VERSION) != 0)
		add(lint, "version", "error", "guests read version " SEALED_VERSION " alone");
	check_provider(lint, secret);
	if (secret->type == SEALED_ENVELOPE && sealed_data_check(secret, &err) < 0)
		add(lint, "payload", "error", "the sealed secret: %s", err.text);
	if (secret->type == SEALED_VAULT && !strcasecmp(secret->provider, "kbs") &&
			!sealed_name_is_good(secret->name, why, sizeof(why)))
		add(lint, "resource", "error", "guests cannot fetch the resource '%.*s': %s", KID_SHOWN,
				secret->name, why);
}

static void check_payload(const struct lint *lint)
{
	auto_sealed_secret struct sealed_secret secret = SEALED_SECRET_NONE;
	auto_buf struct buf payload = BUF_MAX(JWS_MAX);
	struct span text = lint->parts[1];
	struct err err = ERR_NONE;

	/* what the padding hides is worth seeing, too */
	while (span_ends(text, "="))
		text.len--;
	if (b64url_decode(text, &payload, &err) < 0)
		add(lint, "form", "error", "the payload: %s", err.text);
	else if (sealed_secret_parse(buf_span(&payload), &secret, &err) < 0)
		add(lint, err.kind == ERR_LIMIT ? "long" : "payload", "error", "%s", err.text);
	else
		check_secret(lint, &secret);
}

/* ---- the whole ---- */

static json_t *read_header(const struct lint *lint)
{
	auto_buf struct buf text = BUF_MAX(JWS_HEADER_MAX);
	struct span encoded = lint->parts[0];
	struct err err = ERR_NONE;
	json_t *header = NULL;

	while (span_ends(encoded, "="))
		encoded.len--;
	if (b64url_decode(encoded, &text, &err) < 0 ||
			json_read(buf_span(&text), JWS_HEADER_MAX, &header, &err) < 0) {
		add(lint, "form", "error", "the header: %s", err.text);
		return NULL;
	}
	return header;
}

static bool split(struct lint *lint)
{
	size_t count = 0;
	bool padded = false;

	for (struct span rest = lint->jws, part = SPAN_NONE; span_next(&rest, '.', &part); count++)
		if (count < PARTS) {
			lint->parts[count] = part;
			padded = padded || span_ends(part, "=");
		}
	if (count != PARTS) {
		add(lint, "form", "error",
				"%zu parts with dots between them behind 'sealed.'; there must be %d", count,
				PARTS);
		return false;
	}
	if (padded)
		add(lint, "padding", "error", "a part ends in '=', which guests refuse");
	return true;
}

static void check_surroundings(struct lint *lint)
{
	struct span trimmed = span_trim(lint->text);

	if (trimmed.len != lint->text.len)
		add(lint, "white-space", "error",
				"white space around the sealed secret, often a newline at the end; "
				"verification "
				"fails");
	lint->is_fake = sealed_is_fake(trimmed);
	if (lint->is_fake)
		add(lint, "fake", "error",
				"the old form without a signature, which guests refuse: seal it anew");
	if (!sealed_is(trimmed))
		add(lint, "form", "error", "does not begin with '" SEALED_PREFIX "'");
	while (sealed_is(trimmed))
		trimmed = span_from(trimmed, strlen(SEALED_PREFIX));
	lint->jws = trimmed;
}

static void check_signed(const struct lint *lint, const struct sealed_key *keys, size_t key_count)
{
	auto_buf struct buf signature = BUF_MAX(JWS_MAX);
	auto_json json_t *header = read_header(lint);
	struct err err = ERR_NONE;

	if (header) {
		check_header(lint, header);
		check_signature(lint, header, keys, key_count);
	}
	if (b64url_decode(lint->parts[2], &signature, &err) < 0 && !span_ends(lint->parts[2], "="))
		add(lint, "form", "error", "the signature: %s", err.text);
}

void sealed_lint(struct span text, const struct sealed_key *keys, size_t key_count, json_t *findings)
{
	struct lint lint = { .text = text, .findings = findings };

	if (text.len > SEALED_MAX) {
		add(&lint, "long", "error", "%zu bytes; guests take %zu", text.len, SEALED_MAX);
		return;
	}
	check_surroundings(&lint);
	if (!split(&lint))
		return;
	if (!lint.is_fake)
		check_signed(&lint, keys, key_count);
	check_payload(&lint);
}
