/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/own.h"
#include "codec/json.h"
#include "codec/line.h"
#include "policy/gate_own.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LINE_MAX_BYTES 1200
#define LEFT_OUT       64 /* room for the words about what is left out */
#define CONSIDERED_MAX 8  /* policies that are named */

const char *gate_verdict_name(enum gate_verdict verdict)
{
	static const char *const names[] = { "admitted", "warned", "refused", "unknown" };

	return names[verdict];
}

/* ---- one line ----------------------------------------------------------------------------------------------- */

enum gate_level gate_level(
		const struct gate *gate, const struct image_policy *policy, enum policy_effect effect)
{
	if (effect == EFFECT_IGNORE)
		return GATE_SILENT;
	if (policy->mode == POLICY_AUDIT)
		return GATE_AUDITS;
	if (effect == EFFECT_WARN || policy->mode == POLICY_WARN)
		return GATE_WARNS;
	return gate->review->kind == GATE_TEMPLATE && policy->templates != TEMPLATES_ENFORCE ? GATE_WARNS
											     : GATE_DENIES;
}

static void deny(struct gate *gate, const char *line)
{
	struct buf *message = &gate->result->message;

	gate->result->allowed = false;
	if (message->len + strlen(line) + 1 + LEFT_OUT > message->max)
		gate->reasons_left_out++;
	else
		buf_printf(message, "%s%s", message->len ? "\n" : "", line);
}

static void warn(struct gate *gate, const char *line)
{
	if (json_array_size(gate->result->warnings) + 1 >= GATE_WARNINGS_MAX)
		gate->warnings_left_out++;
	else
		json_array_append_new(gate->result->warnings, json_line(GATE_WARNING_MAX, "%s", line));
}

void gate_say(struct gate *gate, enum gate_level level, const char *fmt, ...)
{
	char text[4 * LINE_MAX_BYTES];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	auto_json json_t *line = json_line(LINE_MAX_BYTES, "%s", text);
	if (level == GATE_DENIES)
		deny(gate, json_string_value(line));
	else if (level == GATE_WARNS)
		warn(gate, json_string_value(line));
	else if (level == GATE_AUDITS && gate->audit.len < GATE_AUDIT_MAX)
		buf_printf(&gate->audit, "%s%s", gate->audit.len ? "; " : "", json_string_value(line));
}

/* "spec.containers[0].image (+9 more)" */
static char *places_of(const struct gate_image *image)
{
	return image->places > 1 ? xasprintf("%s (+%zu more)", image->path, image->places - 1)
				 : xstrdup(image->path);
}

/* ---- findings ----------------------------------------------------------------------------------------------- */

static void add_line(struct gate *gate, const struct gate_image *image, const char *policy,
		enum gate_verdict verdict, const char *reason)
{
	struct gate_result *result = gate->result;

	result->lines = xreallocarray(result->lines, result->line_count + 1, sizeof(*result->lines));
	struct gate_line *line = &result->lines[result->line_count++];
	*line = (struct gate_line){
		.policy = policy,
		.verdict = verdict,
		.path = xstrdup(image->path),
		.image = xstrdup(image->text),
		.reason = xstrdup(reason),
	};
	snprintf(line->digest, sizeof(line->digest), "%s",
			image->facts ? image->facts->digest : image->name.digest);
}

static enum gate_level level_of(
		const struct gate *gate, const struct image_policy *policy, enum finding_kind kind)
{
	enum policy_effect effect = EFFECT_DENY;

	switch (kind) {
	case FINDING_NOTE:
		return GATE_WARNS;
	case FINDING_UNKNOWN:
		/* never silent */
		effect = policy->unknown == EFFECT_DENY ? EFFECT_DENY : EFFECT_WARN;
		break;
	case FINDING_PARITY:
		effect = policy->guest.parity;
		break;
	case FINDING_AGENT:
		effect = policy->in_agent_policy;
		break;
	case FINDING_VIOLATION:
		break;
	}
	return gate_level(gate, policy, effect);
}

/* What a finding makes of the verdict. */
static enum gate_verdict verdict_of(enum finding_kind kind, enum gate_level level)
{
	if (kind == FINDING_NOTE || level == GATE_SILENT)
		return GATE_ADMITTED;
	if (kind == FINDING_UNKNOWN)
		return GATE_UNKNOWN;
	return level == GATE_DENIES ? GATE_REFUSED : GATE_WARNED;
}

/* Which of two verdicts says more about an image. */
static unsigned weight(enum gate_verdict verdict)
{
	static const unsigned char weights[] = {
		[GATE_ADMITTED] = 0, [GATE_WARNED] = 1, [GATE_UNKNOWN] = 2, [GATE_REFUSED] = 3
	};

	return weights[verdict];
}

