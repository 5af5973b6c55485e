/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/decide.h"

#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "codec/line.h"
#include "initdata/carrier.h"
#include "kube/patch.h"
#include "pod/advise.h"
#include "profile/judge.h"

#include <string.h>

#define MESSAGE_MAX 16384
#define WARNING_MAX 250
#define AUDIT_MAX   4096

void decision_init(struct decision *d)
{
	*d = (struct decision){
		.outcome = OUTCOME_PLAIN,
		.allowed = true,
		.message = BUF_MAX(MESSAGE_MAX),
		.warnings = json_array(),
		.audit = json_object(),
	};
}

void decision_clear(struct decision *d)
{
	buf_clear(&d->message);
	json_decref(d->warnings);
	json_decref(d->patch);
	json_decref(d->audit);
	*d = (struct decision){ .message = BUF_MAX(MESSAGE_MAX) };
}

/* ---- who is it, and which profile does it get --------------------------------------------------------------- */

static void subject(struct buf *out, const struct pod_view *pod, const struct profile *profile)
{
	buf_printf(out, "pod '%s' in namespace '%s' (runtime class '%s'", pod->name, pod->namespace,
			pod->runtime_class);
	if (profile)
		buf_printf(out, ", profile '%s'", profile->name);
	buf_puts(out, ")");
}

static void refuse(struct decision *d, const struct pod_view *pod)
{
	d->outcome = OUTCOME_REFUSED;
	d->allowed = false;
	subject(&d->message, pod, d->profile);
	buf_puts(&d->message, " is refused:");
	d->reasons = d->message.len;
}

void decision_deny(struct decision *d, const struct pod_view *pod, const char *place, struct span reasons)
{
	struct span line;

	if (d->allowed && !place) {
		refuse(d, pod);
	} else if (d->allowed) {
		d->outcome = OUTCOME_REFUSED;
		d->allowed = false;
		buf_printf(&d->message, "%s is refused (runtime class '%s'):", place, pod->runtime_class);
		d->reasons = d->message.len;
	}
	while (span_next(&reasons, '\n', &line)) {
		if (line.len)
			buf_printf(&d->message, "\n  %.*s", SPAN_ARG(line));
	}
}

static void unmatched(const struct catalog *catalog, const struct pod_view *pod, bool tie,
		const struct buf *why, struct decision *d)
{
	enum unmatched rule = catalog_unmatched(catalog);

	if (tie || rule == UNMATCHED_DENY) {
		refuse(d, pod);
		buf_printf(&d->message, " %s%s",
				tie ? "which profile it gets is not decided"
				    : "no ConfidentialProfile matches",
				buf_text(why));
		return;
	}
	d->outcome = OUTCOME_UNMATCHED;
	if (rule == UNMATCHED_WARN)
		json_array_append_new(d->warnings,
				json_line(WARNING_MAX,
						"pod '%s': no ConfidentialProfile matches: it starts without "
						"init-data",
						pod->name));
}

/*
 * Finds the class and the profile. True when there is a profile to judge the pod by; else the decision is made.
 */
static bool resolve(const struct catalog *catalog, const struct pod_view *pod, struct catalog_class *class,
		struct decision *d)
{
	struct buf why = BUF_MAX(MESSAGE_MAX / 2);
	bool tie;

	if (!pod->runtime_class)
		return false;
	if (!catalog_find_class(catalog, pod->runtime_class, class)) {
		refuse(d, pod);
		buf_puts(&d->message,
				" its RuntimeClass does not exist, or was made a moment ago: try again");
		return false;
	}
	if (!class->caps)
		return false;
	d->profile = catalog_match(catalog, pod->namespace, pod->runtime_class, pod->labels, &tie, &why);
	if (!d->profile) {
		unmatched(catalog, pod, tie, &why, d);
	} else if (d->profile->broken) {
		refuse(d, pod);
		buf_printf(&d->message, "\n  the profile is not ready: %s", d->profile->broken);
	}
	buf_clear(&why);
	return d->profile && !d->profile->broken;
}

