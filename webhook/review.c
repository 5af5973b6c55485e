/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/review.h"

#include "base/err.h"
#include "kube/admission.h"

#include <string.h>

/* Objects of one request, looked at as pods. */
static void judge_pod(const struct review_env *env, enum review_path path,
		const struct admission_request *request, struct decision *d, struct err *err)
{
	struct pod_view pod, before;

	if (request->operation != ADMISSION_CREATE && request->operation != ADMISSION_UPDATE)
		return;
	if (pod_view_read(request->object, request->namespace, &pod, err) < 0)
		return;
	if (request->operation == ADMISSION_CREATE && path == REVIEW_MUTATE) {
		decide_mutate(env->catalog, &pod, d);
	} else if (request->operation == ADMISSION_CREATE) {
		decide_create(env->catalog, &pod, d);
	} else if (path == REVIEW_VALIDATE) {
		if (pod_view_read(request->old_object, request->namespace, &before, err) < 0)
			return;
		decide_update(env->catalog, &before, &pod, !strcmp(request->user, env->controller_user), d);
	}
}

static void judge_template(const struct review_env *env, const struct admission_request *request,
		struct decision *d, struct err *err)
{
	struct pod_view pod;
	const char *path;

	if (!request->object)
		return;
	if (pod_view_template(request->object, request->namespace, &pod, &path, err) < 0) {
		/* a kind without a template, or one that cannot be read: there is nothing to warn of */
		err_clear(err);
		return;
	}
	decide_template(env->catalog, &pod, path, d);
}

static void judge(const struct review_env *env, enum review_path path,
		const struct admission_request *request, struct decision *d, struct err *err)
{
	bool pods = !strcmp(request->resource, "v1/pods");
	bool binding = !strcmp(request->resource, "v1/bindings") ||
			(pods && !strcmp(request->subresource, "binding"));

	if (path == REVIEW_TEMPLATES)
		judge_template(env, request, d, err);
	else if (binding && path == REVIEW_VALIDATE && request->object)
		decide_binding(request->object, d);
	else if (pods && !binding)
		judge_pod(env, path, request, d, err);
}

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
	auto_admission struct admission_request request = ADMISSION_REQUEST_NONE;
	auto_decision struct decision d;
	struct err err = ERR_NONE;

	decision_init(&d);
	*result = (struct review_result){ .status = 200 };
	if (admission_parse(body, &request, &err) == 0) {
		result->dry_run = request.dry_run;
		judge(env, path, &request, &d, &err);
	}
	if (!request.uid) {
		result->status = 400;
		result->outcome = OUTCOME_REFUSED;
		buf_puts(out, err.text);
		return;
	}
	bool bad = err.kind != ERR_OK;
	result->outcome = bad ? OUTCOME_REFUSED : d.outcome;
	answer(&request, &d, bad ? &err : NULL, out);
}
