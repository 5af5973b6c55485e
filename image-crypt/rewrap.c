/* SPDX-License-Identifier: Apache-2.0 */
/* image-crypt rewrap: other recipients for the same encrypted bytes. */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "codec/json.h"
#include "image-crypt/change.h"
#include "image-crypt/image.h"
#include "image-crypt/keyring.h"
#include "image-crypt/report.h"
#include "image-crypt/settings.h"
#include "image-crypt/verbs.h"
#include "image/annotation.h"
#include "image/packet.h"
#include "image/rewrite.h"

#include <stdio.h>
#include <stdlib.h>

struct rewrap {
	struct access_options access;
	struct opt_list keys;
	struct opt_list kbs_keys;
	struct opt_list add;
	struct opt_list remove;
	struct opt_list layers;
	const char *platform;
	int packet;
	int output;
	bool quiet;
	const char *from;
	const char *to;
};

/* ---- adding ---- */

/* The private options as the wrappers take them; empty when nobody is added. */
static int open_layer(const json_t *annotations, const struct recipients *recipients,
		const struct opener_list *openers, struct secret *text, struct err *err)
{
	auto_private_options struct private_options private = PRIVATE_OPTIONS_NONE;

	if (!recipients->count)
		return 0;
	if (annotation_unwrap(annotations, openers, &private, err) < 0)
		return -1;
	return private_options_format(&private, text, err);
}

/* ---- removing ---- */

/* A wrapped key, by its place among those of before. */
struct place {
	char scheme[WRAP_SCHEME_MAX];
	size_t index;
};

/* What all words of --remove mean together. */
struct search {
	const struct opt_list *words;
	bool found[OPT_LIST_MAX]; /* for each word */
	struct place *places;     /* in the order of the annotations */
	size_t count;
};

static bool packet_is(struct span element, struct span kid)
{
	auto_packet struct packet packet = PACKET_NONE;

	return packet_parse(element, &packet, NULL) == 0 && span_is(kid, packet.kid);
}

/* SCHEME, SCHEME:INDEX or the key id of a packet. */
static bool is_meant(struct span word, const char *scheme, size_t index, struct span element)
{
	char one[WRAP_SCHEME_MAX + 32];

	snprintf(one, sizeof(one), "%s:%zu", scheme, index);
	return span_is(word, scheme) || span_is(word, one) || packet_is(element, word);
}

static int look(void *ctx, const char *scheme, size_t index, struct span element, struct err *err)
{
	struct search *search = ctx;
	struct place place = { .index = index };
	bool meant = false;

	(void)err;
	for (size_t i = 0; i < search->words->count; i++)
		if (is_meant(span_of(search->words->items[i]), scheme, index, element))
			search->found[i] = meant = true;
	if (!meant)
		return 0;
	snprintf(place.scheme, sizeof(place.scheme), "%s", scheme);
	search->places = xreallocarray(search->places, search->count + 1, sizeof(place));
	search->places[search->count++] = place;
	return 0;
}

/* From the last to the first: an index means the same key until that one goes. */
static int remove_found(json_t *annotations, const struct search *search, struct err *err)
{
	for (size_t i = 0; i < search->words->count; i++)
		if (!search->found[i])
			return err_set(err, ERR_NOT_FOUND,
					"--remove '%s': no wrapped key of this layer is meant",
					search->words->items[i]);
	for (size_t i = search->count; i > 0; i--)
		if (annotation_remove(annotations, search->places[i - 1].scheme, search->places[i - 1].index,
				    err) < 0)
			return -1;
	return 0;
}

static int remove_recipients(json_t *annotations, const struct opt_list *words, struct err *err)
{
	struct search search = { .words = words };
	int status = annotation_walk(annotations, look, &search, err);

	if (!status)
		status = remove_found(annotations, &search, err);
	free(search.places);
	return status;
}

static int count_keys(void *ctx, const char *scheme, size_t index, struct span element, struct err *err)
{
	(void)scheme;
	(void)index;
	(void)element;
	(void)err;
	++*(size_t *)ctx;
	return 0;
}

/* ---- the image ---- */

/* What --remove names are the keys of before, so they go before others come, but after one of them was used. */
static int rewrap_layer(const struct rewrap *rewrap, struct oci_descriptor *layer,
		const struct recipients *recipients, const struct opener_list *openers, struct err *err)
{
	auto_json json_t *annotations = json_deep_copy(layer->annotations);
	auto_secret struct secret text = SECRET_NONE;
	size_t left = 0;

	if (!annotations)
		return err_set(err, ERR_FORMAT, "has no annotations");
	if (open_layer(annotations, recipients, openers, &text, err) < 0 ||
			remove_recipients(annotations, &rewrap->remove, err) < 0 ||
			recipients_wrap(recipients, &text, annotations, err) < 0 ||
			annotation_walk(annotations, count_keys, &left, err) < 0)
		return -1;
	if (!left)
		return err_set(err, ERR_DENIED,
				"nobody could read it any more: at least one recipient must stay");
	json_object_set(layer->json, "annotations", annotations);
	return oci_descriptor_read(layer->json, "the new descriptor", layer, err);
}

