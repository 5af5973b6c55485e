/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/own.h"
#include "codec/json.h"
#include "kube/patch.h"
#include "policy/gate_own.h"

#include <stdio.h>
#include <string.h>

#define WHY_MAX   1024
#define PIN_LOOKS 5 /* the settings are read, and asked for four names */

/* ---- which form --------------------------------------------------------------------------------------------- */

const struct image_policy *gate_pinner(const struct gate *gate, const struct gate_image *image)
{
	if (!image->named || image->name.digest[0])
		return NULL;
	for (size_t i = 0; i < gate->policy_count; i++) {
		const struct image_policy *policy = gate->policies[i];
		if (policy->pin != PIN_NONE && image_policy_takes_image(policy, &image->name))
			return policy;
	}
	return NULL;
}

/* What is known of the guest's rules: the policy's own word, else that of another which predicts. */
static const struct policy_guest *guest_settings(
		const struct gate *gate, const struct image_policy *policy, const struct oci_name *name)
{
	if (policy->predicts)
		return &policy->guest;
	for (size_t i = 0; i < gate->policy_count; i++)
		if (gate->policies[i]->predicts && image_policy_takes_image(gate->policies[i], name))
			return &gate->policies[i]->guest;
	return NULL;
}

/* Where looking would take too long, the form is the one for a guest of which nothing is known. */
static enum policy_pin pin_form(struct gate *gate, const struct gate_image *image,
		const struct image_policy *policy, struct buf *why)
{
	const struct policy_guest *settings = guest_settings(gate, policy, &image->name);
	const struct guest_view *guest = gate->has_guest ? &gate->guest : NULL;
	unsigned cost = PIN_LOOKS * guest_cost(settings, guest);

	if (policy->pin != PIN_AUTO)
		return policy->pin;
	if (gate->spent + cost > JUDGE_COST_MAX)
		return PIN_KEEP_TAG;
	gate->spent += cost;
	return guest_pin_form(settings, guest, image->text, &image->name, why);
}

bool gate_is_unpinned(struct gate *gate, const struct gate_image *image)
{
	const struct image_policy *policy = gate_pinner(gate, image);
	auto_buf struct buf why = BUF_MAX(WHY_MAX);

	return gate->judges && gate->review->kind == GATE_POD && !gate->review->unseen && policy &&
			policy->mode == POLICY_ENFORCE && policy->unknown == EFFECT_DENY &&
			pin_form(gate, image, policy, &why) != PIN_NONE;
}

static bool holds_unknown(const struct findings *findings)
{
	for (size_t i = 0; i < findings->count; i++)
		if (findings->items[i].kind == FINDING_UNKNOWN)
			return true;
	return false;
}

void gate_judge_pin(struct gate *gate, const struct gate_image *image, const struct image_policy *policy,
		struct findings *findings)
{
	static const char rule[] = "digest.pin";
	auto_buf struct buf why = BUF_MAX(WHY_MAX);

	if (gate->review->kind == GATE_TEMPLATE || gate->review->unseen || gate_pinner(gate, image) != policy)
		return;
	if (!image->facts) {
		if (!holds_unknown(findings))
			findings_add(findings, FINDING_UNKNOWN, rule, "no digest is known for the tag: %s",
					image->why ? image->why : "it could not be fetched");
	} else if (pin_form(gate, image, policy, &why) == PIN_NONE) {
		findings_add(findings, FINDING_NOTE, rule, "the tag stays, as the guest takes no digest: %s",
				buf_text(&why));
	} else {
		findings_add(findings, FINDING_VIOLATION, rule,
				"the image is named by a tag, which may move, and the webhook did not write "
				"the "
				"digest%s write @%s behind the name",
				gate->review->before ? ", as it does where an image is new;"
						     : "; try again, or",
				image->facts->digest);
	}
}

/* ---- writing ------------------------------------------------------------------------------------------------ */

static bool needs_digest(const struct gate *gate, const struct gate_image *image)
{
	return !gate_is_placeholder(image->text) && gate_pinner(gate, image);
}

