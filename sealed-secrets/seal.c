/* SPDX-License-Identifier: Apache-2.0 */
/* sealed-secrets seal: a string that only an attested guest can turn into the secret. */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "codec/yaml.h"
#include "kms/kms.h"
#include "sealed-secrets/input.h"
#include "sealed-secrets/jwks.h"
#include "sealed-secrets/verbs.h"
#include "sealed/secret.h"
#include "sealed/token.h"
#include "sealed/tree.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct seal {
	const char *type;
	const char *name;
	const char *key;
	const char *kid;
	const char *jwk_path;
	const char *signing_kid;
	const char *resource_uri;
	const char *provider;
	const char *settings;
	const char *annotations;
	const char *key_id;
	const char *file;
	const char *kms_folder;
	const char *kms_endpoint;
	const char *kms_ca;
	int form;
	const char *secret_name;
	const char *secret_key;
	const char *namespace;
};

enum { AS_TEXT, AS_JSON, AS_SECRET };
static const char *const as_words[] = { "text", "json", "secret", NULL };

#define DATA_KEY 32

/* Of two spellings of one option at most one is used. */
static int either(const char *a, const char *b, const char *what, const char **out, struct err *err)
{
	if (a && b)
		return err_set(err, ERR_USAGE, "%s is said twice", what);
	*out = a ? a : b;
	return 0;
}

static int read_object(const char *option, const char *text, json_t **out, struct err *err)
{
	if (!text) {
		*out = json_object();
		return 0;
	}
	if (sealed_tree_parse(span_of(text), false, out, err) < 0) {
		err->kind = ERR_USAGE;
		return err_wrap(err, "%s", option);
	}
	if (!json_is_object(*out))
		return err_set(err, ERR_USAGE, "%s: is no JSON object", option);
	return 0;
}

static int make_vault(const struct seal *settings, struct sealed_secret *out, struct err *err)
{
	const char *name = NULL;
	char why[256];

	if (either(settings->name, settings->resource_uri, "the resource", &name, err) < 0)
		return -1;
	if (settings->key_id || settings->file)
		return err_set(err, ERR_USAGE,
				"a vault only names its secret: --key-id and --file-path are for envelopes; "
				"put the "
				"secret into the key broker with 'sealed-secrets provision'");
	if (!name)
		return err_set(err, ERR_USAGE, "which secret? Say its resource: kbs:///REPOSITORY/TYPE/TAG");
	out->type = SEALED_VAULT;
	out->provider = xstrdup(settings->provider ? settings->provider : "kbs");
	if (!strcasecmp(out->provider, "kbs") && !sealed_name_is_good(name, why, sizeof(why)))
		return err_set(err, ERR_USAGE, "'%s': %s", name, why);
	out->name = xstrdup(name);
	return read_object("--annotations", settings->annotations, &out->annotations, err);
}

/* Encrypts the secret with a new data key, which the service wraps. */
static int make_envelope(const struct seal *settings, struct sealed_secret *out, struct err *err)
{
	auto_kms struct kms *kms = NULL;
	auto_secret struct secret plain = SECRET_NONE, data_key = SECRET_NONE;
	const struct kms_options options = { .folder = settings->kms_folder,
		.clock = &clock_real,
		.endpoint = settings->kms_endpoint,
		.ca_file = settings->kms_ca };

	if (!settings->provider || !settings->key_id)
		return err_set(err, ERR_USAGE,
				"an envelope needs --provider (aliyun, aws, ehsm) and --key-id of a key "
				"there");
	if (settings->name || settings->resource_uri || settings->annotations)
		return err_set(err, ERR_USAGE,
				"an envelope carries its secret: leave out resource and annotations");
	auto_json json_t *given = take(&out->settings);
	if (kms_open(settings->provider, given, &options, &kms, err) < 0 ||
			kms_settings(kms, &out->settings, err) < 0 ||
			input_secret(settings->file, &plain, err) < 0 ||
			secret_random(&data_key, DATA_KEY, err) < 0 ||
			sealed_data_seal(&data_key, &plain, out, err) < 0)
		return -1;
	out->type = SEALED_ENVELOPE;
	out->provider = xstrdup(settings->provider);
	out->key_id = xstrdup(settings->key_id);
	return kms_encrypt(kms, out->key_id, &data_key, &out->key, &out->annotations, err);
}

