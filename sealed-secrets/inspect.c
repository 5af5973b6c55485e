/* SPDX-License-Identifier: Apache-2.0 */
/* sealed-secrets inspect and verify: what a sealed secret says, and whether it is the owner's. */
#include "base/alloc.h"
#include "base/b64.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "sealed-secrets/input.h"
#include "sealed-secrets/jwks.h"
#include "sealed-secrets/verbs.h"
#include "sealed/lint.h"
#include "sealed/token.h"

#include <stdio.h>
#include <string.h>

struct look {
	const char *file;
	struct opt_list keys;
	int form;
};

/* The JSON in one of the parts between the dots; NULL when there is none. Padding is a finding, and shows nothing less. */
static json_t *part(struct span text, size_t index)
{
	auto_buf struct buf decoded = BUF_MAX(SEALED_MAX);
	struct span part = SPAN_NONE;
	json_t *tree = NULL;

	while (sealed_is(text))
		text = span_from(text, strlen(SEALED_PREFIX));
	for (size_t i = 0; i <= index; i++)
		if (!span_next(&text, '.', &part))
			return NULL;
	while (span_ends(part, "="))
		part.len--;
	if (b64url_decode(part, &decoded, NULL) < 0 ||
			json_read(buf_span(&decoded), SEALED_PAYLOAD_MAX, &tree, NULL) < 0)
		return NULL;
	return tree;
}

/*
 * "header", "payload" and the findings. What can be read is shown whatever the findings are, as of the old unsigned form,
 * whose header is none; what cannot is null, and a finding says why.
 */
static json_t *describe(struct span text, const struct jwks *keys)
{
	json_t *findings = json_array();

	sealed_lint(text, keys->items, keys->count, findings);
	return json_pack("{s:o?,s:o?,s:o}", "header", part(text, 0), "payload", part(text, 1), "findings",
			findings);
}

static bool has_errors(const json_t *findings)
{
	const json_t *item;
	size_t i;

	json_array_foreach (findings, i, item)
		if (!strcmp(json_text_at(item, "level", NULL), "error"))
			return true;
	return false;
}

/* Made fit for a terminal: who sealed it may be nobody's friend. */
static void print_member(const char *name, const json_t *value)
{
	auto_free char *text = NULL;

	if (json_is_string(value))
		text = xmemdup0(json_string_value(value), json_string_length(value));
	else if (json_is_object(value) && json_object_size(value))
		text = json_text(value, false);
	if (!text)
		return;
	span_tidy(text, strlen(text));
	printf("%-18s %s\n", name, text);
}

static void print_text(const json_t *told)
{
	static const char *const members[] = { "type", "version", "provider", "name", "key_id", "wrap_type",
		"provider_settings", "annotations", NULL };
	const json_t *payload = json_object_get(told, "payload"), *item;
	size_t i;

	print_member("kid", json_at(told, "header", "kid", NULL));
	print_member("alg", json_at(told, "header", "alg", NULL));
	for (const char *const *name = members; *name; name++)
		print_member(*name, json_object_get(payload, *name));
	json_array_foreach (json_object_get(told, "findings"), i, item)
		printf("%-18s %s\n", json_text_at(item, "level", NULL), json_text_at(item, "message", NULL));
}

static int run_inspect(void *given, struct err *err)
{
	const struct look *settings = given;
	auto_wiped_buf struct buf room = BUF_MAX(INPUT_SEALED_MAX);
	struct span text = SPAN_NONE;
	auto_jwks struct jwks keys = JWKS_NONE;

	if (jwks_load(&settings->keys, &keys, err) < 0 || input_sealed(settings->file, &room, &text, err) < 0)
		return -1;
	auto_json json_t *told = describe(text, &keys);
	int code = has_errors(json_object_get(told, "findings")) ? 1 : 0;
	if (settings->form == FORM_TEXT)
		print_text(told);
	else if (json_print(json_incref(told), err) < 0)
		return -1;
	return code;
}

static int run_verify(void *given, struct err *err)
{
	const struct look *settings = given;
	auto_wiped_buf struct buf room = BUF_MAX(INPUT_SEALED_MAX);
	struct span text = SPAN_NONE;
	auto_jwks struct jwks keys = JWKS_NONE;
	auto_sealed struct sealed sealed = SEALED_NONE;

	if (!settings->keys.count)
		return err_set(err, ERR_USAGE, "--key is missing: the key that verifies the signature");
	if (jwks_load(&settings->keys, &keys, err) < 0 ||
			input_sealed(settings->file, &room, &text, err) < 0 ||
			sealed_read(text, &sealed, err) < 0)
		return -1;
	const struct sealed_key *key = jwks_find(&keys, sealed.kid);
	if (!key)
		return err_set(err, ERR_NOT_FOUND,
				"none of the keys given is '%s', with which this is signed", sealed.kid);
	if (sealed_verify(&sealed, key->jwk, err) < 0)
		return -1;
	if (settings->form == FORM_JSON)
		return json_print(json_pack("{s:b,s:s}", "verified", 1, "kid", sealed.kid), err);
	printf("verified with %s\n", sealed.kid);
	return 0;
}

static const struct opt options[] = {
	OPT_LIST(struct look, keys, "key", 0, "[KID=]FILE",
			"a key that verifies signatures: JWK or PEM; may be repeated"),
	OPT_ENUM(struct look, form, "output", 'o', "FORM", "what to write", form_words),
	OPT_END,
};

static const struct opt_arg args[] = {
	OPT_MAYBE(struct look, file, "FILE", "the sealed string (standard input without it)"),
	OPT_ARG_END,
};

static const struct opt_example inspect_examples[] = {
	{ "a secret of the cluster",
			"kubectl get secret db -o jsonpath='{.data.password}' | base64 -d | sealed-secrets "
			"inspect" },
	OPT_EXAMPLE_END,
};

static const struct opt_example verify_examples[] = {
	{ "with the owner's public key", "sealed-secrets verify db.sealed --key team-public.json" },
	OPT_EXAMPLE_END,
};

const struct opt_verb inspect_verb = {
	.name = "inspect",
	.summary = "says what a sealed secret is, without opening it",
	.description = "Shows the key's id, the provider and the resource, and what a guest would object to. "
		       "Exits with 1 "
		       "when a guest would refuse it.",
	.options = options,
	.args = args,
	.examples = inspect_examples,
	.size = sizeof(struct look),
	.run = run_inspect,
};

const struct opt_verb verify_verb = {
	.name = "verify",
	.summary = "checks the signature of a sealed secret",
	.description = "Exits with 0 when one of the keys, chosen by its kid, verifies the signature.",
	.options = options,
	.args = args,
	.examples = verify_examples,
	.size = sizeof(struct look),
	.run = run_verify,
};
