/* SPDX-License-Identifier: Apache-2.0 */
#include "e2e/kbs/settings.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/own.h"
#include "base/random.h"
#include "base/span.h"
#include "e2e/kbs/broker.h"

#include <stdlib.h>
#include <string.h>

#define OPA "opa"

const struct opt settings_options[] = {
	OPT_TEXT(struct settings, listen, "listen", 'l', "ADDRESS:PORT",
			"where to listen; port 0: the system chooses, and the log tells"),
	OPT_TEXT(struct settings, cert, "cert", 0, "FILE",
			"certificate chain for https, PEM; goes with --key"),
	OPT_TEXT(struct settings, key, "key", 0, "FILE", "private key for https, PEM"),
	OPT_TEXT(struct settings, storage, "storage", 's', "DIR",
			"keep resources, policies and reference values there; in memory without it"),
	OPT_LIST(struct settings, resources, "resource", 'r', "PATH=FILE",
			"put a file's content at REPOSITORY/TYPE/TAG at the start; may be repeated"),
	OPT_TEXT(struct settings, audit, "audit", 0, "FILE",
			"append a line for every decision; '-' is standard error"),
	OPT_TEXT(struct settings, opa, "opa", 0, "FILE",
			"the program that evaluates Rego; opa of PATH without it"),
	OPT_ENUM(struct settings, policy, "policy", 'p', "POLICY",
			"who gets resources, until a policy is posted", release_policy_words),
	OPT_LIST(struct settings, allow_initdata, "allow-initdata", 0, "DIGEST[=GLOB]",
			"of guests whom the policy allows, only those with this init-data, and only these "
			"paths; may "
			"be repeated"),
	OPT_FLAG(struct settings, insecure_admin, "insecure-admin", 0, "let everybody administer"),
	OPT_LIST(struct settings, admin_keys, "admin-public-key", 0, "FILE",
			"let who signs with this key administer, PEM or JWK; may be repeated"),
	OPT_LIST(struct settings, admin_rules, "admin-rule", 0, "ROLE=REGEX",
			"what a role may do: paths between ^/kbs and $; may be repeated (default "
			"admin=^/kbs/.+$)"),
	OPT_TEXT(struct settings, admin_issuer, "admin-issuer", 0, "NAME",
			"iss that administrators' tokens must have"),
	OPT_TEXT(struct settings, admin_audience, "admin-audience", 0, "NAME",
			"aud that administrators' tokens must have"),
	OPT_TEXT(struct settings, signer_key, "signer-key", 0, "FILE",
			"private key of P-256 that signs tokens; a new one without it"),
	OPT_TEXT(struct settings, signer_cert, "signer-cert", 0, "FILE", "its certificate chain, PEM"),
	OPT_TEXT(struct settings, trust_cert, "trust-cert", 0, "FILE",
			"take tokens whose certificate leads to one of these, instead of all that are signed "
			"here"),
	OPT_TEXT(struct settings, trust_jwks, "trust-jwks", 0, "FILE",
			"take tokens that one of these keys signed, instead of all that are signed here"),
	OPT_FLAG(struct settings, insecure_header_jwk, "insecure-header-jwk", 0,
			"take every token with a key in it"),
	OPT_INT(struct settings, token_minutes, "token-minutes", 0, "N", 1, 1440, "how long tokens live"),
	OPT_FLAG(struct settings, brief_token, "brief-token", 0, "leave additional evidence out of tokens"),
	OPT_FLAG(struct settings, allow_older, "allow-older", 0,
			"serve guests that speak protocol 0.1 to 0.3, too"),
	OPT_FLAG(struct settings, verbose_errors, "verbose-errors", 0, "tell clients the causes of refusals"),
	OPT_ENUM(struct settings, log_level, "log-level", 0, "LEVEL", "what to log", log_level_words),
	OPT_END,
};

const struct settings settings_defaults = {
	.listen = "127.0.0.1:8080",
	.token_minutes = 5,
	.policy = RELEASE_DEFAULT,
	.log_level = LOG_INFO,
};

/* opa in PATH; NULL: it is not there. */
static char *search(void)
{
	const char *path = getenv("PATH");
	struct span rest = span_of(path), folder;

	while (span_next(&rest, ':', &folder)) {
		char *candidate = xasprintf("%.*s/" OPA, SPAN_ARG(folder));
		if (folder.len && access(candidate, X_OK) == 0)
			return candidate;
		free(candidate);
	}
	return NULL;
}

int settings_use(const struct settings *settings, struct broker_options *out, char **opa, struct err *err)
{
	if (settings->opa && access(settings->opa, X_OK) < 0)
		return err_errno(err, ERR_USAGE, "--opa '%s'", settings->opa);
	*opa = settings->opa ? xstrdup(settings->opa) : search();
	*out = (struct broker_options){
		.clock = &clock_real,
		.random = random_bytes,
		.storage = settings->storage,
		.audit = settings->audit,
		.opa = *opa,
		.signer_key = settings->signer_key,
		.signer_cert = settings->signer_cert,
		.trust_cert = settings->trust_cert,
		.trust_jwks = settings->trust_jwks,
		.insecure_header_jwk = settings->insecure_header_jwk,
		.token_seconds = settings->token_minutes * 60,
		.brief_token = settings->brief_token,
		.allow_older = settings->allow_older,
		.verbose_errors = settings->verbose_errors,
		.policy = (enum release_policy)settings->policy,
		.allow_initdata = settings->allow_initdata,
		.insecure_admin = settings->insecure_admin,
		.admin_keys = settings->admin_keys,
		.admin_rules = settings->admin_rules,
		.admin_issuer = settings->admin_issuer,
		.admin_audience = settings->admin_audience,
	};
	return 0;
}