static int make_payload(const struct seal *settings, struct buf *payload, struct err *err)
{
	auto_sealed_secret struct sealed_secret secret = SEALED_SECRET_NONE;
	int result;

	secret.version = xstrdup(SEALED_VERSION);
	if (read_object("--provider-settings", settings->settings, &secret.settings, err) < 0)
		return -1;
	if (!strcmp(settings->type, "vault"))
		result = make_vault(settings, &secret, err);
	else if (!strcmp(settings->type, "envelope"))
		result = make_envelope(settings, &secret, err);
	else
		return err_set(err, ERR_USAGE, "'%s' is neither vault nor envelope", settings->type);
	if (result < 0)
		return -1;
	sealed_secret_format(&secret, payload);
	return buf_check(payload, "the payload", err);
}

/* A Secret that an ordinary cluster keeps, and that is of no use to it. */
static int print_secret(const struct seal *settings, const char *sealed, struct err *err)
{
	auto_buf struct buf text = BUF_MAX(2 * SEALED_MAX);
	auto_json json_t *secret = json_pack("{s:s,s:s,s:{s:s},s:s,s:{s:s}}", "apiVersion", "v1", "kind",
			"Secret", "metadata", "name", settings->secret_name, "type", "Opaque", "stringData",
			settings->secret_key, sealed);

	if (!secret)
		return err_set(err, ERR_USAGE, "--name and --data-key are no text in UTF-8");
	if (settings->namespace)
		json_object_set_new(json_object_get(secret, "metadata"), "namespace",
				json_string(settings->namespace));
	yaml_write(&text, secret);
	if (buf_check(&text, "the Secret", err) < 0)
		return -1;
	fputs(buf_text(&text), stdout);
	return 0;
}

static int print(const struct seal *settings, const char *kid, const struct buf *payload, const char *sealed,
		struct err *err)
{
	if (settings->form == AS_SECRET)
		return print_secret(settings, sealed, err);
	if (settings->form == AS_JSON) {
		auto_json json_t *tree = NULL;
		if (json_read(buf_span(payload), SEALED_PAYLOAD_MAX, &tree, err) < 0)
			return -1;
		return json_print(json_pack("{s:s,s:s,s:O}", "sealed", sealed, "kid", kid, "payload", tree),
				err);
	}
	/* a newline in a file would be part of the secret and undo it */
	printf("%s%s", sealed, isatty(STDOUT_FILENO) ? "\n" : "");
	return 0;
}

static int run(void *given, struct err *err)
{
	const struct seal *settings = given;
	auto_buf struct buf payload = BUF_MAX(SEALED_PAYLOAD_MAX), sealed = BUF_MAX(SEALED_MAX);
	auto_pkey struct pkey *key = NULL;
	auto_free char *kid = NULL;
	const char *path = NULL, *kid_given = NULL;
	char why[256];

	if (either(settings->key, settings->jwk_path, "the signing key", &path, err) < 0 ||
			either(settings->kid, settings->signing_kid, "the kid", &kid_given, err) < 0)
		return -1;
	if (!path)
		return err_set(err, ERR_USAGE, "--key is missing: the private key to sign with");
	if ((settings->form == AS_SECRET) != (settings->secret_name && settings->secret_key))
		return err_set(err, ERR_USAGE, "--output secret goes with --name and --data-key");
	if (jwks_signing(path, kid_given, &key, &kid, err) < 0 || make_payload(settings, &payload, err) < 0 ||
			sealed_seal(buf_span(&payload), kid, key, &sealed, err) < 0)
		return -1;
	if (!sealed_name_is_good(kid, why, sizeof(why)))
		fprintf(stderr,
				"warning: guests fetch the key by its kid, and '%s' is no resource of a key "
				"broker (kbs:///…): %s\n",
				kid, why);
	return print(settings, kid, &payload, buf_text(&sealed), err);
}

