/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/review.h"

#include "base/err.h"
#include "codec/json.h"
#include "initdata/carrier.h"
#include "initdata/document.h"

#include <string.h>

/* One review under way. */
struct look {
	const struct review_env *env;
	enum review_path path;
	const struct admission_request *request;
	struct decision d;
	struct review_result *result;
};

/* ---- images ------------------------------------------------------------------------------------------------- */

/* Confidential; or, of a pod that is there already, perhaps so: its class is gone. */
static bool is_confidential(const struct look *look, const char *name)
{
	struct catalog_class class;

	if (!name)
		return false;
	if (!catalog_find_class(look->env->catalog, name, &class))
		return look->request->operation == ADMISSION_UPDATE && look->path != REVIEW_TEMPLATES;
	return class.caps != NULL;
}

/* Of a pod that waits for its agent policy all else is known. */
static bool waits(const struct look *look, const struct pod_view *pod)
{
	const struct profile *profile = look->d.profile;

	return profile && !profile->broken && profile->source == PROFILE_GENERATED &&
			!pod_annotation(pod, INITDATA_ANNOTATION);
}

/*
 * The init-data that the pod has or, where it is yet to be injected, gets. What cannot be read is none: the decision
 * refuses it where there is a profile, and policies that ask for it miss it.
 */
static struct span document_of(const struct look *look, const struct pod_view *pod, struct buf *memory)
{
	const char *value = pod_annotation(pod, INITDATA_ANNOTATION);
	const struct profile *profile = look->d.profile;
	bool gives = profile && !profile->broken && profile->source == PROFILE_RENDERED;
	bool injects = look->path == REVIEW_TEMPLATES || look->d.outcome == OUTCOME_WAITING ||
			(look->path == REVIEW_MUTATE && look->request->operation == ADMISSION_CREATE);

	if (waits(look, pod) || (gives && (value ? !strcmp(value, profile->annotation) : injects)))
		return buf_span(&profile->document);
	if (!value || initdata_annotation_parse(span_of(value), memory, NULL) < 0)
		return span_of("");
	return buf_span(memory);
}

/* Joins what the gate found with what the decision says. */
static void conclude(struct look *look, const struct pod_view *pod, const char *place)
{
	struct gate_result *gate = &look->result->gate;

	look->result->pod = *pod;
	json_array_extend(look->d.warnings, gate->warnings);
	json_object_update(look->d.audit, gate->audit);
	if (!gate->allowed)
		decision_deny(&look->d, pod, place, buf_span(&gate->message));
}

/* `place`: of a template; NULL: a pod. */
static void judge_images(struct look *look, const struct pod_view *pod, const struct pod_view *before,
		const char *place)
{
	const struct review_env *env = look->env;
	struct buf memory = BUF_MAX(INITDATA_TEXT_MAX);
	struct gate_review asked = {
		.set = env->policies,
		.kind = place ? GATE_TEMPLATE : GATE_POD,
		.waits = waits(look, pod),
		.path = place ? place : "",
		.pod = pod,
		.before = before,
		.namespace_labels = catalog_namespace_labels(env->catalog, pod->namespace),
		.now = env->now,
		.ctx = env->ctx,
		.find = env->find,
	};

	if (!is_confidential(look, pod->runtime_class))
		return;
	if (env->policies->count)
		asked.document = document_of(look, pod, &memory);
	if (look->path == REVIEW_MUTATE) {
		if (!look->d.patch)
			look->d.patch = json_array();
		gate_mutate(&asked, look->d.patch, &look->result->gate);
		if (look->d.outcome == OUTCOME_COMPLETE && json_array_size(look->d.patch))
			look->d.outcome = OUTCOME_INJECTED;
	} else {
		gate_judge(&asked, &look->result->gate);
	}
	look->result->hopeless = !look->d.allowed;
	look->result->pending = look->result->gate.pending && look->d.allowed;
	if (!look->result->gate.pending)
		conclude(look, pod, place);
	buf_clear(&memory);
}

