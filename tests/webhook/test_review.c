/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/review.h"

#include "base/b64.h"
#include "tests/webhook/asks.h"

#define TEAM                                                                                         \
	"- {metadata: {name: team}, spec: {runtimeClasses: [snp], namespaceSelector: {}, initData: " \
	"{logLevel: "                                                                                \
	"info}}}"
#define POD                                                                                               \
	"{apiVersion: v1, kind: Pod, metadata: {name: web, annotations: {%s}}, spec: {runtimeClassName: " \
	"snp}}"
#define GATED                                                                             \
	"{metadata: {name: web}, spec: {runtimeClassName: snp, schedulingGates: [{name: " \
	"cocoon.dev/init-data}]}}"

/* The response to bytes; NULL for a status other than 200. */
static json_t *answer(const struct catalog *catalog, enum review_path path, struct span body,
		struct review_result *result)
{
	auto_policy_set struct policy_set *none = policies_of(NULL, NULL);
	const struct review_env env = { .catalog = catalog, .policies = none, .controller_user = CONTROLLER };
	struct buf out = BUF_MAX(16 << 20);
	auto_json json_t *all = NULL;

	review(&env, path, body, result, &out);
	/* what is looked at afterwards are numbers alone */
	review_result_clear(result);
	if (result->status == 200) {
		assert_int_equal(json_read(buf_span(&out), 16 << 20, &all, NULL), 0);
		assert_string_equal(json_text_at(all, "apiVersion", NULL), "admission.k8s.io/v1");
		assert_string_equal(json_text_at(all, "kind", NULL), "AdmissionReview");
	} else {
		assert_true(out.len > 0);
		assert_int_equal(json_read(buf_span(&out), 16 << 20, &all, NULL), -1);
	}
	buf_clear(&out);
	return json_incref(json_object_get(all, "response"));
}

static json_t *response(const struct catalog *catalog, const struct ask *ask, struct review_result *result)
{
	auto_json json_t *review = review_of(ask);
	auto_free char *text = json_text(review, false);
	json_t *said = answer(catalog, ask->path, span_of(text), result);

	assert_int_equal(result->status, 200);
	assert_string_equal(json_text_at(said, "uid", NULL), "705ab4f5-6393-11e8-b7cc-42010a800002");
	return said;
}

static bool allowed(const json_t *said)
{
	return json_is_true(json_object_get(said, "allowed"));
}

static json_t *patch_of(const json_t *said)
{
	struct buf text = BUF_MAX(1 << 20);
	json_t *patch = NULL;

	assert_string_equal(json_text_at(said, "patchType", NULL), "JSONPatch");
	assert_int_equal(b64_decode(span_of(json_text_at(said, "patch", NULL)), &text, NULL), 0);
	assert_int_equal(json_read(buf_span(&text), 1 << 20, &patch, NULL), 0);
	buf_clear(&text);
	return patch;
}

static void mutates_then_validates_a_pod(void **state)
{
	auto_catalog struct catalog *catalog = catalog_of(NULL, TEAM);
	auto_json json_t *pod = yamlf(POD, "");
	struct review_result result;

	(void)state;
	auto_json json_t *first = response(catalog, &(struct ask){ .object = pod }, &result);
	assert_true(allowed(first));
	assert_int_equal(result.outcome, OUTCOME_INJECTED);
	assert_string_equal(json_text_at(first, "auditAnnotations", "profile", NULL), "team");
	auto_json json_t *patch = patch_of(first);
	auto_json json_t *after = patched(pod, patch);
	auto_json json_t *again = response(catalog, &(struct ask){ .object = after }, &result);
	assert_null(json_object_get(again, "patch"));
	assert_int_equal(result.outcome, OUTCOME_COMPLETE);
	auto_json json_t *verdict =
			response(catalog, &(struct ask){ .path = REVIEW_VALIDATE, .object = after }, &result);
	assert_true(allowed(verdict));
	assert_null(json_object_get(verdict, "patch"));
	assert_int_equal(result.outcome, OUTCOME_COMPLETE);
}

