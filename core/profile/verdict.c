/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/verdict.h"

#include "base/own.h"
#include "codec/json.h"
#include "codec/line.h"
#include "profile/judge.h"
#include "profile/resolve.h"

#define FINDINGS_MAX 16384
#define AUDIT_MAX    4096

void verdict_audit(struct decision *d)
{
	if (!d->profile)
		return;
	json_object_set_new(d->audit, "profile", json_string(d->profile->name));
	if (d->profile->source == PROFILE_RENDERED && !d->profile->broken)
		json_object_set_new(d->audit, "digest", json_string(d->profile->digest_text));
}

/* Turns reasons into refusal, warnings or audit text, as the profile's mode says. */
static void conclude(struct decision *d, const struct pod_view *pod, const json_t *hard, const json_t *soft)
{
	enum profile_mode mode = d->profile->mode;
	size_t i;
	json_t *item;

	if (json_array_size(hard) || (json_array_size(soft) && mode == PROFILE_ENFORCE)) {
		decision_refuse(d, pod);
		decision_lines(&d->message, hard);
		decision_lines(&d->message, soft);
		return;
	}
	d->outcome = OUTCOME_COMPLETE;
	if (mode == PROFILE_WARN)
		json_array_extend(d->warnings, (json_t *)(uintptr_t)soft);
	if (mode == PROFILE_AUDIT && json_array_size(soft)) {
		struct buf text = BUF_MAX(FINDINGS_MAX);
		json_array_foreach (soft, i, item)
			buf_printf(&text, "%s%s", i ? "; " : "", json_string_value(item));
		json_object_set_new(d->audit, "findings", json_line(AUDIT_MAX, "%s", buf_text(&text)));
		buf_clear(&text);
	}
}

void verdict_judge(const struct catalog_class *class, const struct pod_view *pod, struct decision *d)
{
	auto_json json_t *hard = json_array();
	auto_json json_t *soft = json_array();
	struct judge j = { .profile = d->profile, .class = class, .pod = pod, .hard = hard, .soft = soft };

	judge_pod(&j);
	conclude(d, pod, hard, soft);
	verdict_audit(d);
}

json_t *verdict_annotations(const struct pod_view *pod, json_t *wanted)
{
	json_t *all = pod->annotations ? json_copy((json_t *)(uintptr_t)pod->annotations) : json_object();

	json_object_update(all, wanted);
	return all;
}

void verdict_waiting(const struct catalog_class *class, const struct pod_view *pod, json_t *hard,
		struct decision *d)
{
	auto_json json_t *wanted = judge_wanted(d->profile, class, pod);
	auto_json json_t *annotations = verdict_annotations(pod, wanted);
	auto_json json_t *soft = json_array();
	struct pod_view later = *pod;
	struct judge j = { .profile = d->profile,
		.class = class,
		.pod = &later,
		.waits = true,
		.hard = hard,
		.soft = soft };

	later.annotations = annotations;
	judge_pod(&j);
	conclude(d, pod, hard, soft);
	if (d->allowed)
		d->outcome = OUTCOME_WAITING;
	verdict_audit(d);
}
