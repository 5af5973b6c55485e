/* SPDX-License-Identifier: Apache-2.0 */
/* image-crypt decrypt: the chosen layers of an image, in clear for everybody who can read the destination. */
#include "base/err.h"
#include "image-crypt/change.h"
#include "image-crypt/image.h"
#include "image-crypt/keyring.h"
#include "image-crypt/report.h"
#include "image-crypt/settings.h"
#include "image-crypt/source.h"
#include "image-crypt/verbs.h"
#include "image/rewrite.h"

struct decrypt {
	struct access_options access;
	struct opt_list keys;
	struct opt_list kbs_keys;
	struct opt_list layers;
	const char *platform;
	int output;
	bool quiet;
	const char *from;
	const char *to;
};

static int plan_layer(const struct decrypt *decrypt, struct change *change, struct instance *instance,
		size_t at, const struct opener_list *openers, struct err *err)
{
	const struct oci_descriptor *layer = &instance->manifest.layers[at];

	if (rewrite_is_encrypted(layer->media_type))
		return change_decrypt(change, layer, openers, err);
	if (decrypt->layers.count)
		return err_set(err, ERR_DENIED, "is not encrypted");
	instance->chosen[at] = false;
	return 0;
}

static int plan(const struct decrypt *decrypt, struct change *change, const struct opener_list *openers,
		struct err *err)
{
	struct image *image = change->image;

	for (size_t i = 0; i < image->count; i++) {
		struct instance *instance = &image->instances[i];
		for (size_t l = 0; l < instance->manifest.count; l++)
			if (instance->chosen[l] && plan_layer(decrypt, change, instance, l, openers, err) < 0)
				return err_wrap(err, "layer %zu of manifest %s", l, instance->bytes.digest);
	}
	return 0;
}

static int decrypt_image(const struct decrypt *decrypt, const struct access *access,
		const struct opener_list *openers, struct image *image, struct err *err)
{
	auto_change struct change change = { .image = NULL };
	auto_oci_dest struct oci_dest *dest = NULL;
	char digest[OCI_DIGEST_MAX];

	if (image_choose(image, decrypt->platform, &decrypt->layers, err) < 0 ||
			change_begin(image, &change, err) < 0 || plan(decrypt, &change, openers, err) < 0 ||
			image_dest(image, &access->oci, &dest, err) < 0 ||
			change_run(&change, &access->oci, dest, decrypt->quiet, err) < 0)
		return -1;
	source_remove(image);
	if (image_write(image, &access->oci, dest, digest, err) < 0)
		return -1;
	return report_change(&change, "decrypted", decrypt->to, digest, decrypt->output, err);
}

static int run(void *settings, struct err *err)
{
	const struct decrypt *decrypt = settings;
	auto_access struct access access = { .ocicrypt_config = NULL };
	auto_keyring struct keyring ring = KEYRING_NONE;
	auto_image struct image image = { .count = 0 };
	struct wrap_settings wrap;

	if (!decrypt->keys.count && !decrypt->kbs_keys.count)
		return err_set(err, ERR_USAGE, "with which key? Name at least one --key or --kbs-key");
	if (access_init(&decrypt->access, &access, err) < 0 ||
			access_wrap_settings(&access, &wrap, err) < 0 ||
			keyring_open(&wrap, &decrypt->keys, &decrypt->kbs_keys, &ring, err) < 0 ||
			image_load(decrypt->from, decrypt->to, &access.oci, &image, err) < 0)
		return -1;
	return decrypt_image(decrypt, &access, &ring.openers, &image, err);
}

static const struct opt options[] = {
	KEY_OPTIONS(struct decrypt),
	CHOICE_OPTIONS(struct decrypt, "decrypt"),
	OUTPUT_OPTION(struct decrypt),
	QUIET_OPTION(struct decrypt),
	ACCESS_OPTIONS(struct decrypt),
	OPT_END,
};

static const struct opt_arg args[] = {
	FROM_ARG(struct decrypt, "SOURCE"),
	TO_ARG(struct decrypt),
	OPT_ARG_END,
};

static const struct opt_example examples[] = {
	{ "with a private key, whose password is in a file",
			"image-crypt decrypt --key priv.pem:file=password oci:app:encrypted oci:app:plain" },
	{ "with the key that the broker gives to guests",
			"image-crypt decrypt --kbs-key kbs:///default/image_key/nginx=image.key "
			"docker://registry.example/nginx:encrypted oci:nginx:plain" },
	OPT_EXAMPLE_END,
};

const struct opt_verb decrypt_verb = {
	.name = "decrypt",
	.summary = "decrypts the layers of an image",
	.description = "Every encrypted layer is opened with the first of the keys that can. Nothing appears "
		       "at the "
		       "destination under its name before the HMAC of its last byte was right.",
	.options = options,
	.args = args,
	.examples = examples,
	.size = sizeof(struct decrypt),
	.run = run,
};