static void audit(struct decision *d)
{
	if (!d->profile)
		return;
	json_object_set_new(d->audit, "profile", json_string(d->profile->name));
	if (d->profile->source == PROFILE_RENDERED && !d->profile->broken)
		json_object_set_new(d->audit, "digest", json_string(d->profile->digest_text));
}

/* ---- injecting ---------------------------------------------------------------------------------------------- */

/* Adds or replaces annotations. */
static void patch_annotations(json_t *patch, const struct pod_view *pod, const json_t *wanted)
{
	const char *key;
	json_t *value;

	if (!json_object_size(wanted))
		return;
	if (!json_is_object(json_object_get(pod->object, "metadata"))) {
		patch_add(patch, json_pack("{s:O}", "annotations", wanted), "metadata", NULL);
		return;
	}
	if (!json_is_object(json_at(pod->object, "metadata", "annotations", NULL))) {
		patch_add(patch, json_deep_copy(wanted), "metadata", "annotations", NULL);
		return;
	}
	json_object_foreach ((json_t *)(uintptr_t)wanted, key, value)
		patch_add(patch, json_incref(value), "metadata", "annotations", key, NULL);
}

/* Takes our gate away, from the end so that indexes stay right should it be there twice. */
static void patch_gate(json_t *patch, const struct pod_view *pod)
{
	const json_t *gates = json_at(pod->object, "spec", "schedulingGates", NULL);
	char index[24];

	for (size_t i = json_array_size(gates); pod->gate >= 0 && i--;) {
		const char *name = json_text_at(json_array_get(gates, i), "name", NULL);
		if (!name || strcmp(name, POD_GATE) != 0)
			continue;
		snprintf(index, sizeof(index), "%zu", i);
		patch_test(patch, json_string(POD_GATE), "spec", "schedulingGates", index, "name", NULL);
		patch_remove(patch, "spec", "schedulingGates", index, NULL);
	}
}

void decide_mutate(const struct catalog *catalog, const struct pod_view *pod, struct decision *d)
{
	struct catalog_class class;

	if (!resolve(catalog, pod, &class, d)) {
		/* decide_create says no, with the pod as it is then; saying it here as well would only say it twice */
		if (!d->allowed)
			d->outcome = OUTCOME_UNMATCHED;
		d->allowed = true;
		buf_reset(&d->message);
		json_array_clear(d->warnings);
		return;
	}
	auto_json json_t *wanted = judge_wanted(d->profile, &class, pod);
	d->patch = json_array();
	patch_annotations(d->patch, pod, wanted);
	patch_gate(d->patch, pod);
	d->outcome = json_array_size(d->patch) ? OUTCOME_INJECTED : OUTCOME_COMPLETE;
	audit(d);
}

/* ---- judging ------------------------------------------------------------------------------------------------ */

static void add_lines(struct buf *out, const json_t *reasons)
{
	size_t i;
	json_t *item;

	json_array_foreach (reasons, i, item)
		buf_printf(out, "\n  %s", json_string_value(item));
}

/* Turns reasons into refusal, warnings or audit text, as the profile's mode says. */
static void conclude(struct decision *d, const struct pod_view *pod, const json_t *hard, const json_t *soft)
{
	enum profile_mode mode = d->profile->mode;
	size_t i;
	json_t *item;

	if (json_array_size(hard) || (json_array_size(soft) && mode == PROFILE_ENFORCE)) {
		refuse(d, pod);
		add_lines(&d->message, hard);
		add_lines(&d->message, soft);
		return;
	}
	d->outcome = OUTCOME_COMPLETE;
	if (mode == PROFILE_WARN)
		json_array_extend(d->warnings, (json_t *)(uintptr_t)soft);
	if (mode == PROFILE_AUDIT && json_array_size(soft)) {
		struct buf text = BUF_MAX(MESSAGE_MAX);
		json_array_foreach (soft, i, item)
			buf_printf(&text, "%s%s", i ? "; " : "", json_string_value(item));
		json_object_set_new(d->audit, "findings", json_line(AUDIT_MAX, "%s", buf_text(&text)));
		buf_clear(&text);
	}
}

