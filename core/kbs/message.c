/* SPDX-License-Identifier: Apache-2.0 */
/* Versions, the messages of a challenge, failures, tokens. The attestation is in message_attestation.c. */
#include "kbs/message.h"

#include "base/alloc.h"
#include "base/b64.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"

#include <string.h>

#define TOKEN_MAX ((size_t)256 * 1024)

/* ---- versions ------------------------------------------------------------------------------------------ */

static const char *const version_names[] = {
	[KBS_0_1] = "0.1.1",
	[KBS_0_2] = "0.2.0",
	[KBS_0_3] = "0.3.0",
	[KBS_0_4] = "0.4.0",
};

const char *kbs_version_name(enum kbs_version version)
{
	return version_names[version];
}

static bool is_identifiers(struct span text)
{
	static const char allowed[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-";
	struct span part;

	if (!text.len || text.ptr[text.len - 1] == '.')
		return false;
	while (span_next(&text, '.', &part)) {
		if (!part.len)
			return false;
		for (size_t i = 0; i < part.len; i++)
			if (!memchr(allowed, part.ptr[i], sizeof(allowed) - 1))
				return false;
	}
	return true;
}

/* MAJOR.MINOR.PATCH, then perhaps "-" and "+" with identifiers (semver.org, 2 to 10). */
static bool read_semver(struct span text, uint64_t numbers[static 3], bool *is_release)
{
	struct span core = text, part;
	size_t plus = span_find(text, '+');
	size_t count = 0;

	if (plus < text.len && !is_identifiers(span_from(text, plus + 1)))
		return false;
	core.len = plus;
	size_t dash = span_find(core, '-');
	if (dash < core.len && !is_identifiers(span_from(core, dash + 1)))
		return false;
	*is_release = dash == core.len;
	core.len = dash;
	if (core.len && core.ptr[core.len - 1] == '.')
		return false;
	while (count < 3 && span_next(&core, '.', &part))
		if (!span_number(part, UINT64_MAX, &numbers[count++]))
			return false;
	return count == 3 && !core.len;
}

int kbs_version_find(struct span text, enum kbs_version *out, struct err *err)
{
	uint64_t numbers[3] = { 0 };
	bool is_release = false;

	if (!read_semver(text, numbers, &is_release))
		return err_set(err, ERR_FORMAT, "'%.*s' is no version of the protocol; one reads 0.4.0",
				SPAN_ARG(text));
	if (!is_release || numbers[0] || numbers[1] < 1 || numbers[1] > 4)
		return err_set(err, ERR_DENIED, "version %.*s of the protocol is not spoken; 0.1 to 0.4 are",
				SPAN_ARG(text));
	*out = (enum kbs_version)(numbers[1] - 1);
	return 0;
}

/* ---- request ------------------------------------------------------------------------------------------- */

static int keep(const json_t *root, const char *key, char *out, size_t cap, struct err *err)
{
	const char *text = NULL;

	if (json_get_text(root, "", key, &text, err) < 0)
		return -1;
	size_t len = strlen(text);
	if (len >= cap)
		return err_set(err, ERR_LIMIT, "%s exceeds %zu bytes", key, cap - 1);
	memcpy(out, text, len + 1);
	return 0;
}

int kbs_request_parse(struct span body, struct kbs_request *out, struct err *err)
{
	auto_json json_t *root = NULL;
	struct kbs_request request = KBS_REQUEST_NONE;

	if (json_read(body, KBS_BODY_MAX, &root, err) < 0 ||
			keep(root, "version", request.version, sizeof(request.version), err) < 0 ||
			keep(root, "tee", request.tee, sizeof(request.tee), err) < 0)
		return -1;
	json_t *extra = json_object_get(root, "extra-params");
	if (!extra)
		return err_set(err, ERR_FORMAT, "extra-params is missing");
	request.extra = json_incref(extra);
	*out = request;
	return 0;
}

void kbs_request_clear(struct kbs_request *request)
{
	json_decref(request->extra);
	*request = (struct kbs_request)KBS_REQUEST_NONE;
}

static void put_json(struct buf *out, const json_t *value)
{
	auto_free char *text = json_text(value, false);

	buf_puts(out, text);
}

void kbs_request_format(enum kbs_version version, const char *tee, struct buf *out)
{
	auto_json json_t *root = json_pack("{s:s, s:s}", "version", kbs_version_name(version), "tee", tee);
	/* the hashes that there are here: what is offered may be selected. The oldest brokers take a text alone */
	json_t *extra = version < KBS_0_3
			? json_string("")
			: json_pack("{s:[sss]}", "supported-hash-algorithms", "sha256", "sha384", "sha512");

	json_object_set_new(root, "extra-params", extra);
	put_json(out, root);
}

/* ---- challenge ----------------------------------------------------------------------------------------- */

/* extra-params is a text for most TEEs, and an object for those that select a hash. */
static int read_hash(const json_t *root, enum digest_alg *out, struct err *err)
{
	const char *name = NULL;
	char lower[16] = "";
	json_t *extra = json_object_get(root, "extra-params");

	*out = DIGEST_SHA384;
	if (!json_is_object(extra) || !json_object_get(extra, "selected-hash-algorithm"))
		return 0;
	if (json_get_text(extra, "extra-params", "selected-hash-algorithm", &name, err) < 0)
		return -1;
	for (size_t i = 0; name[i] && i < sizeof(lower) - 1; i++)
		lower[i] = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] - 'A' + 'a') : name[i];
	if (strlen(name) >= sizeof(lower) || digest_alg_parse(span_of(lower), out, NULL) < 0)
		return err_set(err, ERR_FORMAT,
				"the key broker selected the hash '%s'; sha256, sha384 and sha512 were "
				"offered",
				name);
	return 0;
}