static void a_denial_is_what_kubectl_shows(void **state)
{
	auto_catalog struct catalog *catalog = catalog_of(NULL, TEAM);
	auto_json json_t *pod = yamlf(POD, "cocoon.dev/profile: other");
	struct review_result result;

	(void)state;
	auto_json json_t *said =
			response(catalog, &(struct ask){ .path = REVIEW_VALIDATE, .object = pod }, &result);
	assert_false(allowed(said));
	assert_int_equal(result.outcome, OUTCOME_REFUSED);
	assert_int_equal(json_integer_value(json_at(said, "status", "code", NULL)), 403);
	assert_string_equal(json_text_at(said, "status", "reason", NULL), "Forbidden");
	const char *message = json_text_at(said, "status", "message", NULL);
	assert_holds(message,
			"pod 'web' in namespace 'shop' (runtime class 'snp', profile 'team') is refused:\n "
			" ");
	assert_holds(message, "a pod cannot name its profile");
	assert_holds(message, "is missing: the pod was not injected");
}

static void a_dry_run_is_answered_alike_and_marked(void **state)
{
	auto_catalog struct catalog *catalog = catalog_of(NULL, TEAM);
	auto_json json_t *pod = yamlf(POD, "");
	struct review_result result;

	(void)state;
	auto_json json_t *wet = response(catalog, &(struct ask){ .object = pod }, &result);
	assert_false(result.dry_run);
	auto_json json_t *dry = response(catalog, &(struct ask){ .object = pod, .dry_run = true }, &result);
	assert_true(result.dry_run);
	assert_true(json_equal(wet, dry));
}

static void updates_are_frozen_and_the_controller_is_known_by_name(void **state)
{
	auto_catalog struct catalog *catalog = catalog_of(NULL, TEAM);
	auto_json json_t *gated = yaml(GATED);
	auto_json json_t *done = injected(catalog, gated);
	static const char *const users[] = { CONTROLLER, "jane", "", (CONTROLLER "2"),
		"system:serviceaccount:other:cocoon-controller" };
	static const char *const subresources[] = { NULL, "status", "ephemeralcontainers", "resize" };
	struct review_result result;

	(void)state;
	for (size_t i = 0; i < COUNT(users); i++) {
		for (size_t k = 0; k < COUNT(subresources); k++) {
			auto_json json_t *said = response(catalog,
					&(struct ask){ .path = REVIEW_VALIDATE,
							.operation = "UPDATE",
							.user = users[i],
							.subresource = subresources[k],
							.before = gated,
							.object = done },
					&result);
			assert_int_equal(allowed(said), i == 0);
		}
	}
	/* mutation happens at creation alone */
	auto_json json_t *said = response(catalog,
			&(struct ask){ .operation = "UPDATE", .before = gated, .object = gated }, &result);
	assert_true(allowed(said));
	assert_null(json_object_get(said, "patch"));
}

static void bindings_are_judged_under_both_resources(void **state)
{
	auto_catalog struct catalog *catalog = catalog_of(NULL, TEAM);
	auto_json json_t *bad = yaml("{kind: Binding, metadata: {annotations: {cocoon.dev/digest: x}}}");
	auto_json json_t *good = yaml("{kind: Binding, metadata: {name: web}}");
	struct review_result result;

	(void)state;
	for (int i = 0; i < 4; i++) {
		auto_json json_t *said = response(catalog,
				&(struct ask){ .path = REVIEW_VALIDATE,
						.resource = i & 1 ? "bindings" : "pods",
						.subresource = i & 1 ? NULL : "binding",
						.object = i & 2 ? bad : good },
				&result);
		assert_int_equal(allowed(said), !(i & 2));
		if (i & 2)
			assert_holds(json_text_at(said, "status", "message", NULL),
					"annotation 'cocoon.dev/digest' is protected");
		/* a binding's removal brings no object */
		auto_json json_t *removal = response(catalog,
				&(struct ask){ .path = REVIEW_VALIDATE,
						.operation = "DELETE",
						.resource = i & 1 ? "bindings" : "pods",
						.subresource = i & 1 ? NULL : "binding" },
				&result);
		assert_true(allowed(removal));
	}
}

