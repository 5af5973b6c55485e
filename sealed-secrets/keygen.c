/* SPDX-License-Identifier: Apache-2.0 */
/* sealed-secrets keygen: a pair to sign sealed secrets with, as JWKs. */
#include "base/alloc.h"
#include "base/b64.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/keyfile.h"
#include "base/own.h"
#include "codec/json.h"
#include "jose/jwk.h"
#include "sealed-secrets/input.h"
#include "sealed-secrets/jwks.h"
#include "sealed-secrets/verbs.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct keygen {
	const char *kid;
	const char *folder;
	bool force;
	int form;
};

#define KID "sealed-signing"

static char *pretty(const json_t *object)
{
	char *text = json_dumps(object, JSON_INDENT(2) | JSON_SORT_KEYS | JSON_ENSURE_ASCII);
	char *line = xasprintf("%s\n", text);

	explicit_bzero(text, strlen(text));
	free(text);
	return line;
}

/* Both halves as objects; the private one has d as well. */
static int make(const char *kid, json_t **private, json_t **public, struct err *err)
{
	auto_pkey struct pkey *key = NULL;
	auto_buf struct buf text = BUF_MAX(JWKS_TEXT_MAX);
	auto_json json_t *jwk = NULL, *both = NULL;

	if (pkey_generate(PKEY_P256, 0, &key, err) < 0 || jwks_format_public(key, kid, &text, err) < 0 ||
			json_read(buf_span(&text), JWKS_TEXT_MAX, &jwk, err) < 0 ||
			jwk_format_private(key, &both, err) < 0)
		return -1;
	json_object_update_missing(both, jwk);
	*private = take(&both);
	*public = take(&jwk);
	return 0;
}

/* The last part of a kid that is a URI: kbs:///default/signing-key/team gives "team". */
static const char *stem(const char *kid)
{
	const char *slash = strrchr(kid, '/');

	return slash ? slash + 1 : kid;
}

static int run(void *given, struct err *err)
{
	const struct keygen *settings = given;
	const char *name = stem(settings->kid);
	auto_json json_t *private = NULL, *public = NULL;

	if (!*name || *name == '.' || !span_is_utf8(span_of(name)))
		return err_set(err, ERR_USAGE, "the kid '%s' names no file", settings->kid);
	auto_free char *private_path = xasprintf("%s/%s-private.json", settings->folder, name);
	auto_free char *public_path = xasprintf("%s/%s-public.json", settings->folder, name);
	if (make(settings->kid, &private, &public, err) < 0)
		return -1;
	auto_free char *private_text = pretty(private), *public_text = pretty(public);
	int result = keyfile_write(
			private_path, span_of(private_text), KEYFILE_PRIVATE, settings->force, err);
	explicit_bzero(private_text, strlen(private_text));
	if (result < 0)
		return -1;
	if (keyfile_write(public_path, span_of(public_text), KEYFILE_PUBLIC, settings->force, err) < 0) {
		if (!settings->force)
			(void)unlink(private_path);
		return -1;
	}
	if (settings->form == FORM_JSON)
		return json_print(json_pack("{s:s,s:s,s:s}", "kid", settings->kid, "private", private_path,
						  "public", public_path),
				err);
	printf("%s\n%s\n", private_path, public_path);
	return 0;
}

static const struct opt options[] = {
	OPT_TEXT(struct keygen, kid, "kid", 0, "KID",
			"the key's id: where guests fetch the public half (sealed-signing without this "
			"option)"),
	OPT_TEXT(struct keygen, folder, "output-dir", 0, "DIR",
			"where the two files go (. without this option)"),
	OPT_FLAG(struct keygen, force, "force", 'f', "overwrite what is there"),
	OPT_ENUM(struct keygen, form, "output", 'o', "FORM", "how to say what was made", form_words),
	OPT_END,
};

static const struct opt_example examples[] = {
	{ "a key whose public half guests fetch from their key broker",
			"sealed-secrets keygen --kid kbs:///default/signing-key/team\n"
			"sealed-secrets provision --kbs https://kbs.example:8080 --auth-private-key "
			"admin.key \\\n"
			"    --resource kbs:///default/signing-key/team=team-public.json" },
	OPT_EXAMPLE_END,
};

static const struct keygen defaults = { .kid = KID, .folder = "." };

const struct opt_verb keygen_verb = {
	.name = "keygen",
	.summary = "makes a key to sign sealed secrets with",
	.description = "Writes NAME-private.json, which its owner alone can read, and NAME-public.json, "
		       "P-256 as "
		       "JWKs; NAME is the last part of the kid.\n\n"
		       "Guests find the key by its kid, which must therefore be the URI of a resource in "
		       "their "
		       "key broker: kbs:///REPOSITORY/TYPE/TAG. Nothing is overwritten without --force.",
	.options = options,
	.examples = examples,
	.size = sizeof(struct keygen),
	.defaults = &defaults,
	.run = run,
};