static const struct opt options[] = {
	OPT_TEXT(struct seal, key, "key", 0, "FILE", "the private P-256 key to sign with: JWK or PEM"),
	OPT_TEXT(struct seal, kid, "kid", 0, "KID",
			"its id, when it is not in the JWK: kbs:///REPOSITORY/TYPE/TAG"),
	OPT_TEXT(struct seal, jwk_path, "signing-jwk-path", 0, "FILE", "the same as --key"),
	OPT_TEXT(struct seal, signing_kid, "signing-kid", 0, "KID", "the same as --kid"),
	OPT_TEXT(struct seal, resource_uri, "resource-uri", 'r', "URI",
			"vault: the same as the argument URI"),
	OPT_TEXT(struct seal, provider, "provider", 'p', "NAME",
			"who has the secret (vault: kbs without this option, aliyun, aws), or the key of the "
			"envelope "
			"(aliyun, aws, ehsm)"),
	OPT_TEXT(struct seal, settings, "provider-settings", 0, "JSON", "of the provider: a JSON object"),
	OPT_TEXT(struct seal, annotations, "annotations", 'a', "JSON",
			"vault, of the provider: a JSON object"),
	OPT_TEXT(struct seal, key_id, "key-id", 'k', "ID", "envelope: the provider's key"),
	OPT_TEXT(struct seal, file, "file-path", 'f', "FILE",
			"envelope: the secret (standard input without this option; fd:NUMBER for a "
			"descriptor)"),
	OPT_TEXT(struct seal, kms_folder, "kms-credentials", 0, "DIR",
			"envelope: where the provider's credentials are"),
	OPT_TEXT(struct seal, kms_endpoint, "kms-endpoint", 0, "URL",
			"envelope: the service, when not at its own host"),
	OPT_TEXT(struct seal, kms_ca, "kms-ca", 0, "FILE", "envelope: the roots to trust there, in PEM"),
	OPT_ENUM(struct seal, form, "output", 'o', "FORM", "what to write", as_words),
	OPT_TEXT(struct seal, secret_name, "name", 0, "NAME", "of the Secret, with --output secret"),
	OPT_TEXT(struct seal, secret_key, "data-key", 0, "KEY", "in the Secret, with --output secret"),
	OPT_TEXT(struct seal, namespace, "namespace", 'n', "NAMESPACE", "of the Secret"),
	OPT_END,
};

static const struct opt_arg args[] = {
	OPT_ONE(struct seal, type, "vault|envelope",
			"a name for a secret elsewhere, or the secret itself, encrypted"),
	OPT_MAYBE(struct seal, name, "URI", "vault: the resource, kbs:///REPOSITORY/TYPE/TAG"),
	OPT_ARG_END,
};

static const struct opt_example examples[] = {
	{ "a name for a secret that the key broker gives to attested guests",
			"sealed-secrets seal vault kbs:///default/db/password --key team-private.json" },
	{ "the same as a Secret for kubectl",
			"sealed-secrets seal vault kbs:///default/db/password --key team-private.json \\\n"
			"    --output secret --name db --data-key password | kubectl apply -f -" },
	{ "the secret itself, under a key of a key management service",
			"sealed-secrets seal envelope --key team-private.json --provider aws --key-id "
			"alias/app \\\n"
			"    --provider-settings '{\"region\":\"eu-west-1\"}' --kms-credentials ./aws "
			"<password.txt" },
	OPT_EXAMPLE_END,
};

const struct opt_verb seal_verb = {
	.name = "seal",
	.summary = "makes a sealed secret",
	.description = "A vault names a secret that lies in a key broker, which gives it to attested guests "
		       "alone. An "
		       "envelope holds the secret, encrypted with a data key that a key management service "
		       "has "
		       "wrapped.\n\n"
		       "Both are signed with ES256; guests find the key by its kid. Equal inputs give equal "
		       "bytes, but "
		       "for the key and nonce of an envelope. Into a file or pipe the string is written "
		       "without a "
		       "newline, which would be part of it.",
	.options = options,
	.args = args,
	.examples = examples,
	.size = sizeof(struct seal),
	.run = run,
};
