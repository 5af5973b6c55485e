/* SPDX-License-Identifier: Apache-2.0 */
/* image-crypt verify: every digest and, with keys, every HMAC of an image, without writing anything. */
#include "base/err.h"
#include "codec/json.h"
#include "codec/line.h"
#include "image-crypt/change.h"
#include "image-crypt/image.h"
#include "image-crypt/keyring.h"
#include "image-crypt/report.h"
#include "image-crypt/settings.h"
#include "image-crypt/verbs.h"
#include "image/rewrite.h"

#include <stdio.h>

struct verify {
	struct access_options access;
	struct opt_list keys;
	struct opt_list kbs_keys;
	bool digests_only;
	int output;
	bool quiet;
	const char *from;
};

/* What was found: layers whose HMAC is right, and those that could have one and have none. */
struct tally {
	size_t authentic;
	size_t plain;
};

static int plan(const struct verify *verify, struct change *change, const struct opener_list *openers,
		struct tally *tally, struct err *err)
{
	for (size_t i = 0; i < change->image->count; i++) {
		struct instance *instance = &change->image->instances[i];
		for (size_t l = 0; l < instance->manifest.count; l++) {
			const struct oci_descriptor *layer = &instance->manifest.layers[l];
			bool encrypted = rewrite_is_encrypted(layer->media_type);
			char type[REWRITE_TYPE_MAX];
			instance->chosen[l] = encrypted && !verify->digests_only;
			tally->plain += rewrite_encrypted_type(layer->media_type, type, NULL) == 0;
			tally->authentic += instance->chosen[l];
			if (instance->chosen[l] && change_decrypt(change, layer, openers, err) < 0)
				return err_wrap(err, "layer %zu of manifest %s", l, instance->bytes.digest);
		}
	}
	return 0;
}

static int report(const struct verify *verify, const struct image *image, const struct tally *tally,
		size_t blobs, struct err *err)
{
	if (verify->output == OUTPUT_JSON)
		return json_print(json_pack("{s:o, s:s, s:I, s:I, s:I}", "image",
						  json_line(OCI_TEXT_MAX, "%s", verify->from), "digest",
						  image->root.digest, "blobs", (json_int_t)blobs,
						  "authenticLayers", (json_int_t)tally->authentic,
						  "plainLayers", (json_int_t)tally->plain),
				err);
	if (printf("%s: %zu blobs have their digests, %zu encrypted layers their HMACs%s\n%s\n", verify->from,
			    blobs, tally->authentic, tally->plain ? "; not all layers are encrypted" : "",
			    image->root.digest) < 0)
		return err_errno(err, ERR_IO, "writing to standard output");
	return 0;
}

static int verify_image(const struct verify *verify, const struct access *access,
		const struct opener_list *openers, struct image *image, struct err *err)
{
	auto_change struct change change = { .image = NULL };
	struct tally tally = { 0 };

	if (change_begin(image, &change, err) < 0 || plan(verify, &change, openers, &tally, err) < 0 ||
			change_run(&change, &access->oci, NULL, verify->quiet, err) < 0)
		return -1;
	return report(verify, image, &tally, change.count, err);
}

static int run(void *settings, struct err *err)
{
	const struct verify *verify = settings;
	auto_access struct access access = { .ocicrypt_config = NULL };
	auto_keyring struct keyring ring = KEYRING_NONE;
	auto_image struct image image = { .count = 0 };
	struct wrap_settings wrap;

	if (access_init(&verify->access, &access, err) < 0 || access_wrap_settings(&access, &wrap, err) < 0 ||
			keyring_open(&wrap, &verify->keys, &verify->kbs_keys, &ring, err) < 0 ||
			image_load(verify->from, NULL, &access.oci, &image, err) < 0)
		return -1;
	return verify_image(verify, &access, &ring.openers, &image, err);
}

static const struct opt options[] = {
	KEY_OPTIONS(struct verify),
	OPT_FLAG(struct verify, digests_only, "digests-only", 0,
			"check the digests of encrypted layers, not their HMACs: needs no key"),
	OUTPUT_OPTION(struct verify),
	QUIET_OPTION(struct verify),
	ACCESS_OPTIONS(struct verify),
	OPT_END,
};

static const struct opt_arg args[] = {
	FROM_ARG(struct verify, "IMAGE"),
	OPT_ARG_END,
};

static const struct opt_example examples[] = {
	{ "before an image is trusted to a release",
			"image-crypt verify --kbs-key kbs:///default/image_key/nginx=image.key "
			"docker://registry.example/nginx:encrypted" },
	OPT_EXAMPLE_END,
};

const struct opt_verb verify_verb = {
	.name = "verify",
	.summary = "checks every digest and HMAC of an image",
	.description = "Reads every blob of every platform, and writes nothing. An encrypted layer that none "
		       "of the keys "
		       "opens is a failure.\n\n"
		       "The HMAC says that a layer is what the holder of its key made of it, not who that "
		       "was: whoever "
		       "can write to the registry can encrypt another image for the same recipients. Sign "
		       "images too.",
	.options = options,
	.args = args,
	.examples = examples,
	.size = sizeof(struct verify),
	.run = run,
};
