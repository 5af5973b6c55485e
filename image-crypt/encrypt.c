/* SPDX-License-Identifier: Apache-2.0 */
/* image-crypt encrypt: the chosen layers of an image, readable from then on by the recipients alone. */
#include "base/err.h"
#include "codec/json.h"
#include "image-crypt/change.h"
#include "image-crypt/image.h"
#include "image-crypt/keyring.h"
#include "image-crypt/report.h"
#include "image-crypt/settings.h"
#include "image-crypt/source.h"
#include "image-crypt/verbs.h"
#include "image/rewrite.h"

#include <stdio.h>
#include <string.h>

enum target { TARGET_AUTO, TARGET_GUEST, TARGET_CONTAINERD };

struct encrypt {
	struct access_options access;
	struct opt_list recipients;
	struct opt_list kbs_keys;
	struct opt_list layers;
	const char *platform;
	int packet;
	int target;
	int output;
	bool no_source;
	bool quiet;
	const char *from;
	const char *to;
};

/* Recipients that ask a key provider are guests, unless the owner knows better. */
static bool for_guest(const struct encrypt *encrypt, const struct recipients *recipients)
{
	bool provider = false;

	for (size_t i = 0; i < recipients->count; i++)
		provider |= !strncmp(recipients->items[i]->scheme, "provider.", strlen("provider."));
	return encrypt->target == TARGET_GUEST || (encrypt->target == TARGET_AUTO && provider);
}

/* With no --layer what cannot be encrypted is left as it is; a layer that was asked for must be encrypted. */
static int plan_layer(const struct encrypt *encrypt, struct change *change, struct instance *instance,
		size_t at, const struct recipients *recipients, struct err *err)
{
	const struct oci_descriptor *layer = &instance->manifest.layers[at];
	char type[REWRITE_TYPE_MAX];

	if (rewrite_is_encrypted(layer->media_type))
		return err_set(err, ERR_DENIED,
				"is encrypted already: 'image-crypt rewrap' adds recipients, and --layer "
				"chooses others");
	if (rewrite_encrypted_type(layer->media_type, type, err) < 0) {
		if (encrypt->layers.count)
			return -1;
		instance->chosen[at] = false;
		err_clear(err);
		return 0;
	}
	if (for_guest(encrypt, recipients) && strstr(type, "+zstd"))
		return err_set(err, ERR_DENIED,
				"is compressed with zstd, which confidential guests do not unpack when it is "
				"encrypted: "
				"build the image with gzip, or say --target containerd if that alone will "
				"read it");
	return change_encrypt(change, layer, recipients, err);
}

static int plan(const struct encrypt *encrypt, struct change *change, const struct recipients *recipients,
		struct err *err)
{
	struct image *image = change->image;
	size_t chosen = 0;

	for (size_t i = 0; i < image->count; i++) {
		struct instance *instance = &image->instances[i];
		for (size_t l = 0; l < instance->manifest.count; l++) {
			if (!instance->chosen[l])
				continue;
			if (plan_layer(encrypt, change, instance, l, recipients, err) < 0)
				return err_wrap(err, "layer %zu of manifest %s", l, instance->bytes.digest);
			chosen += instance->chosen[l];
		}
	}
	return chosen ? 0
		      : err_set(err, ERR_DENIED, "'%s' has no layer that could be encrypted",
					image->place->text);
}

/* What is about to be written, looked at once more: an image that stays readable must never pass for encrypted. */
static int check(const struct image *image, const struct recipients *recipients, struct err *err)
{
	const char *schemes[RECIPIENTS_MAX];

	for (size_t i = 0; i < recipients->count; i++)
		schemes[i] = recipients->items[i]->scheme;
	for (size_t i = 0; i < image->count; i++) {
		const struct instance *instance = &image->instances[i];
		if (rewrite_check(instance->manifest.json, instance->chosen, instance->manifest.count,
				    schemes, recipients->count, err) < 0)
			return err_wrap(err, "the new form of manifest %s", instance->bytes.digest);
	}
	return 0;
}

/* A layer that another platform or --layer left out names too goes along in clear: the owner should know. */
static void warn_of_clear(const struct change *change)
{
	for (size_t i = 0; i < change->count; i++) {
		const struct task *task = &change->tasks[i];
		if (task->work == LAYER_ENCRYPT && change_task(change, LAYER_COPY, task->blob.digest))
			fprintf(stderr,
					"warning: %s lies at the destination in clear as well: a manifest "
					"names it "
					"that was not chosen\n",
					task->blob.digest);
	}
}

