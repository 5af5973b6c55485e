/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/resolve.h"

#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "codec/line.h"
#include "initdata/carrier.h"

#include <string.h>

#define MESSAGE_MAX 8192
#define WARNING_MAX 250
#define REASON_MAX  1000

/* ---- who is it, and which profile does it get --------------------------------------------------------------- */

void decision_lines(struct buf *out, const json_t *reasons)
{
	size_t i;
	json_t *item;

	json_array_foreach (reasons, i, item)
		buf_printf(out, "\n  %s", json_string_value(item));
}

static void subject(struct buf *out, const struct pod_view *pod, const struct profile *profile)
{
	buf_printf(out, "pod '%s' in namespace '%s' (runtime class '%s'", pod->name, pod->namespace,
			pod->runtime_class);
	if (profile)
		buf_printf(out, ", profile '%s'", profile->name);
	buf_puts(out, ")");
}

void decision_refuse(struct decision *d, const struct pod_view *pod)
{
	d->outcome = OUTCOME_REFUSED;
	d->allowed = false;
	subject(&d->message, pod, d->profile);
	buf_puts(&d->message, " is refused:");
	d->reasons = d->message.len;
}

static void unmatched(const struct catalog *catalog, const struct pod_view *pod, bool tie,
		const struct buf *why, struct decision *d)
{
	enum unmatched rule = catalog_unmatched(catalog);

	if (tie || rule == UNMATCHED_DENY) {
		decision_refuse(d, pod);
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

bool decision_resolve(const struct catalog *catalog, const struct pod_view *pod, struct catalog_class *class,
		struct decision *d)
{
	struct buf why = BUF_MAX(MESSAGE_MAX);
	bool tie;

	if (!pod->runtime_class)
		return false;
	if (!catalog_find_class(catalog, pod->runtime_class, class)) {
		decision_refuse(d, pod);
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
		decision_refuse(d, pod);
		buf_printf(&d->message, "\n  the profile is not ready: %s", d->profile->broken);
	}
	buf_clear(&why);
	return d->profile && !d->profile->broken;
}

/* ---- and its agent policy ----------------------------------------------------------------------------------- */

/* Lists of pods leave out what each of their items is. */
static json_t *as_pod(const struct pod_view *pod)
{
	json_t *object = json_copy((json_t *)(uintptr_t)pod->object);

	if (!json_object_get(object, "kind"))
		json_object_set_new(object, "kind", json_string("Pod"));
	return object;
}

static void take_notes(const struct agent_notes *notes, json_t *reasons, json_t *warnings)
{
	for (size_t i = 0; i < notes->count; i++) {
		const struct agent_note *note = &notes->items[i];
		json_t *list = note->severity == AGENT_ERROR ? reasons : warnings;
		if (note->severity != AGENT_REMARK)
			json_array_append_new(list,
					json_line(REASON_MAX, "%s%s%s", note->path, note->path[0] ? ": " : "",
							note->text));
	}
}

static int read_key(const struct pod_view *pod, const json_t *workload, struct decision *d, json_t *reasons,
		json_t *warnings, struct err *err)
{
	auto_agent_workload struct agent_workload read = AGENT_WORKLOAD_NONE;
	auto_agent_notes struct agent_notes notes = AGENT_NOTES_NONE;
	auto_json json_t *object = workload ? json_incref((json_t *)(uintptr_t)workload) : as_pod(pod);
	const struct agent_reading reading = {
		.options = d->profile->generated,
		.namespace = pod->namespace,
		.lenient = true,
	};
	int done = agent_workload_read(object, &reading, &read, &notes, err);

	take_notes(&notes, reasons, warnings);
	if (!done)
		agent_key(&read, d->profile->generated, d->key);
	return done;
}

enum agent_found decision_find_agent(const struct catalog *catalog, const json_t *workload,
		const struct pod_view *pod, struct decision *d, json_t *reasons, json_t *warnings)
{
	struct profile *base = (struct profile *)(uintptr_t)d->profile;
	struct prepared *prepared;
	struct err why = ERR_NONE;

	if (base->source != PROFILE_GENERATED)
		return AGENT_NOT_ASKED;
	if (read_key(pod, workload, d, reasons, warnings, &why) < 0) {
		if (!json_array_size(reasons))
			json_array_append_new(reasons, json_line(REASON_MAX, "%s", why.text));
		return AGENT_IMPOSSIBLE;
	}
	prepared = catalog_prepared(catalog, pod->namespace, base->name, d->key);
	d->unprepared = !prepared;
	if (!prepared)
		return AGENT_MISSING;
	if (catalog_derive(catalog, base, prepared, &d->derived, &why) < 0) {
		json_array_append_new(reasons, json_line(REASON_MAX, "%s", why.text));
		return AGENT_IMPOSSIBLE;
	}
	d->profile = d->derived;
	return AGENT_PREPARED;
}

json_t *decision_unprepared(const struct pod_view *pod, const struct decision *d)
{
	if (pod->node)
		return json_line(REASON_MAX,
				"spec.nodeName: the pod is bound to node '%.100s' already and cannot wait "
				"for its "
				"agent policy, which is not prepared: leave the choice of the node to the "
				"scheduler "
				"(spec.nodeSelector or spec.affinity can name it)",
				pod->node);
	if (pod_annotation(pod, INITDATA_ANNOTATION))
		return json_line(REASON_MAX,
				"no agent policy is prepared for the pod as it is now, although it carries "
				"init-data: another admission webhook changed it after injection; containers "
				"that "
				"are injected are declared in spec.initData.agentPolicy.generated.injected "
				"of "
				"profile '%s'",
				d->profile->name);
	return json_line(REASON_MAX,
			"the pod has neither init-data nor the scheduling gate '" POD_GATE
			"', behind which it would wait for its agent policy: its runtime class was set, or "
			"the "
			"gate taken away, after injection, or the webhook was not called");
}