static void what_is_no_pod_is_let_through(void **state)
{
	auto_catalog struct catalog *catalog = catalog_of(NULL, TEAM);
	auto_json json_t *thing =
			yaml("{kind: ConfigMap, metadata: {name: m, annotations: {cocoon.dev/x: z}}}");
	auto_json json_t *pod = yamlf(POD, "");
	static const struct {
		const char *operation, *resource, *subresource;
	} cases[] = { { "CREATE", "configmaps", NULL }, { "CREATE", "apps/pods", NULL },
		{ "DELETE", "pods", NULL }, { "CONNECT", "pods", "exec" }, { "CREATE", "pods", "eviction" } };
	struct review_result result;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		for (enum review_path path = REVIEW_MUTATE; path <= REVIEW_VALIDATE; path++) {
			auto_json json_t *said = response(catalog,
					&(struct ask){ .path = path,
							.operation = cases[i].operation,
							.resource = cases[i].resource,
							.subresource = cases[i].subresource,
							.object = i == 2 ? pod : thing,
							.before = i == 2 ? pod : NULL },
					&result);
			assert_true(allowed(said));
			assert_null(json_object_get(said, "patch"));
			assert_int_equal(result.outcome, OUTCOME_PLAIN);
		}
	}
}

static void templates_are_warned_of_and_always_allowed(void **state)
{
	static const struct {
		const char *resource, *object, *place;
	} cases[] = {
		{ "apps/deployments",
				"{kind: Deployment, spec: {template: {metadata: {annotations: {cocoon.dev/x: "
				"z}}, "
				"spec: {runtimeClassName: snp}}}}",
				"spec.template: pods will be refused: " },
		{ "batch/cronjobs",
				"{kind: CronJob, spec: {jobTemplate: {spec: {template: {metadata: "
				"{annotations: "
				"{cocoon.dev/x: z}}, spec: {runtimeClassName: snp}}}}}}",
				"spec.jobTemplate.spec.template: pods will be refused: " },
		{ "replicationcontrollers",
				"{kind: ReplicationController, spec: {template: {spec: {runtimeClassName: "
				"nosuch}}}}",
				"spec.template: pods will be refused: its RuntimeClass does not exist" },
		{ "apps/deployments", "{kind: Deployment, spec: {template: {spec: {runtimeClassName: snp}}}}",
				NULL },
		{ "apps/deployments", "{kind: Deployment, spec: {template: {spec: {runtimeClassName: 7}}}}",
				NULL },
		{ "apps/deployments", "{kind: Deployment}", NULL },
		{ "configmaps", "{kind: ConfigMap}", NULL },
	};
	auto_catalog struct catalog *catalog = catalog_of(NULL, TEAM);
	struct review_result result;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_json json_t *object = yaml(cases[i].object);
		auto_json json_t *said = response(catalog,
				&(struct ask){ .path = REVIEW_TEMPLATES,
						.resource = cases[i].resource,
						.object = object },
				&result);
		assert_true(allowed(said));
		const char *first = json_string_value(json_array_get(json_object_get(said, "warnings"), 0));
		if (cases[i].place)
			assert_int_equal(strncmp(first, cases[i].place, strlen(cases[i].place)), 0);
		else
			assert_null(first);
	}
}

static void a_pod_that_cannot_be_read_is_refused_as_invalid(void **state)
{
	static const struct {
		const char *object, *says;
	} cases[] = {
		{ "{metadata: {annotations: {a: 7}}, spec: {runtimeClassName: snp}}",
				"metadata.annotations: 'a'" },
		{ "{metadata: [], spec: {runtimeClassName: snp}}", "metadata" },
		{ "{spec: {runtimeClassName: {}}}", "spec.runtimeClassName" },
		{ "{spec: {schedulingGates: {}}}", "spec.schedulingGates" },
	};
	auto_catalog struct catalog *catalog = catalog_of(NULL, TEAM);
	auto_json json_t *good = yamlf(POD, "");
	struct review_result result;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_json json_t *object = yaml(cases[i].object);
		const struct ask asks[] = {
			{ .object = object }, { .path = REVIEW_VALIDATE, .object = object },
			{ .path = REVIEW_VALIDATE, .operation = "UPDATE", .object = object, .before = good },
			{ .path = REVIEW_VALIDATE, .operation = "UPDATE", .object = good, .before = object }
		};
		for (size_t k = 0; k < COUNT(asks); k++) {
			auto_json json_t *said = response(catalog, &asks[k], &result);
			assert_false(allowed(said));
			assert_int_equal(json_integer_value(json_at(said, "status", "code", NULL)), 422);
			assert_holds(json_text_at(said, "status", "message", NULL), cases[i].says);
			assert_int_equal(result.outcome, OUTCOME_REFUSED);
		}
	}
}