int kbs_challenge_parse(struct span body, struct kbs_challenge *out, struct err *err)
{
	auto_json json_t *root = NULL;
	struct kbs_challenge challenge = { .hash = DIGEST_SHA384 };

	if (json_read(body, KBS_BODY_MAX, &root, err) < 0 ||
			keep(root, "nonce", challenge.nonce, sizeof(challenge.nonce), err) < 0 ||
			read_hash(root, &challenge.hash, err) < 0)
		return -1;
	if (!challenge.nonce[0])
		return err_set(err, ERR_FORMAT, "nonce is empty");
	*out = challenge;
	return 0;
}

void kbs_challenge_format(const char *nonce, struct buf *out)
{
	auto_json json_t *root = json_pack("{s:s, s:s}", "nonce", nonce, "extra-params", "");

	put_json(out, root);
}

/* ---- failures ------------------------------------------------------------------------------------------ */

static const char *const variant_names[KBS_VARIANTS] = {
	[KBS_ATTESTATION_ERROR] = "AttestationError",
	[KBS_TOKEN_NOT_FOUND] = "TokenNotFound",
	[KBS_TOKEN_VERIFIER_ERROR] = "TokenVerifierError",
	[KBS_POLICY_DENY] = "PolicyDeny",
	[KBS_POLICY_ENGINE_ERROR] = "PolicyEngineError",
	[KBS_PLUGIN_INTERNAL_ERROR] = "PluginInternalError",
	[KBS_JWE_ERROR] = "JweError",
	[KBS_PLUGIN_NOT_FOUND] = "PluginNotFound",
	[KBS_ADMIN_AUTH_ACCESS] = "AdminAuthAccess",
	[KBS_ADMIN_AUTH_INITIALIZATION] = "AdminAuthInitialization",
	[KBS_PARSE_POLICY_ERROR] = "ParsePolicyError",
	[KBS_RVPS_ERROR] = "RvpsError",
	[KBS_SERDE_ERROR] = "SerdeError",
	[KBS_OTHER_ERROR] = "OtherError",
};

const char *kbs_variant_name(enum kbs_variant variant)
{
	return variant_names[variant];
}

static enum kbs_variant find_variant(const char *type)
{
	struct span name = span_of(type);

	if (!span_starts(name, KBS_ERROR_TYPE))
		return KBS_OTHER_ERROR;
	name = span_from(name, sizeof(KBS_ERROR_TYPE) - 1);
	for (size_t i = 0; i < KBS_OTHER_ERROR; i++)
		if (span_is(name, variant_names[i]))
			return (enum kbs_variant)i;
	return KBS_OTHER_ERROR;
}

