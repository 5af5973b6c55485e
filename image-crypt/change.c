/* SPDX-License-Identifier: Apache-2.0 */
#include "image-crypt/change.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/random.h"
#include "codec/json.h"
#include "image-crypt/keyring.h"
#include "image/annotation.h"
#include "image/rewrite.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- the tasks ---- */

int change_begin(struct image *image, struct change *out, struct err *err)
{
	size_t room = 0;

	for (size_t i = 0; i < image->count; i++)
		room += image->instances[i].manifest.count + 1;
	if (room > CHANGE_COUNT_MAX)
		return err_set(err, ERR_LIMIT, "'%s' has more than %zu layers", image->place->text,
				CHANGE_COUNT_MAX);
	*out = (struct change){
		.image = image,
		.tasks = xcalloc(room + 1, sizeof(*out->tasks)),
		.blobs = xcalloc(room + 1, sizeof(*out->blobs)),
		.known = json_object(),
		.room = room,
	};
	return 0;
}

void change_clear(struct change *change)
{
	for (size_t i = 0; i < change->count; i++) {
		secret_clear(&change->tasks[i].key);
		json_decref(change->blobs[i].enc);
		json_decref(change->blobs[i].opened);
	}
	free(change->tasks);
	free(change->blobs);
	json_decref(change->known);
}

static void name_task(enum layer_work work, const char *digest, char out[static OCI_DIGEST_MAX + 4])
{
	snprintf(out, OCI_DIGEST_MAX + 4, "%d %s", (int)work, digest);
}

struct task *change_task(const struct change *change, enum layer_work work, const char *digest)
{
	char name[OCI_DIGEST_MAX + 4];

	name_task(work, digest, name);
	const json_t *index = json_object_get(change->known, name);
	return index ? &change->tasks[json_integer_value(index)] : NULL;
}

/* The same digest is the same bytes: *out is their task when there is one, and two sizes of theirs are a lie. */
static int find_task(const struct change *change, enum layer_work work, const struct oci_descriptor *blob,
		struct task **out, struct err *err)
{
	*out = change_task(change, work, blob->digest);
	if (*out && (*out)->blob.size != blob->size)
		return err_set(err, ERR_FORMAT,
				"the blob %s has %llu bytes here and %llu elsewhere in the image",
				blob->digest, (unsigned long long)blob->size,
				(unsigned long long)(*out)->blob.size);
	return 0;
}

/* There is room for every blob of the image once, and each layer asks for one task. */
static struct task *add_task(struct change *change, enum layer_work work, const struct oci_descriptor *blob)
{
	struct task *task = &change->tasks[change->count];
	char name[OCI_DIGEST_MAX + 4];

	assert(change->tasks && change->count < change->room);
	name_task(work, blob->digest, name);
	json_object_set_new(change->known, name, json_integer((json_int_t)change->count++));
	struct change_blob *kept = &change->blobs[task - change->tasks];
	snprintf(kept->digest, sizeof(kept->digest), "%s", blob->digest);
	task->work = work;
	task->blob = (struct oci_descriptor){ .media_type = "", .digest = kept->digest, .size = blob->size };
	return task;
}

/* ---- encrypting ---- */

static int wrap_keys(struct task *task, struct change_blob *blob, const struct recipients *recipients,
		struct err *err)
{
	auto_private_options struct private_options options = PRIVATE_OPTIONS_NONE;
	auto_secret struct secret text = SECRET_NONE;

	if (secret_from_span(&options.key, secret_span(&task->key), err) < 0)
		return -1;
	snprintf(options.digest, sizeof(options.digest), "%s", task->blob.digest);
	options.has_nonce = true;
	memcpy(options.nonce, task->nonce, sizeof(options.nonce));
	if (private_options_format(&options, &text, err) < 0)
		return -1;
	blob->enc = json_object();
	return recipients_wrap(recipients, &text, blob->enc, err);
}

int change_encrypt(struct change *change, const struct oci_descriptor *layer,
		const struct recipients *recipients, struct err *err)
{
	struct task *task;

	if (find_task(change, LAYER_ENCRYPT, layer, &task, err) < 0)
		return -1;
	if (task)
		return 0;
	task = add_task(change, LAYER_ENCRYPT, layer);
	if (secret_random(&task->key, LAYER_KEY, err) < 0)
		return -1;
	random_bytes(task->nonce, sizeof(task->nonce));
	return wrap_keys(task, &change->blobs[task - change->tasks], recipients, err);
}

/* ---- decrypting ---- */

/* What the annotations of a layer say about its bytes, opened. */
struct opened {
	struct private_options private;
	struct public_options public;
	unsigned char nonce[LAYER_NONCE];
};

static int open_layer(const struct oci_descriptor *layer, const struct opener_list *openers,
		struct opened *out, struct err *err)
{
	if (annotation_get_public(layer->annotations, &out->public, err) < 0 ||
			annotation_unwrap(layer->annotations, openers, &out->private, err) < 0)
		return -1;
	return options_nonce(&out->public, &out->private, out->nonce, err);
}

/* Another descriptor of bytes that have their task: its own wrapped keys must open, and to the same. */
static int check_same(const struct task *task, const struct opened *opened, struct err *err)
{
	if (secret_is(&task->key, secret_span(&opened->private.key)) &&
			!memcmp(task->nonce, opened->nonce, sizeof(task->nonce)) &&
			!memcmp(task->mac, opened->public.mac, sizeof(task->mac)))
		return 0;
	return err_set(err, ERR_AUTH,
			"the same bytes have another key or HMAC elsewhere in the image: one of the two is "
			"damaged");
}

