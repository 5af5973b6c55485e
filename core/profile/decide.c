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
#include "profile/resolve.h"
#include "profile/verdict.h"

#include <string.h>

#define MESSAGE_MAX 16384
#define WARNING_MAX 250

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
	profile_unref(d->derived);
	*d = (struct decision){ .message = BUF_MAX(MESSAGE_MAX) };
}

void decision_deny(struct decision *d, const struct pod_view *pod, const char *place, struct span reasons)
{
	struct span line;

	if (d->allowed && !place) {
		decision_refuse(d, pod);
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

/* The gate, for a pod that has to wait for its agent policy. */
static void patch_wait(json_t *patch, const struct pod_view *pod)
{
	json_t *gate = json_pack("{s:s}", "name", POD_GATE);

	if (pod->gate >= 0)
		json_decref(gate);
	else if (json_is_array(json_at(pod->object, "spec", "schedulingGates", NULL)))
		patch_add(patch, gate, "spec", "schedulingGates", "-", NULL);
	else
		patch_add(patch, json_pack("[o]", gate), "spec", "schedulingGates", NULL);
}

void decide_mutate(const struct catalog *catalog, const struct pod_view *pod, struct decision *d)
{
	struct catalog_class class;
	auto_json json_t *reasons = json_array();

	if (!decision_resolve(catalog, pod, &class, d)) {
		/* decide_create says no, with the pod as it is then; saying it here as well would only say it twice */
		if (!d->allowed)
			d->outcome = OUTCOME_UNMATCHED;
		d->allowed = true;
		buf_reset(&d->message);
		json_array_clear(d->warnings);
		return;
	}
	enum agent_found found = decision_find_agent(catalog, NULL, pod, d, reasons, reasons);
	/* as above; and the API server has worse words for a gate on a pod that is bound */
	if (found == AGENT_IMPOSSIBLE || (found == AGENT_MISSING && pod->node)) {
		d->outcome = OUTCOME_UNMATCHED;
		return;
	}
	d->patch = json_array();
	if (found == AGENT_MISSING) {
		patch_wait(d->patch, pod);
		d->outcome = OUTCOME_WAITING;
	} else {
		auto_json json_t *wanted = judge_wanted(d->profile, &class, pod);
		patch_annotations(d->patch, pod, wanted);
		patch_gate(d->patch, pod);
		d->outcome = json_array_size(d->patch) ? OUTCOME_INJECTED : OUTCOME_COMPLETE;
	}
	verdict_audit(d);
}

/* ---- judging ------------------------------------------------------------------------------------------------ */

static void add_warnings(const json_t *texts, json_t *warnings)
{
	size_t i;
	json_t *text;

	json_array_foreach (texts, i, text)
		json_array_append_new(warnings, json_line(WARNING_MAX, "%s", json_string_value(text)));
}

void decide_create(const struct catalog *catalog, const struct pod_view *pod, struct decision *d)
{
	struct catalog_class class;
	auto_json json_t *hard = json_array();
	auto_json json_t *warnings = json_array();

	if (!decision_resolve(catalog, pod, &class, d))
		return;
	enum agent_found found = decision_find_agent(catalog, NULL, pod, d, hard, warnings);
	bool waits = pod->gate >= 0 && !pod_annotation(pod, INITDATA_ANNOTATION);
	if (found == AGENT_MISSING && pod->gate < 0)
		json_array_append_new(hard, decision_unprepared(pod, d));
	if (found == AGENT_NOT_ASKED || (found == AGENT_PREPARED && !waits)) {
		verdict_judge(&class, pod, d);
	} else {
		verdict_waiting(&class, pod, hard, d);
		add_warnings(warnings, d->warnings);
	}
	if (d->allowed)
		pod_advise(pod, "", d->warnings);
}

/* Whether a pod that is to leave the gate can be judged: its agent policy is there, or it needs none. Else it is refused. */
static bool find_ready(const struct catalog *catalog, const struct catalog_class *class,
		const struct pod_view *pod, struct decision *d)
{
	auto_json json_t *hard = json_array();
	auto_json json_t *warnings = json_array();

	if (decision_find_agent(catalog, NULL, pod, d, hard, warnings) == AGENT_MISSING)
		json_array_append_new(hard,
				json_line(WARNING_MAX,
						"its agent policy is not prepared yet: the AgentPolicies of "
						"namespace '%.63s' show which are",
						pod->namespace));
	if (json_array_size(hard))
		verdict_waiting(class, pod, hard, d);
	return !json_array_size(hard);
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
		decision_refuse(d, &now);
		decision_lines(&d->message, changes);
		return;
	}
	if (!lifts && !touches(before, after))
		return;
	if (!decision_resolve(catalog, &now, &class, d))
		return;
	if (find_ready(catalog, &class, &now, d))
		verdict_judge(&class, &now, d);
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

/* A template whose profile is known, as its pods will be. */
static void judge_template(const struct catalog *catalog, const struct catalog_class *class,
		const json_t *workload, const struct pod_view *pod, struct decision *d, json_t *warnings)
{
	auto_json json_t *hard = json_array();
	enum agent_found found = decision_find_agent(catalog, workload, pod, d, hard, warnings);
	struct pod_view injected = *pod;

	if (found == AGENT_MISSING && pod->node)
		json_array_append_new(hard, decision_unprepared(pod, d));
	if (found == AGENT_MISSING || found == AGENT_IMPOSSIBLE) {
		verdict_waiting(class, pod, hard, d);
		return;
	}
	auto_json json_t *wanted = judge_wanted(d->profile, class, pod);
	auto_json json_t *annotations = verdict_annotations(pod, wanted);
	injected.annotations = annotations;
	injected.gate = -1;
	verdict_judge(class, &injected, d);
}

void decide_template(const struct catalog *catalog, const json_t *workload, const struct pod_view *pod,
		const char *path, struct decision *d)
{
	struct catalog_class class;
	auto_decision struct decision inner;
	auto_json json_t *notes = json_array();
	size_t i;
	json_t *warning;

	decision_init(&inner);
	bool judged = decision_resolve(catalog, pod, &class, &inner);
	if (judged)
		judge_template(catalog, &class, workload, pod, &inner, notes);
	d->profile = inner.profile;
	d->derived = take(&inner.derived);
	d->unprepared = inner.unprepared;
	memcpy(d->key, inner.key, sizeof(d->key));
	d->outcome = inner.outcome;
	if (!inner.allowed)
		warn_of_refusal(&inner, path, judged, d->warnings);
	json_array_foreach (inner.warnings, i, warning)
		json_array_append_new(d->warnings,
				json_line(WARNING_MAX, "%s: %s", path, json_string_value(warning)));
	add_warnings(notes, d->warnings);
	if (d->outcome != OUTCOME_PLAIN)
		pod_advise(pod, path, d->warnings);
}

/* ---- the controller ----------------------------------------------------------------------------------------- */

void decide_lift(const struct catalog *catalog, const struct pod_view *pod, struct decision *d)
{
	struct catalog_class class;

	if (!decision_resolve(catalog, pod, &class, d)) {
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
	if (!find_ready(catalog, &class, pod, d))
		return;
	auto_json json_t *wanted = judge_wanted(d->profile, &class, pod);
	auto_json json_t *annotations = verdict_annotations(pod, wanted);
	struct pod_view lifted = *pod;
	lifted.annotations = annotations;
	lifted.gate = -1;
	verdict_judge(&class, &lifted, d);
	if (!d->allowed)
		return;
	d->patch = json_array();
	patch_annotations(d->patch, pod, wanted);
	patch_gate(d->patch, pod);
	d->outcome = OUTCOME_INJECTED;
}

/* What is prepared and makes the pod's own document; false when nothing does. */
static bool find_print(const struct catalog *catalog, const struct pod_view *pod,
		const unsigned char *fingerprint, struct profile *profile, struct prepared_print *print)
{
	const char *value = pod_annotation(pod, INITDATA_ANNOTATION);
	struct prepared *prepared;
	unsigned char own[32];

	if (profile->source != PROFILE_GENERATED || (!fingerprint && !value))
		return false;
	if (!fingerprint && !judge_fingerprint(value, own))
		return false;
	prepared = catalog_prepared_as(catalog, profile, pod->namespace, fingerprint ? fingerprint : own);
	if (prepared)
		prepared_print(prepared, profile, print);
	return prepared != NULL;
}

enum pod_state decide_state(const struct catalog *catalog, const struct pod_view *pod,
		const unsigned char *fingerprint, const struct profile **profile, struct buf *why)
{
	struct catalog_class class;
	auto_decision struct decision d;

	decision_init(&d);
	bool judged = decision_resolve(catalog, pod, &class, &d);
	*profile = d.profile;
	if (d.outcome == OUTCOME_PLAIN && !judged)
		return POD_PLAIN;
	if (pod->gate >= 0)
		return POD_GATED;
	bool has_data = fingerprint || pod_annotation(pod, INITDATA_ANNOTATION);
	if (judged) {
		auto_json json_t *reasons = json_array();
		struct prepared_print print;
		struct profile *own = (struct profile *)(uintptr_t)d.profile;
		bool prepared = find_print(catalog, pod, fingerprint, own, &print);
		struct judge j = { .profile = d.profile,
			.class = &class,
			.pod = pod,
			.fingerprint = fingerprint,
			.digest = prepared ? print.digest_text : NULL,
			.hard = reasons,
			.soft = reasons };
		judge_pod(&j);
		decision_lines(why, reasons);
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