static void judge(const struct catalog_class *class, const struct pod_view *pod, struct decision *d)
{
	auto_json json_t *hard = json_array();
	auto_json json_t *soft = json_array();
	struct judge j = { .profile = d->profile, .class = class, .pod = pod, .hard = hard, .soft = soft };

	judge_pod(&j);
	conclude(d, pod, hard, soft);
	audit(d);
}

void decide_create(const struct catalog *catalog, const struct pod_view *pod, struct decision *d)
{
	struct catalog_class class;

	if (!resolve(catalog, pod, &class, d))
		return;
	judge(&class, pod, d);
	if (d->allowed)
		pod_advise(pod, "", d->warnings);
}

static json_t *frozen(const char *key, const char *what)
{
	return json_line(WARNING_MAX,
			"annotation '%.120s' may not be %s after creation: delete the pod and make a new one",
			key, what);
}

/* Each protected annotation that the pod had and has no more, or gets, or gets with another value. */
static void list_changes(
		const struct pod_view *before, const struct pod_view *after, bool may_set, json_t *reasons)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)before->annotations, key, value) {
		if (pod_annotation_is_protected(key) && !pod_annotation(after, key))
			json_array_append_new(reasons, frozen(key, "removed"));
	}
	json_object_foreach ((json_t *)(uintptr_t)after->annotations, key, value) {
		const char *was = pod_annotation(before, key);
		if (may_set || !pod_annotation_is_protected(key) ||
				(was && !strcmp(was, json_string_value(value))))
			continue;
		json_array_append_new(reasons, frozen(key, was ? "changed" : "added"));
	}
}

/* Whether a protected annotation differs. */
static bool touches(const struct pod_view *before, const struct pod_view *after)
{
	auto_json json_t *changes = json_array();

	list_changes(before, after, false, changes);
	return json_array_size(changes) > 0;
}

void decide_update(const struct catalog *catalog, const struct pod_view *before, const struct pod_view *after,
		bool controller, struct decision *d)
{
	auto_json json_t *changes = json_array();
	struct pod_view now = *after;
	struct catalog_class class;
	bool lifts = before->gate >= 0 && after->gate < 0;

	if (!before->runtime_class)
		return;
	/* a pod's class cannot change, and nobody gets out of here by leaving it out */
	now.runtime_class = before->runtime_class;
	/* the one exception to the freeze: the controller completes a pod that still waits */
	list_changes(before, after, controller && before->gate >= 0, changes);
	if (json_array_size(changes)) {
		refuse(d, &now);
		add_lines(&d->message, changes);
		return;
	}
	if (!lifts && !touches(before, after))
		return;
	if (!resolve(catalog, &now, &class, d))
		return;
	judge(&class, &now, d);
}

void decide_binding(const json_t *binding, struct decision *d)
{
	const char *key;
	json_t *value;

	json_object_foreach (
			(json_t *)(uintptr_t)json_at(binding, "metadata", "annotations", NULL), key, value) {
		if (!pod_annotation_is_protected(key))
			continue;
		if (d->allowed)
			buf_puts(&d->message,
					"the Binding is refused: its annotations would be copied to the "
					"pod:");
		buf_printf(&d->message, "\n  annotation '%.120s' is protected", key);
		d->allowed = false;
		d->outcome = OUTCOME_REFUSED;
	}
}

/* The pod's annotations as they are after injection. */
static json_t *with_annotations(const struct pod_view *pod, json_t *wanted)
{
	json_t *all = pod->annotations ? json_copy((json_t *)(uintptr_t)pod->annotations) : json_object();

	json_object_update(all, wanted);
	return all;
}

/* Each reason of a refusal as a warning; those why no profile matches belong together. */
static void warn_of_refusal(const struct decision *refusal, const char *path, bool judged, json_t *warnings)
{
	struct span rest = span_from(buf_span(&refusal->message), refusal->reasons), line;
	struct buf all = BUF_MAX(MESSAGE_MAX);

	while (span_next(&rest, '\n', &line)) {
		line = span_trim(line);
		if (!line.len)
			continue;
		if (judged)
			json_array_append_new(warnings,
					json_line(WARNING_MAX, "%s: pods will be refused: %.*s", path,
							SPAN_ARG(line)));
		else
			buf_printf(&all, "%s%.*s", all.len ? "; " : "", SPAN_ARG(line));
	}
	if (all.len)
		json_array_append_new(warnings,
				json_line(WARNING_MAX, "%s: pods will be refused: %s", path, buf_text(&all)));
	buf_clear(&all);
}

