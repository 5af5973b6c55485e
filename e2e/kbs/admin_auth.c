/* SPDX-License-Identifier: Apache-2.0 */
#include "e2e/kbs/admin_auth.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/own.h"
#include "codec/json.h"
#include "crypto/pkey.h"
#include "e2e/kbs/bearer.h"
#include "jose/jwk.h"
#include "jose/jws.h"

#include <regex.h>
#include <string.h>

#define LEEWAY  60
#define KEY_MAX 65536

struct rule {
	char *role;
	regex_t paths;
	bool compiled;
};

struct admin_auth {
	bool insecure;
	char *issuer, *audience;
	struct jwk keys[OPT_LIST_MAX];
	size_t key_count;
	struct rule rules[OPT_LIST_MAX];
	size_t rule_count;
};

void admin_auth_free(struct admin_auth *auth)
{
	if (!auth)
		return;
	for (size_t i = 0; i < auth->key_count; i++)
		jwk_clear(&auth->keys[i]);
	for (size_t i = 0; i < auth->rule_count; i++) {
		free(auth->rules[i].role);
		if (auth->rules[i].compiled)
			regfree(&auth->rules[i].paths);
	}
	free(auth->issuer);
	free(auth->audience);
	free(auth);
}

/* PEM, DER or a JWK. */
static int read_key(const char *path, struct jwk *out, struct err *err)
{
	auto_buf struct buf text = BUF_MAX(KEY_MAX);

	if (fs_read(path, &text, err) < 0)
		return -1;
	if (jwk_is(buf_span(&text)))
		return jwk_parse(buf_span(&text), out, err);
	return pkey_parse(buf_span(&text), NULL, &out->key, err);
}

static int read_rule(const char *text, struct rule *rule, struct err *err)
{
	const char *equals = strchr(text, '=');
	char why[128];

	if (!equals || equals == text || equals - text >= ADMIN_ROLE_MAX)
		return err_set(err, ERR_USAGE, "the rule '%s' is not of the form ROLE=REGEX", text);
	struct span paths = span_of(equals + 1);
	if (!span_starts(paths, "^/kbs") || !span_ends(paths, "$"))
		return err_set(err, ERR_USAGE, "the rule '%s' does not begin with ^/kbs and end with $",
				text);
	rule->role = xmemdup0(text, (size_t)(equals - text));
	int status = regcomp(&rule->paths, equals + 1, REG_EXTENDED | REG_NOSUB);
	rule->compiled = status == 0;
	if (status == 0)
		return 0;
	regerror(status, &rule->paths, why, sizeof(why));
	return err_set(err, ERR_USAGE, "the rule '%s': %s", text, why);
}

static int fill(struct admin_auth *auth, const struct admin_auth_options *options, struct err *err)
{
	static const struct opt_list standard = { .items = { ADMIN_RULE_DEFAULT }, .count = 1 };
	const struct opt_list *rules = options->rules->count ? options->rules : &standard;

	for (size_t i = 0; i < options->public_keys->count; i++)
		if (read_key(options->public_keys->items[i], &auth->keys[auth->key_count++], err) < 0)
			return err_wrap(err, "the administrator's key '%s'", options->public_keys->items[i]);
	for (size_t i = 0; i < rules->count; i++)
		if (read_rule(rules->items[i], &auth->rules[auth->rule_count++], err) < 0)
			return -1;
	return 0;
}

int admin_auth_open(const struct admin_auth_options *options, struct admin_auth **out, struct err *err)
{
	if (options->insecure && options->public_keys->count)
		return err_set(err, ERR_USAGE,
				"an administrator's key and insecure administration exclude each other");
	struct admin_auth *auth = xcalloc(1, sizeof(*auth));
	auth->insecure = options->insecure;
	auth->issuer = options->issuer ? xstrdup(options->issuer) : NULL;
	auth->audience = options->audience ? xstrdup(options->audience) : NULL;
	if (fill(auth, options, err) < 0) {
		admin_auth_free(auth);
		return -1;
	}
	*out = auth;
	return 0;
}

/* ---- one request -------------------------------------------------------------------------------------------- */

static bool has_audience(const json_t *claim, const char *wanted)
{
	const json_t *item;
	size_t i;

	if (json_is_string(claim))
		return strcmp(json_string_value(claim), wanted) == 0;
	json_array_foreach (claim, i, item)
		if (json_is_string(item) && strcmp(json_string_value(item), wanted) == 0)
			return true;
	return false;
}

static bool are_for_us(const struct admin_auth *auth, const json_t *claims, int64_t now)
{
	const json_t *exp = json_object_get(claims, "exp");
	const char *issuer = json_string_value(json_object_get(claims, "iss"));

	if (!json_is_integer(exp) || json_integer_value(exp) <= now - LEEWAY)
		return false;
	if (auth->issuer && (!issuer || strcmp(issuer, auth->issuer) != 0))
		return false;
	return !auth->audience || has_audience(json_object_get(claims, "aud"), auth->audience);
}

/* The claims of a token that one of the keys signed; NULL otherwise. */
static json_t *verify(const struct admin_auth *auth, struct span token)
{
	auto_jws struct jws jws = JWS_NONE;
	json_t *claims = NULL;

	if (jws_read(token, &jws, NULL) < 0)
		return NULL;
	for (size_t i = 0; i < auth->key_count; i++)
		if (jws_verify(&jws, &auth->keys[i], NULL) == 0)
			return json_read(buf_span(&jws.payload), JWS_MAX, &claims, NULL) == 0 ? claims : NULL;
	return NULL;
}

static bool may(const struct admin_auth *auth, const char *role, const char *uri)
{
	for (size_t i = 0; i < auth->rule_count; i++)
		if (strcmp(auth->rules[i].role, role) == 0 &&
				regexec(&auth->rules[i].paths, uri, 0, NULL, 0) == 0)
			return true;
	return false;
}

static int check_token(const struct admin_auth *auth, struct span token, const char *uri, int64_t now,
		char role[static ADMIN_ROLE_MAX], struct err *err)
{
	auto_json json_t *claims = verify(auth, token);

	if (!claims || !are_for_us(auth, claims, now))
		return err_set(err, ERR_DENIED,
				"Admin access denied: Cannot verify token with any of the issuers");
	const char *claim = json_string_value(json_object_get(claims, "role"));
	if (!claim)
		return err_set(err, ERR_DENIED,
				"Admin access denied: Failed to parse claims from token: AdminAccessDenied { "
				"reason: \"Missing required `role` claim in JWT\" }");
	snprintf(role, ADMIN_ROLE_MAX, "%s", claim);
	if (!may(auth, claim, uri))
		return err_set(err, ERR_DENIED, "Admin access denied: Role %s not allowed for path %s", claim,
				uri);
	return 0;
}

int admin_auth_check(const struct admin_auth *auth, struct span authorization, const char *uri, int64_t now,
		char role[static ADMIN_ROLE_MAX], struct err *err)
{
	struct span token = SPAN_NONE;

	role[0] = '\0';
	if (auth->insecure) {
		snprintf(role, ADMIN_ROLE_MAX, "anybody");
		return 0;
	}
	if (!auth->key_count)
		return err_set(err, ERR_DENIED,
				"Admin access denied: Admin access denied as DenyAll authorization_mode is "
				"enabled");
	if (!bearer_token(authorization, &token))
		return err_set(err, ERR_DENIED, "Failed to parse HTTP Auth Bearer header");
	return check_token(auth, token, uri, now, role, err);
}
