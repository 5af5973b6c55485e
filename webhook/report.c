/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/report.h"

#include "base/alloc.h"
#include "base/log.h"
#include "codec/json.h"
#include "webhook/handoff.h"

#include <string.h>

#define POLICY_API "cocoon.dev/v1alpha1"

void notice_free(struct notice *notice)
{
	if (!notice)
		return;
	free(notice->note);
	free(notice->api);
	free(notice->kind);
	free(notice->namespace);
	free(notice->name);
	free(notice->uid);
	free(notice);
}

static void log_verdict(const struct review_result *result, const struct gate_line *line)
{
	log_info("image", "policy", line->policy, "verdict", gate_verdict_name(line->verdict), "namespace",
			result->pod.namespace, "pod", result->pod.name, "path", line->path, "image",
			line->image, "digest", line->digest, "reason", line->reason ? line->reason : "",
			"user", result->request.user, "dry_run", result->dry_run ? "true" : "false", NULL);
}

/* The first line that is not as it should be; refused before unknown. */
static const struct gate_line *worst(const struct gate_result *gate)
{
	const struct gate_line *unknown = NULL;

	for (size_t i = 0; i < gate->line_count; i++) {
		if (gate->lines[i].verdict == GATE_REFUSED)
			return &gate->lines[i];
		if (gate->lines[i].verdict == GATE_UNKNOWN && !unknown)
			unknown = &gate->lines[i];
	}
	return unknown;
}

/* The owner that makes pods like this one, or NULL. */
static const json_t *controlling_owner(const struct pod_view *pod)
{
	size_t i;
	json_t *owner;

	json_array_foreach (json_at(pod->object, "metadata", "ownerReferences", NULL), i, owner) {
		if (json_is_true(json_object_get(owner, "controller")) && json_text_at(owner, "name", NULL) &&
				json_text_at(owner, "kind", NULL) && json_text_at(owner, "apiVersion", NULL))
			return owner;
	}
	return NULL;
}

static struct notice *notice_of(const struct pod_view *pod, const struct gate_line *line)
{
	const json_t *owner = controlling_owner(pod);
	struct notice *notice = xcalloc(1, sizeof(*notice));

	notice->unknown = line->verdict == GATE_UNKNOWN;
	notice->note = xasprintf("pod %s/%s: %s: %s: ImagePolicy %s: %s", pod->namespace, pod->name,
			line->path, line->image, line->policy, line->reason ? line->reason : "");
	if (owner) {
		const char *uid = json_text_at(owner, "uid", NULL);
		notice->api = xstrdup(json_text_at(owner, "apiVersion", NULL));
		notice->kind = xstrdup(json_text_at(owner, "kind", NULL));
		notice->namespace = xstrdup(pod->namespace);
		notice->name = xstrdup(json_text_at(owner, "name", NULL));
		notice->uid = uid ? xstrdup(uid) : NULL;
	} else {
		notice->api = xstrdup(POLICY_API);
		notice->kind = xstrdup(IMAGEPOLICY_KIND);
		notice->name = xstrdup(line->policy);
	}
	return notice;
}

bool report_review(struct handoff *handoff, enum review_path path, const struct review_result *result)
{
	const struct gate_result *gate = &result->gate;

	if (path == REVIEW_MUTATE)
		return false; /* the same pod comes again, to be judged */
	for (size_t i = 0; i < gate->line_count; i++) {
		log_verdict(result, &gate->lines[i]);
		if (path == REVIEW_VALIDATE && !result->dry_run)
			verdicts_add(&handoff->verdicts, gate->lines[i].policy, gate->lines[i].verdict);
	}
	const struct gate_line *bad = worst(gate);
	/* an image that no policy takes has none to tell it to */
	if (!bad || path != REVIEW_VALIDATE || result->dry_run ||
			(!bad->policy[0] && !controlling_owner(&result->pod)))
		return false;
	handoff_give_notice(handoff, notice_of(&result->pod, bad));
	return true;
}
