/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/gate.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "crypto/digest.h"
#include "initdata/carrier.h"
#include "policy/gate_own.h"

#include <stdio.h>
#include <string.h>

/* ---- life cycle --------------------------------------------------------------------------------------------- */

void gate_result_init(struct gate_result *result)
{
	*result = (struct gate_result){
		.allowed = true,
		.message = BUF_MAX(GATE_MESSAGE_MAX),
		.warnings = json_array(),
		.audit = json_object(),
		.oldest = INT64_MAX,
	};
}

void gate_result_clear(struct gate_result *result)
{
	for (size_t i = 0; i < result->line_count; i++) {
		free(result->lines[i].path);
		free(result->lines[i].image);
		free(result->lines[i].reason);
	}
	free(result->lines);
	buf_clear(&result->message);
	json_decref(result->warnings);
	json_decref(result->audit);
	*result = (struct gate_result){ .message = BUF_MAX(GATE_MESSAGE_MAX), .oldest = INT64_MAX };
}

/* ---- which policies apply ----------------------------------------------------------------------------------- */

static void list_policies(struct gate *gate)
{
	const struct gate_review *review = gate->review;
	const struct policy_set *set = review->set;
	const char *class = review->pod->runtime_class ? review->pod->runtime_class : "";

	gate->policies = xcalloc(set->count + 1, sizeof(*gate->policies));
	for (size_t i = 0; i < set->count; i++)
		if (image_policy_takes_pod(
				    set->items[i], class, review->namespace_labels, review->pod->labels))
			gate->policies[gate->policy_count++] = set->items[i];
}

/* The set's order follows from what the policies say, so it is the same everywhere. */
static void hash_policies(struct gate *gate)
{
	auto_digest struct digest digest = DIGEST_NONE;
	unsigned char hash[DIGEST_MAX], unmatched = (unsigned char)gate->review->set->unmatched;
	char *out = gate->result->hash;

	if (!gate->policy_count)
		return;
	digest_init(&digest, DIGEST_SHA256);
	digest_feed(&digest, span_new(&unmatched, 1));
	for (size_t i = 0; i < gate->policy_count; i++) {
		const struct image_policy *policy = gate->policies[i];
		digest_feed(&digest, span_new(policy->name, strlen(policy->name) + 1));
		digest_feed(&digest, span_new(policy->hash, sizeof(policy->hash)));
	}
	digest_done(&digest, hash);
	size_t len = (size_t)snprintf(out, sizeof(gate->result->hash), "sha256:");
	for (size_t i = 0; i < 32; i++, len += 2)
		snprintf(out + len, sizeof(gate->result->hash) - len, "%02x", hash[i]);
}

bool gate_ignores(const struct gate *gate, const struct image_policy *policy)
{
	return gate->review->kind == GATE_TEMPLATE && policy->templates == TEMPLATES_IGNORE;
}

/* ---- what an UPDATE judges ---------------------------------------------------------------------------------- */

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static bool same_value(const json_t *a, const json_t *b)
{
	return a && b ? json_equal((json_t *)(uintptr_t)a, (json_t *)(uintptr_t)b) : a == b;
}

/* Neither what runs, nor which policies apply, nor what they look at. */
static bool nothing_changes(const struct pod_view *before, const struct pod_view *pod)
{
	return same_value(json_object_get(before->object, "spec"), json_object_get(pod->object, "spec")) &&
			same_value(before->labels, pod->labels) &&
			same_value(before->annotations, pod->annotations);
}

/*
 * The webhook has judged the images that were there under what holds now, with the init-data that the pod has now. The
 * stored pod is what says so: what the update makes of the annotation is judged by itself.
 */
static bool admitted_under_same(const struct gate *gate)
{
	const char *hash = gate->result->hash;
	const struct pod_view *before = gate->review->before;

	return hash[0] && same_text(pod_annotation(before, GATE_ANNOTATION), hash) &&
			same_text(pod_annotation(before, INITDATA_ANNOTATION),
					pod_annotation(gate->review->pod, INITDATA_ANNOTATION));
}

bool gate_is_new(const struct gate *gate, const struct gate_place *place)
{
	const struct pod_view *before = gate->review->before;
	const json_t *list, *item;
	size_t i;

	if (!before)
		return true;
	list = json_at(before->object, "spec", place->list, NULL);
	json_array_foreach (list, i, item) {
		const char *name = json_text_at(item, "name", NULL);
		if (i >= GATE_IMAGES_MAX)
			return true;
		if (!name || strcmp(name, place->name) != 0)
			continue;
		const char *image = strcmp(place->list, "volumes")
				? json_text_at(item, "image", NULL)
				: json_text_at(item, "image", "reference", NULL);
		return !image || strcmp(image, place->image) != 0;
	}
	return true;
}

/* Whoever could write the annotation could have images passed over later; so it is the webhook's word alone. */
static void judge_annotation(struct gate *gate)
{
	const struct gate_review *review = gate->review;
	const char *said = pod_annotation(review->pod, GATE_ANNOTATION);

	if (review->kind == GATE_TEMPLATE || review->unseen)
		return;
	if (review->before && !same_text(pod_annotation(review->before, GATE_ANNOTATION), said))
		gate_say(gate, GATE_DENIES,
				"metadata.annotations[" GATE_ANNOTATION
				"]: may not be added, changed or removed after creation: "
				"leave it as it is, or delete the pod and make a new one");
	else if (!review->before && said && strcmp(said, gate->result->hash) != 0)
		gate_say(gate, GATE_DENIES,
				"metadata.annotations[" GATE_ANNOTATION
				"]: is not what the webhook writes for this pod: the policies changed in "
				"this "
				"moment, or "
				"somebody else wrote it: create the pod again without it");
}

