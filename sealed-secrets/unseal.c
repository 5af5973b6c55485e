/* SPDX-License-Identifier: Apache-2.0 */
/* sealed-secrets unseal: what is inside, for tests and recovery, with the owner's own keys and files. */
#include "base/clock.h"
#include "base/err.h"
#include "kbs/offline.h"
#include "kbs/uri.h"
#include "kms/kms.h"
#include "sealed-secrets/input.h"
#include "sealed-secrets/jwks.h"
#include "sealed-secrets/verbs.h"
#include "sealed/token.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct unseal {
	const char *file;
	const char *also_file;
	struct opt_list keys;
	bool skip;
	const char *resources;
	const char *kms_folder;
	const char *kms_endpoint;
	const char *kms_ca;
	const char *to;
	bool force;
};

/* The signature, unless the owner does without. */
static int open_token(const struct unseal *settings, struct span text, struct sealed *out, struct err *err)
{
	auto_jwks struct jwks keys = JWKS_NONE;

	if (settings->skip) {
		fputs("warning: the signature is not verified\n", stderr);
		return sealed_read_unsigned(text, out, err);
	}
	if (!settings->keys.count)
		return err_set(err, ERR_USAGE, "--key is missing: the key that verifies the signature");
	if (jwks_load(&settings->keys, &keys, err) < 0 || sealed_read(text, out, err) < 0)
		return -1;
	const struct sealed_key *key = jwks_find(&keys, out->kid);
	if (!key)
		return err_set(err, ERR_NOT_FOUND,
				"none of the keys given is '%s', with which this is signed", out->kid);
	return sealed_verify(out, key->jwk, err);
}

static int open_offline(const struct unseal *settings, const char *name, struct secret *out, struct err *err)
{
	auto_offline struct offline set = OFFLINE_NONE;
	struct kbs_uri uri;

	if (!settings->resources)
		return err_set(err, ERR_USAGE,
				"the secret is the resource %s: --resources names a file that holds it, or "
				"fetch it in "
				"a guest with 'cocoon-guest get-resource'",
				name);
	if (kbs_uri_parse(span_of(name), &uri, err) < 0 || offline_load(settings->resources, &set, err) < 0)
		return -1;
	const struct secret *found = offline_find(&set, &uri);
	if (!found)
		return err_set(err, ERR_NOT_FOUND, "'%s' does not hold %s", settings->resources, name);
	return secret_from_span(out, secret_span(found), err);
}

static int open_kms(const struct unseal *settings, const struct sealed_secret *secret, struct secret *out,
		struct err *err)
{
	const struct kms_options options = { .folder = settings->kms_folder,
		.clock = &clock_real,
		.endpoint = settings->kms_endpoint,
		.ca_file = settings->kms_ca };
	auto_kms struct kms *kms = NULL;
	auto_secret struct secret data_key = SECRET_NONE;

	if (kms_open(secret->provider, secret->settings, &options, &kms, err) < 0)
		return -1;
	if (secret->type == SEALED_VAULT)
		return kms_get_secret(kms, secret->name, secret->annotations, out, err);
	if (kms_decrypt(kms, secret->key_id, buf_span(&secret->key), secret->annotations, &data_key, err) < 0)
		return -1;
	return sealed_data_open(secret, &data_key, out, err);
}

static int run(void *given, struct err *err)
{
	const struct unseal *settings = given;
	auto_wiped_buf struct buf room = BUF_MAX(INPUT_SEALED_MAX);
	auto_secret struct secret plain = SECRET_NONE;
	struct span text = SPAN_NONE;
	auto_sealed struct sealed sealed = SEALED_NONE;
	int result;

	if (settings->file && settings->also_file)
		return err_set(err, ERR_USAGE, "the file is said twice");
	if (input_sealed(settings->file ? settings->file : settings->also_file, &room, &text, err) < 0 ||
			open_token(settings, text, &sealed, err) < 0)
		return -1;
	const struct sealed_secret *secret = &sealed.secret;
	/* what was read has one */
	assert(secret->provider);
	if (secret->type == SEALED_VAULT && !strcasecmp(secret->provider, "kbs"))
		result = open_offline(settings, secret->name, &plain, err);
	else
		result = open_kms(settings, secret, &plain, err);
	return result < 0 ? -1 : output_secret(settings->to, secret_span(&plain), settings->force, err);
}

static const struct opt options[] = {
	OPT_TEXT(struct unseal, also_file, "file-path", 'f', "FILE", "the same as the argument FILE"),
	OPT_LIST(struct unseal, keys, "key", 0, "[KID=]FILE",
			"a key that verifies signatures: JWK or PEM; may be repeated"),
	OPT_FLAG(struct unseal, skip, "skip-verification", 's',
			"do not look at the signature, take the old form, too"),
	OPT_TEXT(struct unseal, resources, "resources", 0, "FILE",
			"where resources of a key broker are kept: {\"REPOSITORY/TYPE/TAG\": \"<base64>\"}"),
	OPT_TEXT(struct unseal, kms_folder, "kms-credentials", 'k', "DIR",
			"where the provider's credentials are"),
	OPT_TEXT(struct unseal, kms_endpoint, "kms-endpoint", 0, "URL",
			"the service, when not at its own host"),
	OPT_TEXT(struct unseal, kms_ca, "kms-ca", 0, "FILE", "the roots to trust there, in PEM"),
	OPT_TEXT(struct unseal, to, "to", 0, "FILE",
			"write the secret into a new file that its owner alone can read"),
	OPT_FLAG(struct unseal, force, "force", 0, "overwrite that file"),
	OPT_END,
};

static const struct opt_arg args[] = {
	OPT_MAYBE(struct unseal, file, "FILE", "the sealed string (standard input without it)"),
	OPT_ARG_END,
};

static const struct opt_example examples[] = {
	{ "an envelope, with the service's credentials",
			"sealed-secrets unseal db.sealed --key team-public.json --kms-credentials ./aws --to "
			"db.txt" },
	{ "a vault, from a copy of the broker's resources",
			"sealed-secrets unseal db.sealed --key team-public.json --resources resources.json" },
	OPT_EXAMPLE_END,
};

const struct opt_verb unseal_verb = {
	.name = "unseal",
	.summary = "opens a sealed secret, with the owner's keys",
	.description = "For tests and recovery: in a guest the daemon does this, after attestation. White "
		       "space around "
		       "the string is passed over, which a guest does not do.",
	.options = options,
	.args = args,
	.examples = examples,
	.size = sizeof(struct unseal),
	.run = run,
};