bool kbs_failure_parse(struct span body, struct kbs_failure *out)
{
	auto_json json_t *root = NULL;
	const char *type = "", *detail = NULL;

	if (json_read(body, KBS_BODY_MAX, &root, NULL) < 0 ||
			json_opt_text(root, "", "type", &type, NULL) < 0 ||
			json_get_text(root, "", "detail", &detail, NULL) < 0)
		return false;
	size_t len = strnlen(detail, sizeof(out->detail) - 1);
	*out = (struct kbs_failure){ .variant = find_variant(type) };
	memcpy(out->detail, detail, len);
	span_tidy(out->detail, len);
	return true;
}

bool kbs_failure_wants(const struct kbs_failure *failure, char version[static 32])
{
	static const char digits[] = "0123456789", rest[] = "0123456789.";
	const char *at = strstr(failure->detail, "expect ");

	if (failure->variant != KBS_ATTESTATION_ERROR || !at || !strstr(failure->detail, "Mismatch"))
		return false;
	/* behind the word stands a requirement, "=0.4.0" or ">=0.4.0" */
	at += strcspn(at, digits);
	size_t len = strspn(at, rest);
	if (!len || len >= 32)
		return false;
	memcpy(version, at, len);
	version[len] = '\0';
	return true;
}

void kbs_failure_format(enum kbs_variant variant, const char *detail, struct buf *out)
{
	auto_free char *tidy = xstrdup(detail);
	char type[128];

	span_tidy(tidy, strlen(tidy));
	snprintf(type, sizeof(type), "%s%s", KBS_ERROR_TYPE, kbs_variant_name(variant));
	auto_json json_t *root = json_pack("{s:s, s:s}", "type", type, "detail", tidy);
	put_json(out, root);
}

/* ---- tokens -------------------------------------------------------------------------------------------- */

/* Base64url and dots: a token goes into header fields and into JSON as it is. */
static bool is_compact(struct span token)
{
	static const char others[] = "-_.";

	for (size_t i = 0; i < token.len; i++) {
		char c = token.ptr[i], low = (char)(c | 0x20);
		if (!(low >= 'a' && low <= 'z') && !(c >= '0' && c <= '9') &&
				!memchr(others, c, sizeof(others) - 1))
			return false;
	}
	return true;
}

/* The payload of HEADER "." PAYLOAD "." SIGNATURE, still encoded. */
static int find_payload(struct span token, struct span *out, struct err *err)
{
	struct span rest = token, parts[4];
	size_t count = 0;

	if (token.len > TOKEN_MAX)
		return err_set(err, ERR_LIMIT, "the token exceeds %zu bytes", TOKEN_MAX);
	while (count < 4 && span_next(&rest, '.', &parts[count]))
		count++;
	if (count != 3 || !parts[0].len || !parts[1].len || !parts[2].len || !is_compact(token))
		return err_set(err, ERR_FORMAT, "the token does not have the three parts of a JWT");
	*out = parts[1];
	return 0;
}

static int read_claims(struct span token, json_t **out, struct err *err)
{
	auto_buf struct buf text = BUF_MAX(TOKEN_MAX);
	struct span payload = SPAN_NONE;

	if (find_payload(token, &payload, err) < 0)
		return -1;
	if (b64url_decode(payload, &text, err) < 0 || json_read(buf_span(&text), TOKEN_MAX, out, err) < 0)
		return err_wrap(err, "the token's claims");
	return 0;
}

int kbs_token_times(struct span token, struct kbs_times *out, struct err *err)
{
	auto_json json_t *claims = NULL;
	struct kbs_times times = { .exp = 0 };

	if (read_claims(token, &claims, err) < 0)
		return -1;
	if (json_opt_int(claims, "", "exp", 0, INT64_MAX, &times.exp, err) < 0 ||
			json_opt_int(claims, "", "nbf", 0, INT64_MAX, &times.nbf, err) < 0 ||
			json_opt_int(claims, "", "iat", 0, INT64_MAX, &times.iat, err) < 0)
		return err_wrap(err, "the token's claims");
	*out = times;
	return 0;
}

int kbs_response_parse(struct span body, struct buf *token, struct err *err)
{
	auto_json json_t *root = NULL;
	struct span payload = SPAN_NONE;
	const char *text = NULL;

	if (json_read(body, KBS_BODY_MAX, &root, err) < 0 ||
			json_get_text(root, "", "token", &text, err) < 0 ||
			find_payload(span_of(text), &payload, err) < 0)
		return -1;
	buf_puts(token, text);
	return buf_check(token, "the token", err);
}