static int encrypt_image(const struct encrypt *encrypt, const struct access *access,
		const struct recipients *recipients, struct image *image, struct err *err)
{
	auto_change struct change change = { .image = NULL };
	auto_oci_dest struct oci_dest *dest = NULL;
	char digest[OCI_DIGEST_MAX];

	if (image_choose(image, encrypt->platform, &encrypt->layers, err) < 0 ||
			change_begin(image, &change, err) < 0 ||
			plan(encrypt, &change, recipients, err) < 0 ||
			image_dest(image, &access->oci, &dest, err) < 0 ||
			change_run(&change, &access->oci, dest, encrypt->quiet, err) < 0)
		return -1;
	if (!encrypt->no_source)
		source_record(image);
	if (check(image, recipients, err) < 0 || image_write(image, &access->oci, dest, digest, err) < 0)
		return -1;
	warn_of_clear(&change);
	return report_change(&change, "encrypted", encrypt->to, digest, encrypt->output, err);
}

static int run(void *settings, struct err *err)
{
	const struct encrypt *encrypt = settings;
	auto_access struct access access = { .ocicrypt_config = NULL };
	auto_recipients struct recipients recipients = { .count = 0 };
	auto_image struct image image = { .count = 0 };
	struct wrap_settings wrap;

	if (!encrypt->recipients.count && !encrypt->kbs_keys.count)
		return err_set(err, ERR_USAGE,
				"who may read the image? Name at least one --recipient or --kbs-key");
	if (access_init(&encrypt->access, &access, err) < 0 || access_wrap_settings(&access, &wrap, err) < 0)
		return -1;
	wrap.packet_v2 = encrypt->packet;
	if (recipients_open(&wrap, &encrypt->recipients, &encrypt->kbs_keys, &recipients, err) < 0 ||
			image_load(encrypt->from, encrypt->to, &access.oci, &image, err) < 0)
		return -1;
	return encrypt_image(encrypt, &access, &recipients, &image, err);
}

static const char *const targets[] = { "auto", "guest", "containerd", NULL };

static const struct opt options[] = {
	OPT_LIST(struct encrypt, recipients, "recipient", 'r', "RECIPIENT",
			"who may read it: jwe:FILE, pkcs7:FILE, pgp:NAME, pkcs11:FILE, "
			"provider:NAME[:PARAMETERS]; "
			"may be repeated"),
	OPT_LIST(struct encrypt, kbs_keys, "kbs-key", 0, "URI=FILE",
			"wraps for guests that get the key in FILE (32 bytes) from their key broker as "
			"kbs:///REPOSITORY/TYPE/TAG; may be repeated"),
	CHOICE_OPTIONS(struct encrypt, "encrypt"),
	PACKET_OPTION(struct encrypt),
	OPT_ENUM(struct encrypt, target, "target", 0, "READER",
			"who will unpack it: layers that a guest cannot unpack are refused unless it is "
			"containerd",
			targets),
	OPT_FLAG(struct encrypt, no_source, "no-source", 0,
			"do not write the digest of the plain image into the encrypted one"),
	OUTPUT_OPTION(struct encrypt),
	QUIET_OPTION(struct encrypt),
	ACCESS_OPTIONS(struct encrypt),
	OPT_END,
};

static const struct opt_arg args[] = {
	FROM_ARG(struct encrypt, "SOURCE"),
	TO_ARG(struct encrypt),
	OPT_ARG_END,
};

static const struct opt_example examples[] = {
	{ "for confidential guests, whose key broker gives them the key",
			"image-crypt keygen --type kek image.key\n"
			"image-crypt encrypt --kbs-key kbs:///default/image_key/nginx=image.key "
			"docker://nginx:1.27 "
			"docker://registry.example/nginx:encrypted" },
	{ "for the holder of an RSA or EC key",
			"image-crypt encrypt -r jwe:pub.pem oci:app:1 oci:app:encrypted" },
	OPT_EXAMPLE_END,
};

const struct opt_verb encrypt_verb = {
	.name = "encrypt",
	.summary = "encrypts the layers of an image",
	.description = "Every chosen layer gets a key of its own, which is wrapped for every recipient. "
		       "Layers that are "
		       "not chosen keep their bytes and digests; an index of several platforms stays one. "
		       "The image's "
		       "config stays readable for everybody: environment, entry point, history.\n\n"
		       "The digest of the plain image stands in the encrypted one's annotation "
		       "dev.cocoon.image.source, so that who checks signatures can tell an image that was "
		       "signed "
		       "before it was encrypted.\n\n"
		       "Layers are encrypted as they are stored: their compression does not change.",
	.options = options,
	.args = args,
	.examples = examples,
	.size = sizeof(struct encrypt),
	.run = run,
};