/* A member of the review's request, or of the review itself, replaced. */
static char *twin(const json_t *good, const char *key, const char *value)
{
	auto_json json_t *copy = json_deep_copy(good);
	json_t *request = json_object_get(copy, "request");

	json_object_set_new(json_object_get(request, key) ? request : copy, key, yaml(value));
	return json_text(copy, false);
}

static void what_is_no_review_gets_400_and_a_bad_one_a_denial(void **state)
{
	auto_catalog struct catalog *catalog = catalog_of(NULL, TEAM);
	auto_json json_t *pod = yamlf(POD, "");
	auto_json json_t *good = review_of(&(struct ask){ .object = pod });
	static const struct {
		const char *key, *value;
		int status;
	} cases[] = {
		{ "uid", "null", 400 },
		{ "uid", "''", 400 },
		{ "uid", "7", 400 },
		{ "apiVersion", "admission.k8s.io/v1beta1", 400 },
		{ "kind", "AdmissionReview2", 200 }, /* the request's kind: an object it must be */
		{ "operation", "create", 200 },
		{ "operation", "null", 200 },
		{ "resource", "{}", 200 },
		{ "namespace", "[]", 200 },
		{ "object", "null", 200 },
		{ "object", "x", 200 },
		{ "dryRun", "'true'", 200 },
		{ "userInfo", "x", 200 },
	};
	struct review_result result;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_free char *text = twin(good, cases[i].key, cases[i].value);
		auto_json json_t *said = answer(catalog, REVIEW_VALIDATE, span_of(text), &result);
		assert_int_equal(result.status, cases[i].status);
		assert_int_equal(result.outcome, OUTCOME_REFUSED);
		if (result.status == 200) {
			assert_false(allowed(said));
			assert_int_equal(json_integer_value(json_at(said, "status", "code", NULL)), 422);
		}
	}
	auto_free char *whole = json_text(good, false);
	for (size_t len = 0; len < strlen(whole); len++) {
		auto_json json_t *said = answer(catalog, REVIEW_MUTATE, span_new(whole, len), &result);
		assert_null(said);
		assert_int_equal(result.status, 400);
	}
	auto_json json_t *list = answer(catalog, REVIEW_MUTATE, span_of("[]"), &result);
	assert_null(list);
	assert_int_equal(result.status, 400);
}

static void an_answer_beyond_the_servers_ceiling_is_a_denial(void **state)
{
	auto_catalog struct catalog *catalog = catalog_of(NULL, TEAM);
	auto_json json_t *pod = yamlf(POD, "");
	auto_json json_t *ask = review_of(&(struct ask){ .object = pod });
	auto_free char *text = json_text(ask, false);
	auto_policy_set struct policy_set *none = policies_of(NULL, NULL);
	const struct review_env env = { .catalog = catalog, .policies = none, .controller_user = CONTROLLER };
	struct buf out = BUF_MAX(600);
	auto_review_result struct review_result result;
	auto_json json_t *said = NULL;

	(void)state;
	review(&env, REVIEW_MUTATE, span_of(text), &result, &out);
	assert_int_equal(result.status, 200);
	assert_int_equal(json_read(buf_span(&out), 1 << 20, &said, NULL), 0);
	assert_false(allowed(json_object_get(said, "response")));
	buf_clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mutates_then_validates_a_pod),
		cmocka_unit_test(a_denial_is_what_kubectl_shows),
		cmocka_unit_test(a_dry_run_is_answered_alike_and_marked),
		cmocka_unit_test(updates_are_frozen_and_the_controller_is_known_by_name),
		cmocka_unit_test(bindings_are_judged_under_both_resources),
		cmocka_unit_test(what_is_no_pod_is_let_through),
		cmocka_unit_test(templates_are_warned_of_and_always_allowed),
		cmocka_unit_test(a_pod_that_cannot_be_read_is_refused_as_invalid),
		cmocka_unit_test(what_is_no_review_gets_400_and_a_bad_one_a_denial),
		cmocka_unit_test(an_answer_beyond_the_servers_ceiling_is_a_denial),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