/* ---- pods --------------------------------------------------------------------------------------------------- */

static void judge_update(struct look *look, struct pod_view *pod, const struct pod_view *before)
{
	const struct review_env *env = look->env;
	const struct admission_request *request = look->request;
	bool tie;

	if (look->path == REVIEW_VALIDATE)
		decide_update(env->catalog, before, pod, !strcmp(request->user, env->controller_user),
				&look->d);
	if (!strcmp(request->subresource, "resize"))
		return;
	/* a pod's class cannot change, and nobody gets out of here by leaving it out */
	pod->runtime_class = before->runtime_class;
	/* one that waits goes on to be judged by the init-data that it will get */
	if (!look->d.profile && pod->gate >= 0 && pod->runtime_class)
		look->d.profile = catalog_match(
				env->catalog, pod->namespace, pod->runtime_class, pod->labels, &tie, NULL);
	judge_images(look, pod, before, NULL);
}

/* Writes a value where a replacing operation says. */
static void replace_at(json_t *object, const char *pointer, json_t *value)
{
	struct span rest = span_from(span_of(pointer), 1), part;
	json_t *at = object;
	uint64_t index;

	while (span_next(&rest, '/', &part) && rest.len)
		at = json_is_array(at) && span_number(part, SIZE_MAX, &index)
				? json_array_get(at, index)
				: json_object_getn(at, part.ptr, part.len);
	json_object_setn(at, part.ptr, part.len, value);
}

/* The pod with its images as they are written now; NULL when none changes. */
static json_t *with_images(const struct pod_view *pod, const json_t *patch)
{
	json_t *copy = NULL, *operation;
	size_t i;

	json_array_foreach (patch, i, operation) {
		const char *op = json_text_at(operation, "op", NULL);
		if (!op || strcmp(op, "replace") != 0)
			continue;
		if (!copy)
			copy = json_deep_copy(pod->object);
		replace_at(copy, json_text_at(operation, "path", NULL), json_object_get(operation, "value"));
	}
	return copy;
}

/* An agent policy is made for the images that the pod ends up with: where they were pinned, it is looked for again. */
static void decide_pinned(struct look *look, const struct pod_view *pod)
{
	auto_json json_t *copy = with_images(pod, look->d.patch);
	struct pod_view pinned;

	if (!copy || pod_view_read(copy, look->request->namespace, &pinned, NULL) < 0)
		return;
	decision_clear(&look->d);
	decision_init(&look->d);
	decide_mutate(look->env->catalog, &pinned, &look->d);
	judge_images(look, pod, NULL, NULL);
}

/* Objects of one request, looked at as pods. */
static void judge_pod(struct look *look, struct err *err)
{
	const struct review_env *env = look->env;
	const struct admission_request *request = look->request;
	struct pod_view pod, before;

	if (request->operation != ADMISSION_CREATE && request->operation != ADMISSION_UPDATE)
		return;
	if (pod_view_read(request->object, request->namespace, &pod, err) < 0)
		return;
	if (request->operation == ADMISSION_CREATE && look->path == REVIEW_MUTATE) {
		decide_mutate(env->catalog, &pod, &look->d);
		judge_images(look, &pod, NULL, NULL);
		if (look->d.key[0] && !look->result->pending)
			decide_pinned(look, &pod);
	} else if (request->operation == ADMISSION_CREATE) {
		decide_create(env->catalog, &pod, &look->d);
		judge_images(look, &pod, NULL, NULL);
	} else if (pod_view_read(request->old_object, request->namespace, &before, err) == 0) {
		judge_update(look, &pod, &before);
	}
}

/* Made by the controller of another workload, whose template it has. */
static bool is_copied(const json_t *workload)
{
	size_t i;
	json_t *owner;

	json_array_foreach (json_at(workload, "metadata", "ownerReferences", NULL), i, owner) {
		const char *kind = json_text_at(owner, "kind", NULL);
		if (kind && json_is_true(json_object_get(owner, "controller")) &&
				(!strcmp(kind, "Deployment") || !strcmp(kind, "CronJob")))
			return true;
	}
	return false;
}