void decide_template(const struct catalog *catalog, const struct pod_view *pod, const char *path,
		struct decision *d)
{
	struct catalog_class class;
	auto_decision struct decision inner;
	size_t i;
	json_t *warning;

	decision_init(&inner);
	bool judged = resolve(catalog, pod, &class, &inner);
	if (judged) {
		auto_json json_t *wanted = judge_wanted(inner.profile, &class, pod);
		auto_json json_t *annotations = with_annotations(pod, wanted);
		struct pod_view injected = *pod;
		injected.annotations = annotations;
		injected.gate = -1;
		judge(&class, &injected, &inner);
	}
	d->profile = inner.profile;
	d->outcome = inner.outcome;
	if (!inner.allowed)
		warn_of_refusal(&inner, path, judged, d->warnings);
	json_array_foreach (inner.warnings, i, warning)
		json_array_append_new(d->warnings,
				json_line(WARNING_MAX, "%s: %s", path, json_string_value(warning)));
	if (d->outcome != OUTCOME_PLAIN)
		pod_advise(pod, path, d->warnings);
}

/* ---- the controller ----------------------------------------------------------------------------------------- */

void decide_lift(const struct catalog *catalog, const struct pod_view *pod, struct decision *d)
{
	struct catalog_class class;

	if (!resolve(catalog, pod, &class, d)) {
		/* a pod that is not confidential, or passes unmatched, has nothing to wait for; the empty name says so
		 * to the policies that guard the gate without a webhook */
		if (d->allowed) {
			auto_json json_t *nobody = json_pack("{s:s}", PROFILE_NAME_ANNOTATION, "");
			d->patch = json_array();
			patch_annotations(d->patch, pod, nobody);
			patch_gate(d->patch, pod);
		}
		return;
	}
	auto_json json_t *wanted = judge_wanted(d->profile, &class, pod);
	auto_json json_t *annotations = with_annotations(pod, wanted);
	struct pod_view lifted = *pod;
	lifted.annotations = annotations;
	lifted.gate = -1;
	judge(&class, &lifted, d);
	if (!d->allowed)
		return;
	d->patch = json_array();
	patch_annotations(d->patch, pod, wanted);
	patch_gate(d->patch, pod);
	d->outcome = OUTCOME_INJECTED;
}

enum pod_state decide_state(const struct catalog *catalog, const struct pod_view *pod,
		const unsigned char *fingerprint, const struct profile **profile, struct buf *why)
{
	struct catalog_class class;
	auto_decision struct decision d;

	decision_init(&d);
	bool judged = resolve(catalog, pod, &class, &d);
	*profile = d.profile;
	if (d.outcome == OUTCOME_PLAIN && !judged)
		return POD_PLAIN;
	if (pod->gate >= 0)
		return POD_GATED;
	bool has_data = fingerprint || pod_annotation(pod, INITDATA_ANNOTATION);
	if (judged) {
		auto_json json_t *reasons = json_array();
		struct judge j = { .profile = d.profile,
			.class = &class,
			.pod = pod,
			.fingerprint = fingerprint,
			.hard = reasons,
			.soft = reasons };
		judge_pod(&j);
		add_lines(why, reasons);
		if (!json_array_size(reasons))
			return POD_INJECTED;
	} else {
		buf_add_span(why, buf_span(&d.message));
		if (!why->len)
			buf_puts(why, "no ConfidentialProfile matches");
	}
	/* a profile may give other things than init-data: a pod that lacks those is not what it should be, no more */
	bool expects = !judged || d.profile->source != PROFILE_NO_INIT_DATA;
	return has_data || !expects ? POD_DRIFTED : POD_UNPROTECTED;
}
