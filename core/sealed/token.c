/* SPDX-License-Identifier: Apache-2.0 */
#include "sealed/token.h"

#include "base/b64.h"
#include "base/err.h"
#include "codec/json.h"
#include "sealed/tree.h"

#include <string.h>

#define FAKE  SEALED_PREFIX "fakejwsheader."
#define PARTS 4

bool sealed_is(struct span text)
{
	return span_starts(text, SEALED_PREFIX);
}

bool sealed_is_fake(struct span text)
{
	return span_starts(text, FAKE);
}

void sealed_clear(struct sealed *sealed)
{
	jws_clear(&sealed->jws);
	sealed_secret_clear(&sealed->secret);
	sealed->kid = NULL;
	sealed->verified = false;
}

/* ---- opening ---- */

static int check_header(const struct jws *jws, struct err *err)
{
	static const char *const known[] = { "alg", "kid", "b64", "typ", NULL };

	if (jws->alg != JWS_ES256)
		return err_set(err, ERR_DENIED, "alg must be ES256, and is %s", jws_alg_name(jws->alg));
	if (json_only_keys(jws->header, "", known, err) < 0) {
		if (err)
			err->kind = ERR_DENIED;
		return -1;
	}
	if (!jws->kid)
		return err_set(err, ERR_FORMAT, "has no kid, so that nobody knows the key to verify with");
	return 0;
}

int sealed_read(struct span text, struct sealed *out, struct err *err)
{
	auto_jws struct jws jws = JWS_NONE;

	/* guests take it without and with more than one, too */
	while (sealed_is(text))
		text = span_from(text, strlen(SEALED_PREFIX));
	if (jws_read(text, &jws, err) < 0)
		return -1;
	if (check_header(&jws, err) < 0)
		return err_wrap(err, "the header");
	sealed_clear(out);
	out->jws = jws;
	jws = (struct jws)JWS_NONE;
	out->kid = out->jws.kid;
	return 0;
}

/* What guests check after they have parsed. */
static int read_payload(struct span payload, struct sealed_secret *out, struct err *err)
{
	auto_sealed_secret struct sealed_secret secret = SEALED_SECRET_NONE;

	if (sealed_secret_parse(payload, &secret, err) < 0)
		return -1;
	if (strcmp(secret.version, SEALED_VERSION) != 0)
		return err_set(err, ERR_FORMAT, "version not supported, only " SEALED_VERSION " supported");
	sealed_secret_clear(out);
	*out = secret;
	secret = (struct sealed_secret)SEALED_SECRET_NONE;
	return 0;
}

int sealed_verify(struct sealed *sealed, struct span jwk, struct err *err)
{
	auto_jwk struct jwk key = JWK_NONE;

	if (jwk_parse(jwk, &key, err) < 0)
		return err_wrap(err, "the verification key");
	if (jws_verify(&sealed->jws, &key, err) < 0 ||
			read_payload(buf_span(&sealed->jws.payload), &sealed->secret, err) < 0)
		return -1;
	sealed->verified = true;
	return 0;
}

int sealed_read_unsigned(struct span text, struct sealed *out, struct err *err)
{
	auto_sealed_secret struct sealed_secret secret = SEALED_SECRET_NONE;
	auto_buf struct buf payload = BUF_MAX(SEALED_PAYLOAD_MAX);
	struct span parts[PARTS] = { SPAN_NONE };
	size_t count = 0;

	if (text.len > SEALED_MAX)
		return err_set(err, ERR_LIMIT, "%zu bytes exceed %zu bytes", text.len, SEALED_MAX);
	for (struct span rest = text, part = SPAN_NONE; span_next(&rest, '.', &part); count++)
		if (count < PARTS)
			parts[count] = part;
	if (count != PARTS)
		return err_set(err, ERR_FORMAT, "%zu parts with dots between them; a sealed secret has %d",
				count, PARTS);
	if (b64url_decode(parts[2], &payload, err) < 0)
		return err_wrap(err, "the payload");
	if (read_payload(buf_span(&payload), &secret, err) < 0)
		return -1;
	sealed_clear(out);
	out->secret = secret;
	secret = (struct sealed_secret)SEALED_SECRET_NONE;
	return 0;
}

/* ---- sealing ---- */

int sealed_seal(struct span payload, const char *kid, const struct pkey *key, struct buf *out,
		struct err *err)
{
	auto_buf struct buf header = BUF_MAX(JWS_HEADER_MAX), jws = BUF_MAX(JWS_MAX);

	if (pkey_kind(key) != PKEY_P256 || !pkey_is_private(key))
		return err_set(err, ERR_USAGE,
				"sealing needs a private key P-256, and the key is a %s one %s",
				pkey_is_private(key) ? "private" : "public", pkey_kind_name(pkey_kind(key)));
	buf_puts(&header, "{\"b64\":true,\"alg\":\"ES256\",\"kid\":");
	sealed_tree_format_text(kid, &header);
	buf_putc(&header, '}');
	if (buf_check(&header, "the header", err) < 0 ||
			jws_sign(key, buf_span(&header), payload, &jws, err) < 0)
		return -1;
	buf_printf(out, SEALED_PREFIX "%s", buf_text(&jws));
	return buf_check(out, "the sealed secret", err);
}