static int rewrap_layers(const struct rewrap *rewrap, struct image *image,
		const struct recipients *recipients, const struct opener_list *openers, struct err *err)
{
	size_t count = 0;

	for (size_t i = 0; i < image->count; i++) {
		struct instance *instance = &image->instances[i];
		for (size_t l = 0; l < instance->manifest.count; l++) {
			struct oci_descriptor *layer = &instance->manifest.layers[l];
			bool encrypted = rewrite_is_encrypted(layer->media_type);
			if (instance->chosen[l] && !encrypted && rewrap->layers.count)
				return err_set(err, ERR_DENIED, "layer %zu of manifest %s is not encrypted",
						l, instance->bytes.digest);
			instance->chosen[l] = instance->chosen[l] && encrypted;
			if (!instance->chosen[l])
				continue;
			if (rewrap_layer(rewrap, layer, recipients, openers, err) < 0)
				return err_wrap(err, "layer %zu of manifest %s", l, instance->bytes.digest);
			instance->changed = true;
			count++;
		}
	}
	return count ? 0
		     : err_set(err, ERR_DENIED, "'%s' has no encrypted layer that was meant",
				       image->place->text);
}

static int rewrap_image(const struct rewrap *rewrap, const struct access *access,
		const struct recipients *recipients, const struct opener_list *openers, struct image *image,
		struct err *err)
{
	auto_change struct change change = { .image = NULL };
	auto_oci_dest struct oci_dest *dest = NULL;
	char digest[OCI_DIGEST_MAX];

	if (image_choose(image, rewrap->platform, &rewrap->layers, err) < 0 ||
			rewrap_layers(rewrap, image, recipients, openers, err) < 0 ||
			change_begin(image, &change, err) < 0 ||
			image_dest(image, &access->oci, &dest, err) < 0 ||
			change_run(&change, &access->oci, dest, rewrap->quiet, err) < 0 ||
			image_write(image, &access->oci, dest, digest, err) < 0)
		return -1;
	if (rewrap->remove.count)
		fprintf(stderr,
				"note: whoever had the old manifest and its key can still read these layers: "
				"to revoke, "
				"decrypt and encrypt anew\n");
	return report_change(&change, "rewrapped", rewrap->to, digest, rewrap->output, err);
}

static int run(void *settings, struct err *err)
{
	const struct rewrap *rewrap = settings;
	static const struct opt_list none = { .count = 0 };
	auto_access struct access access = { .ocicrypt_config = NULL };
	auto_recipients struct recipients recipients = { .count = 0 };
	auto_keyring struct keyring ring = KEYRING_NONE;
	auto_image struct image image = { .count = 0 };
	struct wrap_settings wrap;

	if (!rewrap->add.count && !rewrap->remove.count)
		return err_set(err, ERR_USAGE, "what is to change? Name at least one --add or --remove");
	if (rewrap->add.count && !rewrap->keys.count && !rewrap->kbs_keys.count)
		return err_set(err, ERR_USAGE, "--add needs a --key or --kbs-key that opens the layers");
	if (access_init(&rewrap->access, &access, err) < 0 || access_wrap_settings(&access, &wrap, err) < 0)
		return -1;
	wrap.packet_v2 = rewrap->packet;
	if (recipients_open(&wrap, &rewrap->add, &none, &recipients, err) < 0 ||
			keyring_open(&wrap, &rewrap->keys, &rewrap->kbs_keys, &ring, err) < 0 ||
			image_load(rewrap->from, rewrap->to, &access.oci, &image, err) < 0)
		return -1;
	return rewrap_image(rewrap, &access, &recipients, &ring.openers, &image, err);
}

static const struct opt options[] = {
	OPT_LIST(struct rewrap, add, "add", 'a', "RECIPIENT",
			"a further recipient, as --recipient of encrypt, or kbs:///REPOSITORY/TYPE/TAG=FILE; "
			"may be "
			"repeated"),
	OPT_LIST(struct rewrap, remove, "remove", 0, "WHICH",
			"wrapped keys to take away: a scheme that inspect shows, SCHEME:INDEX from 0, or a "
			"KBS key id; "
			"may be repeated"),
	KEY_OPTIONS(struct rewrap),
	CHOICE_OPTIONS(struct rewrap, "change"),
	PACKET_OPTION(struct rewrap),
	OUTPUT_OPTION(struct rewrap),
	QUIET_OPTION(struct rewrap),
	ACCESS_OPTIONS(struct rewrap),
	OPT_END,
};

static const struct opt_arg args[] = {
	FROM_ARG(struct rewrap, "SOURCE"),
	TO_ARG(struct rewrap),
	OPT_ARG_END,
};

static const struct opt_example examples[] = {
	{ "a second team may read it from now on",
			"image-crypt rewrap --key priv.pem --add jwe:team-b.pem "
			"docker://registry.example/app:1 "
			"docker://registry.example/app:1" },
	OPT_EXAMPLE_END,
};

const struct opt_verb rewrap_verb = {
	.name = "rewrap",
	.summary = "adds and removes recipients of an encrypted image",
	.description = "The layers keep their bytes and digests; the manifest changes alone. Wrapped keys of "
		       "schemes that "
		       "are not known here are kept.\n\n"
		       "To take a recipient away hides the layer's key from those who come later. It revokes "
		       "nothing: who "
		       "could open the layer before may have kept the key.",
	.options = options,
	.args = args,
	.examples = examples,
	.size = sizeof(struct rewrap),
	.run = run,
};