void gate_conclude(struct gate *gate, const struct gate_image *image, const struct image_policy *policy,
		const struct findings *findings)
{
	enum gate_verdict worst = GATE_ADMITTED;
	const struct finding *decided = NULL;
	auto_free char *where = findings->count ? places_of(image) : NULL;

	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *finding = &findings->items[i];
		enum gate_level level = level_of(gate, policy, finding->kind);
		enum gate_verdict verdict = verdict_of(finding->kind, level);
		gate_say(gate, level, "%s: \"%.300s\": ImagePolicy %s: %s: %s", where, image->text,
				policy->name, finding->rule, finding->text);
		if (weight(verdict) > weight(worst)) {
			worst = verdict;
			decided = finding;
		}
	}
	auto_free char *reason = decided ? xasprintf("%s: %s", decided->rule, decided->text) : xstrdup("");
	add_line(gate, image, policy->name, worst, reason);
}

/* ---- no policy takes it ------------------------------------------------------------------------------------- */

static bool class_fits(const struct image_policy *policy, const char *class)
{
	const json_t *glob;
	size_t i;

	json_array_foreach (policy->runtime_classes, i, glob)
		if (class && span_glob(span_of(json_string_value(glob)), span_of(class)))
			return true;
	return !policy->runtime_classes;
}

static const char *why_not(const struct gate *gate, const struct image_policy *policy)
{
	const struct gate_review *review = gate->review;

	if (!class_fits(policy, review->pod->runtime_class))
		return "another RuntimeClass";
	if (policy->namespaces.source && review->namespace_labels &&
			!selector_matches(&policy->namespaces, review->namespace_labels))
		return "not this namespace";
	if (policy->pods.source && !selector_matches(&policy->pods, review->pod->labels))
		return "not this pod's labels";
	return "not this image";
}

void gate_unmatched(struct gate *gate, const struct gate_image *image)
{
	static const struct {
		enum gate_level level;
		enum gate_verdict verdict;
	} does[] = {
		[UNMATCHED_IMAGES_DENY] = { GATE_DENIES, GATE_REFUSED },
		[UNMATCHED_IMAGES_WARN] = { GATE_WARNS, GATE_WARNED },
		[UNMATCHED_IMAGES_ALLOW] = { GATE_SILENT, GATE_ADMITTED },
	};
	const struct policy_set *set = gate->review->set;
	enum unmatched_images rule = set->unmatched;
	auto_buf struct buf why = BUF_MAX(LINE_MAX_BYTES);
	auto_free char *where = places_of(image);

	if (rule == UNMATCHED_IMAGES_DENY && gate->review->kind == GATE_TEMPLATE)
		rule = UNMATCHED_IMAGES_WARN;
	buf_puts(&why, "no ImagePolicy takes it");
	for (size_t i = 0; i < set->count && i < CONSIDERED_MAX; i++)
		buf_printf(&why, "%s%.80s: %s", i ? "; " : " (", set->items[i]->name,
				why_not(gate, set->items[i]));
	if (set->count > CONSIDERED_MAX)
		buf_printf(&why, "; and %zu more", set->count - CONSIDERED_MAX);
	buf_puts(&why, "): add the image to a policy");
	gate_say(gate, does[rule].level, "%s: \"%.300s\": %s%s%s", where, image->text,
			image->named ? "" : image->why, image->named ? "" : "; ", buf_text(&why));
	add_line(gate, image, "", does[rule].verdict,
			rule == UNMATCHED_IMAGES_ALLOW ? "" : "no ImagePolicy takes it");
}

/* ---- the end ------------------------------------------------------------------------------------------------ */

/* [{"path","image","digest","policy","verdict"}, …, {"more":3}] */
static void audit_images(struct gate_result *result)
{
	auto_buf struct buf all = BUF_MAX(GATE_AUDIT_MAX);
	size_t i;

	buf_putc(&all, '[');
	for (i = 0; i < result->line_count; i++) {
		const struct gate_line *line = &result->lines[i];
		auto_json json_t *one = json_pack("{s:s, s:o, s:s, s:s, s:s}", "path", line->path, "image",
				json_line(OCI_NAME_MAX, "%s", line->image), "digest", line->digest, "policy",
				line->policy, "verdict", gate_verdict_name(line->verdict));
		auto_free char *text = json_text(one, false);
		if (all.len + strlen(text) + 1 + LEFT_OUT > all.max)
			break;
		buf_printf(&all, "%s%s", i ? "," : "", text);
	}
	if (i < result->line_count)
		buf_printf(&all, "%s{\"more\":%zu}", i ? "," : "", result->line_count - i);
	buf_putc(&all, ']');
	json_object_set_new(result->audit, "images", json_string(buf_text(&all)));
}

void gate_finish(struct gate *gate)
{
	struct gate_result *result = gate->result;

	if (gate->reasons_left_out)
		buf_printf(&result->message, "\nand %zu more reasons", gate->reasons_left_out);
	if (gate->warnings_left_out)
		json_array_append_new(result->warnings,
				json_line(GATE_WARNING_MAX, "%zu more warnings about the images of this pod",
						gate->warnings_left_out));
	if (result->line_count)
		audit_images(result);
	if (gate->audit.len)
		json_object_set_new(result->audit, "image-findings",
				json_line(GATE_AUDIT_MAX, "%s", buf_text(&gate->audit)));
}