/* The user's own text with the digest behind it. */
static char *pinned_text(const struct gate_image *image, enum policy_pin form)
{
	size_t len = strlen(image->text);

	if (form == PIN_DROP_TAG && !image->name.default_tag)
		len -= strlen(image->name.tag) + 1;
	return xasprintf("%.*s@%s", (int)len, image->text, image->facts->digest);
}

struct writer {
	struct gate *gate;
	json_t *patch;
};

static const struct gate_image *image_at(const struct gate *gate, const struct gate_place *place)
{
	for (size_t i = 0; i < gate->image_count; i++)
		if (!strcmp(gate->images[i].text, place->image))
			return &gate->images[i];
	return NULL;
}

static bool pin_place(void *ctx, const struct gate_place *place)
{
	const struct writer *writer = ctx;
	struct gate *gate = writer->gate;
	const struct gate_image *image = image_at(gate, place);
	const struct image_policy *policy = image && image->facts ? gate_pinner(gate, image) : NULL;
	auto_buf struct buf why = BUF_MAX(WHY_MAX);
	enum policy_pin form = policy ? pin_form(gate, image, policy, &why) : PIN_NONE;
	char index[24];

	if (form == PIN_NONE || !gate_is_new(gate, place))
		return true;
	auto_free char *text = pinned_text(image, form);
	snprintf(index, sizeof(index), "%zu", place->index);
	if (!strcmp(place->member, "image"))
		patch_replace(writer->patch, json_string(text), "spec", place->list, index, "image", NULL);
	else
		patch_replace(writer->patch, json_string(text), "spec", place->list, index, "image",
				"reference", NULL);
	return true;
}

/* Has the pod, or will it have after the operations that are there, a metadata, and annotations in it? */
static void look_ahead(const struct pod_view *pod, const json_t *patch, bool *metadata, bool *annotations)
{
	const json_t *item;
	size_t i;

	*metadata = json_is_object(json_object_get(pod->object, "metadata"));
	*annotations = json_is_object(json_at(pod->object, "metadata", "annotations", NULL));
	json_array_foreach (patch, i, item) {
		const char *path = json_text_at(item, "path", NULL);
		const json_t *value = json_object_get(item, "value");
		if (path && !strcmp(path, "/metadata")) {
			*metadata = true;
			*annotations = json_is_object(json_object_get(value, "annotations"));
		} else if (path && !strcmp(path, "/metadata/annotations")) {
			*annotations = json_is_object(value);
		}
	}
}

static void write_annotation(const struct gate *gate, json_t *patch)
{
	const struct pod_view *pod = gate->review->pod;
	const char *said = pod_annotation(pod, GATE_ANNOTATION), *hash = gate->result->hash;
	bool metadata, annotations;

	if (gate->review->before || (said ? !strcmp(said, hash) : !hash[0]))
		return;
	look_ahead(pod, patch, &metadata, &annotations);
	if (!hash[0])
		patch_remove(patch, "metadata", "annotations", GATE_ANNOTATION, NULL);
	else if (annotations)
		patch_add(patch, json_string(hash), "metadata", "annotations", GATE_ANNOTATION, NULL);
	else if (metadata)
		patch_add(patch, json_pack("{s:s}", GATE_ANNOTATION, hash), "metadata", "annotations", NULL);
	else
		patch_add(patch, json_pack("{s:{s:s}}", "annotations", GATE_ANNOTATION, hash), "metadata",
				NULL);
}

void gate_mutate(const struct gate_review *review, json_t *patch, struct gate_result *result)
{
	struct gate gate;

	gate_open(review, result, &gate);
	if (review->kind == GATE_POD) {
		gate.new_only = review->before != NULL;
		gate_collect(&gate);
		if (gate_find(&gate, needs_digest)) {
			struct writer writer = { &gate, patch };
			gate_read_init_data(&gate);
			gate_each_place(review->pod, pin_place, &writer);
			write_annotation(&gate, patch);
		}
	}
	gate_close(&gate);
}