static int decrypt_opened(struct change *change, const struct oci_descriptor *layer, struct task *task,
		struct opened *opened, struct err *err)
{
	if (task)
		return check_same(task, opened, err);
	task = add_task(change, LAYER_DECRYPT, layer);
	change->blobs[task - change->tasks].opened = json_incref(layer->annotations);
	memcpy(task->mac, opened->public.mac, sizeof(task->mac));
	memcpy(task->nonce, opened->nonce, sizeof(task->nonce));
	secret_move(&task->key, &opened->private.key);
	return 0;
}

int change_decrypt(struct change *change, const struct oci_descriptor *layer,
		const struct opener_list *openers, struct err *err)
{
	struct opened opened = { .private = PRIVATE_OPTIONS_NONE };
	struct task *task;

	if (find_task(change, LAYER_DECRYPT, layer, &task, err) < 0)
		return -1;
	if (task && json_equal(change->blobs[task - change->tasks].opened, layer->annotations))
		return 0;
	int status = open_layer(layer, openers, &opened, err);
	if (!status)
		status = decrypt_opened(change, layer, task, &opened, err);
	private_options_clear(&opened.private);
	return status;
}

/* ---- running ---- */

/* The task that changes the layer, NULL for one that is copied. */
static struct task *changing_task(const struct change *change, const struct instance *instance, size_t at)
{
	const char *digest = instance->manifest.layers[at].digest;
	struct task *task = NULL;

	if (instance->chosen[at])
		task = change_task(change, LAYER_ENCRYPT, digest);
	if (instance->chosen[at] && !task)
		task = change_task(change, LAYER_DECRYPT, digest);
	return task;
}

/* What its vendor alone may hand out lies at its URLs, not in registries: the manifest goes on naming it. */
static bool is_elsewhere(const struct oci_descriptor *layer)
{
	return json_array_size(json_object_get(layer->json, "urls")) > 0 &&
			(strstr(layer->media_type, ".foreign.") ||
					strstr(layer->media_type, ".nondistributable."));
}

static int add_copy(struct change *change, const struct oci_descriptor *blob, struct err *err)
{
	struct task *task;

	if (find_task(change, LAYER_COPY, blob, &task, err) < 0)
		return -1;
	if (!task)
		add_task(change, LAYER_COPY, blob);
	return 0;
}

static int add_copies_of(struct change *change, const struct instance *instance, struct err *err)
{
	for (size_t l = 0; l < instance->manifest.count; l++) {
		const struct oci_descriptor *layer = &instance->manifest.layers[l];
		if (changing_task(change, instance, l) || is_elsewhere(layer))
			continue;
		if (add_copy(change, layer, err) < 0)
			return -1;
	}
	return add_copy(change, &instance->manifest.config, err);
}

static int add_copies(struct change *change, struct err *err)
{
	for (size_t i = 0; i < change->image->count; i++) {
		const struct instance *instance = &change->image->instances[i];
		if (add_copies_of(change, instance, err) < 0)
			return err_wrap(err, "manifest %s", instance->bytes.digest);
	}
	return 0;
}

/* The descriptor's new form takes the place of the old one, in the manifest's own tree. */
static int replace(struct oci_descriptor *layer, json_t *form, struct err *err)
{
	json_object_clear(layer->json);
	json_object_update(layer->json, form);
	return oci_descriptor_read(layer->json, "the new descriptor", layer, err);
}

static int rewrite_layer(
		struct change *change, const struct task *task, struct oci_descriptor *layer, struct err *err)
{
	const struct change_blob *blob = &change->blobs[task - change->tasks];
	struct public_options public = { .has_nonce = false };
	auto_json json_t *form = NULL;

	if (task->work == LAYER_DECRYPT) {
		if (rewrite_decrypted(layer->json, task->result.digest, &form, err) < 0)
			return -1;
		return replace(layer, form, err);
	}
	memcpy(public.mac, task->result.mac, sizeof(public.mac));
	if (annotation_set_public(blob->enc, &public, err) < 0 ||
			rewrite_encrypted(layer->json, task->result.digest, blob->enc, &form, err) < 0)
		return -1;
	return replace(layer, form, err);
}

static int rewrite_layers(struct change *change, struct err *err)
{
	for (size_t i = 0; i < change->image->count; i++) {
		struct instance *instance = &change->image->instances[i];
		for (size_t l = 0; l < instance->manifest.count; l++) {
			const struct task *task = changing_task(change, instance, l);
			if (!task)
				continue;
			if (rewrite_layer(change, task, &instance->manifest.layers[l], err) < 0)
				return err_wrap(err, "layer %zu of manifest %s", l, instance->bytes.digest);
			instance->changed = true;
		}
	}
	return 0;
}

int change_run(struct change *change, const struct oci_access *access, struct oci_dest *dest, bool quiet,
		struct err *err)
{
	struct job job = {
		.from = change->image->place,
		.access = access,
		.to = dest,
		.quiet = quiet,
	};

	if (add_copies(change, err) < 0)
		return -1;
	job.tasks = change->tasks;
	job.count = change->count;
	if (job_run(&job, err) < 0)
		return -1;
	return dest ? rewrite_layers(change, err) : 0;
}
