/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "policy/gate_own.h"

#include <string.h>

#define LOOKASIDES_MAX 64

/* ---- where a pod names images ------------------------------------------------------------------------------- */

static const char *text_or(const char *text, const char *otherwise)
{
	return text ? text : otherwise;
}

void gate_each_place(
		const struct pod_view *pod, bool (*fn)(void *ctx, const struct gate_place *place), void *ctx)
{
	static const char *const lists[] = { "initContainers", "containers", "ephemeralContainers" };
	const json_t *spec = json_object_get(pod->object, "spec"), *item;
	size_t i;

	for (size_t list = 0; list < sizeof(lists) / sizeof(lists[0]); list++)
		json_array_foreach (json_object_get(spec, lists[list]), i, item) {
			const struct gate_place place = { lists[list], i, "image",
				text_or(json_text_at(item, "name", NULL), ""),
				text_or(json_text_at(item, "image", NULL), "") };
			if (!fn(ctx, &place))
				return;
		}
	json_array_foreach (json_object_get(spec, "volumes"), i, item) {
		const json_t *image = json_object_get(item, "image");
		const struct gate_place place = { "volumes", i, "image.reference",
			text_or(json_text_at(item, "name", NULL), ""),
			text_or(json_text_at(image, "reference", NULL), "") };
		if (image && !json_is_null(image) && !fn(ctx, &place))
			return;
	}
}

char *gate_path(const char *path, const struct gate_place *place)
{
	return xasprintf("%s%sspec.%s[%zu].%s", path, path[0] ? "." : "", place->list, place->index,
			place->member);
}

struct lister {
	const char *path;
	void (*fn)(void *ctx, const char *path, const char *image);
	void *ctx;
};

static bool list_place(void *ctx, const struct gate_place *place)
{
	const struct lister *lister = ctx;
	auto_free char *path = gate_path(lister->path, place);

	lister->fn(lister->ctx, path, place->image);
	return true;
}

void gate_each_image(const struct pod_view *pod, const char *path,
		void (*fn)(void *ctx, const char *path, const char *image), void *ctx)
{
	struct lister lister = { path, fn, ctx };

	gate_each_place(pod, list_place, &lister);
}

/* ---- those to be judged ------------------------------------------------------------------------------------- */

bool gate_is_placeholder(const char *image)
{
	return !image[0] || !strcmp(image, "auto");
}

static void add_image(struct gate *gate, const struct gate_place *place)
{
	struct err err = ERR_NONE;

	if (gate->image_count == gate->image_room) {
		gate->image_room = gate->image_room ? gate->image_room * 2 : 2;
		gate->images = xreallocarray(gate->images, gate->image_room, sizeof(*gate->images));
	}
	struct gate_image *image = &gate->images[gate->image_count++];
	memset(image, 0, sizeof(*image));
	image->text = place->image;
	image->path = gate_path(gate->review->path, place);
	image->places = 1;
	image->named = oci_name_parse(place->image, &image->name, &err) == 0;
	if (!image->named)
		image->why = xstrdup(place->image[0] ? err.text : "no image is named");
}

static bool collect_place(void *ctx, const struct gate_place *place)
{
	struct gate *gate = ctx;

	if (++gate->places > GATE_IMAGES_MAX)
		return false;
	if (gate->review->path[0] && gate_is_placeholder(place->image))
		return true;
	if (gate->new_only && !gate_is_new(gate, place))
		return true;
	for (size_t i = 0; i < gate->image_count; i++)
		if (!strcmp(gate->images[i].text, place->image)) {
			gate->images[i].places++;
			return true;
		}
	add_image(gate, place);
	return true;
}

void gate_collect(struct gate *gate)
{
	gate_each_place(gate->review->pod, collect_place, gate);
}

void gate_images_clear(struct gate *gate)
{
	for (size_t i = 0; i < gate->image_count; i++) {
		free(gate->images[i].path);
		free(gate->images[i].why);
		image_facts_unref(gate->images[i].facts);
	}
	free(gate->images);
}

/* ---- facts -------------------------------------------------------------------------------------------------- */

/* What a want borrows, beside the policies' and the pod's. */
struct wanted {
	const char *pull_secrets[IMAGE_PULLS_MAX];
	const char *lookasides[LOOKASIDES_MAX];
};

/* Wants are copied for each image: what is too long to name anything is left to the API server. */

static void want_lookaside(const char *url, struct wanted *wanted, struct image_want *want)
{
	for (size_t i = 0; i < want->lookaside_count; i++)
		if (!strcmp(wanted->lookasides[i], url))
			return;
	/* a signature that is not looked for is not there: more is refused, not admitted */
	if (want->lookaside_count < LOOKASIDES_MAX)
		wanted->lookasides[want->lookaside_count++] = url;
}

/* Policies come in the set's order, so the first that knows the registry is the one whose entry counts. */
static void want_for(const struct image_policy *policy, struct wanted *wanted, struct image_want *want)
{
	want->looks |= image_policy_looks(policy);
	if (!want->registry)
		want->registry = registry_list_find(&policy->registries, want->name.host);
	for (size_t i = 0; i < policy->signer_count; i++)
		if (policy->signers[i].lookaside)
			want_lookaside(policy->signers[i].lookaside, wanted, want);
}

static void find_one(struct gate *gate, struct gate_image *image)
{
	struct wanted wanted;
	struct image_want want = { .name = image->name, .lookasides = wanted.lookasides };
	struct err why = ERR_NONE;

	image_want_credentials(gate->review->pod, wanted.pull_secrets, &want);
	for (size_t i = 0; i < gate->policy_count; i++) {
		const struct image_policy *policy = gate->policies[i];
		if (!gate_ignores(gate, policy) && image_policy_takes_image(policy, &image->name))
			want_for(policy, &wanted, &want);
	}
	switch (gate->review->find(gate->review->ctx, &want, &image->facts, &why)) {
	case GATE_PENDING:
		gate->result->pending = true;
		gate->result->doomed = gate->result->doomed || gate_is_unpinned(gate, image);
		break;
	case GATE_FAILED:
		image->why = xstrdup(why.text);
		break;
	case GATE_FOUND:
		if (image->facts->fetched < gate->result->oldest)
			gate->result->oldest = image->facts->fetched;
		break;
	}
}

bool gate_find(struct gate *gate, bool (*needs)(const struct gate *gate, const struct gate_image *image))
{
	for (size_t i = 0; i < gate->image_count; i++)
		if (gate->images[i].named && needs(gate, &gate->images[i]))
			find_one(gate, &gate->images[i]);
	return !gate->result->pending;
}