/*
 * Has somebody been told of the template already? Controllers change and copy workloads all the time: they wait for no
 * registry, and who scales one down, or deletes it, is not refused for what it holds.
 */
static bool was_told(const struct admission_request *request, const struct pod_view *pod)
{
	struct pod_view before;
	const char *path;

	if (is_copied(request->object))
		return true;
	return request->operation == ADMISSION_UPDATE && request->old_object &&
			pod_view_template(request->old_object, request->namespace, &before, &path, NULL) ==
			0 &&
			json_equal((json_t *)(uintptr_t)before.object, (json_t *)(uintptr_t)pod->object);
}

static void judge_template(struct look *look, struct err *err)
{
	const struct admission_request *request = look->request;
	struct pod_view pod;
	const char *path;

	if (!request->object)
		return;
	if (pod_view_template(request->object, request->namespace, &pod, &path, err) < 0) {
		/* a kind without a template, or one that cannot be read: there is nothing to warn of */
		err_clear(err);
		return;
	}
	decide_template(look->env->catalog, request->object, &pod, path, &look->d);
	if (!was_told(request, &pod))
		judge_images(look, &pod, NULL, path);
}

static void judge(struct look *look, struct err *err)
{
	const struct admission_request *request = look->request;
	bool pods = !strcmp(request->resource, "v1/pods");
	bool binding = !strcmp(request->resource, "v1/bindings") ||
			(pods && !strcmp(request->subresource, "binding"));

	if (look->path == REVIEW_TEMPLATES)
		judge_template(look, err);
	else if (binding && look->path == REVIEW_VALIDATE && request->object)
		decide_binding(request->object, &look->d);
	else if (pods && !binding)
		judge_pod(look, err);
}

/* ---- the answer --------------------------------------------------------------------------------------------- */

static void answer(const struct admission_request *request, const struct decision *d, const struct err *bad,
		struct buf *out)
{
	const char *message = bad ? bad->text : buf_text(&d->message);
	bool allowed = !bad && d->allowed;
	const struct admission_response response = {
		.allowed = allowed,
		.code = allowed       ? 0
				: bad ? 422
				      : 403,
		.reason = allowed     ? NULL
				: bad ? "Invalid"
				      : "Forbidden",
		.message = allowed ? NULL : message,
		.patch = allowed ? d->patch : NULL,
		.warnings = d->warnings,
		.annotations = d->audit,
	};
	struct err err = ERR_NONE;

	if (admission_format(request->uid, &response, out, &err) < 0) {
		/* only an answer beyond the server's ceiling: refuse, as what cannot be said was not checked */
		const struct admission_response plain = {
			.allowed = false, .code = 500, .message = err.text
		};
		buf_reset(out);
		if (admission_format(request->uid, &plain, out, NULL) < 0)
			buf_reset(out);
	}
}

void review(const struct review_env *env, enum review_path path, struct span body,
		struct review_result *result, struct buf *out)
{
	struct look look = { .env = env, .path = path, .request = &result->request, .result = result };
	struct err err = ERR_NONE;

	*result = (struct review_result){ .status = 200, .request = ADMISSION_REQUEST_NONE };
	gate_result_init(&result->gate);
	decision_init(&look.d);
	if (admission_parse(body, &result->request, &err) == 0) {
		result->dry_run = result->request.dry_run;
		judge(&look, &err);
	}
	bool bad = err.kind != ERR_OK;
	result->outcome = bad ? OUTCOME_REFUSED : look.d.outcome;
	if (!result->request.uid) {
		result->status = 400;
		result->outcome = OUTCOME_REFUSED;
		buf_puts(out, err.text);
	} else if (!result->pending) {
		answer(&result->request, &look.d, bad ? &err : NULL, out);
	}
	decision_clear(&look.d);
}

void review_result_clear(struct review_result *result)
{
	gate_result_clear(&result->gate);
	admission_clear(&result->request);
}