/* ---- judging ------------------------------------------------------------------------------------------------ */

static bool reads_init_data(const struct image_policy *policy)
{
	return policy->predicts || policy->in_agent_policy != EFFECT_IGNORE || policy->pin == PIN_AUTO ||
			(policy->encrypted && policy->encryption.same_broker);
}

/* Read once, and only where somebody asks. */
void gate_read_init_data(struct gate *gate)
{
	struct err err = ERR_NONE;
	bool asked = false;

	for (size_t i = 0; i < gate->policy_count && !asked; i++)
		asked = !gate_ignores(gate, gate->policies[i]) && reads_init_data(gate->policies[i]);
	if (!asked || !gate->review->document.len)
		return;
	if (guest_view_read(gate->review->document, &gate->guest, &err) == 0)
		gate->has_guest = true;
	else
		gate->guest_problem = xstrdup(err.text);
}

void gate_open(const struct gate_review *review, struct gate_result *result, struct gate *gate)
{
	gate_result_clear(result);
	gate_result_init(result);
	*gate = (struct gate){
		.review = review, .result = result, .audit = BUF_MAX((size_t)2 * GATE_AUDIT_MAX)
	};
	list_policies(gate);
	hash_policies(gate);
}

void gate_close(struct gate *gate)
{
	gate_images_clear(gate);
	if (gate->has_guest)
		guest_view_clear(&gate->guest);
	free(gate->guest_problem);
	free(gate->policies);
	buf_clear(&gate->audit);
}

static bool takes(const struct image_policy *policy, const struct gate_image *image)
{
	/* what is no name at all is everybody's */
	return !image->named || image_policy_takes_image(policy, &image->name);
}

static bool needs_facts(const struct gate *gate, const struct gate_image *image)
{
	for (size_t i = 0; i < gate->policy_count; i++) {
		const struct image_policy *policy = gate->policies[i];
		if (image_policy_needs_facts(policy) && !gate_ignores(gate, policy) && takes(policy, image))
			return true;
	}
	return gate->review->kind == GATE_POD && gate_pinner(gate, image);
}

static void judge_under(struct gate *gate, const struct gate_image *image, const struct image_policy *policy)
{
	auto_findings struct findings findings = FINDINGS_NONE;
	const struct judge_image judge = {
		.policy = policy,
		.text = image->text,
		.name = &image->name,
		.facts = image->facts,
		.why = image->why,
		.guest = gate->has_guest ? &gate->guest : NULL,
		.waits = gate->review->waits,
		.now = gate->review->now,
		.spent = &gate->spent,
	};

	if (!image->named) {
		findings_add(&findings, FINDING_VIOLATION, "image", "%s; write host/repository@digest",
				image->why);
	} else {
		judge_image(&judge, &findings);
		gate_judge_pin(gate, image, policy, &findings);
	}
	if (gate->guest_problem && reads_init_data(policy))
		findings_add(&findings, FINDING_UNKNOWN, "guest", "the pod's init-data cannot be read: %s",
				gate->guest_problem);
	gate_conclude(gate, image, policy, &findings);
}

static void judge_one(struct gate *gate, const struct gate_image *image)
{
	bool taken = false;

	for (size_t i = 0; i < gate->policy_count; i++) {
		if (!takes(gate->policies[i], image))
			continue;
		taken = true;
		if (!gate_ignores(gate, gate->policies[i]))
			judge_under(gate, image, gate->policies[i]);
	}
	if (!taken)
		gate_unmatched(gate, image);
}

static void judge_all(struct gate *gate)
{
	struct gate_result *result = gate->result;

	judge_annotation(gate);
	if (gate->places > GATE_IMAGES_MAX)
		gate_say(gate, gate->review->kind == GATE_TEMPLATE ? GATE_WARNS : GATE_DENIES,
				"spec: names more than %d images: split the pod", GATE_IMAGES_MAX);
	for (size_t i = 0; i < gate->image_count; i++)
		judge_one(gate, &gate->images[i]);
	/* nothing that a pod on its way out does with secrets matters any more */
	if (!gate->review->before || !gate->review->before->deleting)
		gate_judge_secrets(gate);
	result->skipped = !gate->image_count;
}

void gate_judge(const struct gate_review *review, struct gate_result *result)
{
	struct gate gate;

	gate_open(review, result, &gate);
	if (review->before && nothing_changes(review->before, review->pod)) {
		result->skipped = true;
	} else {
		gate.new_only = review->before && (review->before->deleting || admitted_under_same(&gate));
		if (review->set->count)
			gate_collect(&gate);
		gate.judges = true;
		gate_read_init_data(&gate);
		if (gate_find(&gate, needs_facts)) {
			judge_all(&gate);
			gate_finish(&gate);
		}
	}
	if (result->pending)
		result->allowed = false;
	gate_close(&gate);
}
