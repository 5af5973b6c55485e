/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/admission.h"

#include "base/alloc.h"
#include "base/b64.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the three above */
#include <cmocka.h>

#define HEAD \
	"{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"request\":{\"uid\":\"u-1\","
#define WHAT                                                                                          \
	"\"kind\":{\"group\":\"\",\"version\":\"v1\",\"kind\":\"Pod\"},\"resource\":{\"group\":\"\"," \
	"\"version\":\"v1\",\"resource\":\"pods\"},"
#define REVIEW                                                                                        \
	HEAD WHAT "\"operation\":\"CREATE\",\"namespace\":\"shop\",\"name\":\"\",\"dryRun\":true,"    \
		  "\"userInfo\":{\"username\":\"alice\",\"groups\":[\"devs\"]},\"object\":{\"a\":1}," \
		  "\"oldObject\":null}}"

static void reads_a_review(void **state)
{
	auto_admission struct admission_request request = ADMISSION_REQUEST_NONE;

	(void)state;
	assert_int_equal(admission_parse(SPAN_LIT(REVIEW), &request, NULL), 0);
	assert_string_equal(request.uid, "u-1");
	assert_int_equal(request.operation, ADMISSION_CREATE);
	assert_string_equal(request.namespace, "shop");
	assert_string_equal(request.name, "");
	assert_string_equal(request.kind, "v1/Pod");
	assert_string_equal(request.resource, "v1/pods");
	assert_string_equal(request.subresource, "");
	assert_true(request.dry_run);
	assert_string_equal(request.user, "alice");
	assert_int_equal(json_array_size(request.groups), 1);
	assert_int_equal(json_integer_value(json_at(request.object, "a", NULL)), 1);
	assert_null(request.old_object);
}

static void names_groups_and_subresources(void **state)
{
	auto_admission struct admission_request request = ADMISSION_REQUEST_NONE;
	const char *text = HEAD
			"\"kind\":{\"group\":\"apps\",\"version\":\"v1\",\"kind\":\"Deployment\"},"
			"\"resource\":{\"group\":\"apps\",\"version\":\"v1\",\"resource\":\"deployments\"},"
			"\"operation\":\"DELETE\",\"subResource\":\"scale\",\"oldObject\":{}}}";

	(void)state;
	assert_int_equal(admission_parse(span_of(text), &request, NULL), 0);
	assert_string_equal(request.kind, "apps/v1/Deployment");
	assert_string_equal(request.resource, "apps/v1/deployments");
	assert_string_equal(request.subresource, "scale");
	assert_string_equal(request.user, "");
	assert_null(request.object);
	assert_non_null(request.old_object);
}

static void refuses_a_review_cut_at_every_byte(void **state)
{
	(void)state;
	for (size_t len = 0; len < strlen(REVIEW); len++) {
		auto_admission struct admission_request request = ADMISSION_REQUEST_NONE;
		auto_free char *text = xmemdup0(REVIEW, len);
		struct err err = ERR_NONE;
		assert_int_equal(admission_parse(span_new(text, len), &request, &err), -1);
		assert_int_equal(err.kind, ERR_FORMAT);
	}
}

static void refuses_malformed_reviews_and_keeps_the_uid_where_there_is_one(void **state)
{
	static const struct {
		const char *text;
		bool uid;
	} cases[] = {
		{ "[]", false },
		{ "{}", false },
		{ "{\"apiVersion\":\"admission.k8s.io/"
		  "v1beta1\",\"kind\":\"AdmissionReview\",\"request\":{\"uid\":\"u\"}}",
				false },
		{ "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"Pod\",\"request\":{\"uid\":\"u\"}}",
				false },
		{ "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\"}", false },
		{ "{\"apiVersion\":\"admission.k8s.io/"
		  "v1\",\"kind\":\"AdmissionReview\",\"request\":{\"uid\":\"\"}}",
				false },
		{ HEAD "\"uid\":\"2\"}}", false },
		{ HEAD WHAT "\"operation\":\"PATCH\",\"object\":{}}}", true },
		{ HEAD WHAT "\"operation\":\"CREATE\"}}", true },
		{ HEAD WHAT "\"operation\":\"UPDATE\",\"object\":{}}}", true },
		{ HEAD WHAT "\"operation\":\"CREATE\",\"object\":[]}}", true },
		{ HEAD WHAT "\"operation\":\"CREATE\",\"object\":{},\"dryRun\":\"no\"}}", true },
		{ HEAD WHAT "\"operation\":\"CREATE\",\"object\":{},\"userInfo\":{\"groups\":[1]}}}", true },
		{ HEAD "\"operation\":\"CREATE\",\"object\":{}}}", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_admission struct admission_request request = ADMISSION_REQUEST_NONE;
		struct err err = ERR_NONE;
		if (admission_parse(span_of(cases[i].text), &request, &err) == 0)
			fail_msg("accepted %s", cases[i].text);
		assert_int_equal(err.kind, ERR_FORMAT);
		if ((request.uid != NULL) != cases[i].uid)
			fail_msg("uid of %s", cases[i].text);
	}
}

static void refuses_an_oversize_review(void **state)
{
	auto_admission struct admission_request request = ADMISSION_REQUEST_NONE;
	auto_free char *text = xcalloc(1, ADMISSION_MAX + 2);
	struct err err = ERR_NONE;

	(void)state;
	memset(text, ' ', ADMISSION_MAX + 1);
	memcpy(text, REVIEW, strlen(REVIEW));
	assert_int_equal(admission_parse(span_new(text, ADMISSION_MAX), &request, &err), 0);
	admission_clear(&request);
	assert_int_equal(admission_parse(span_new(text, ADMISSION_MAX + 1), &request, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
}

static json_t *answer(const struct admission_response *response)
{
	auto_buf struct buf out = BUF_MAX(1024 * 1024);
	json_t *review = NULL;

	assert_int_equal(admission_format("u-1", response, &out, NULL), 0);
	assert_int_equal(json_read(buf_span(&out), 1024 * 1024, &review, NULL), 0);
	assert_string_equal(json_text_at(review, "apiVersion", NULL), "admission.k8s.io/v1");
	assert_string_equal(json_text_at(review, "kind", NULL), "AdmissionReview");
	assert_string_equal(json_text_at(review, "response", "uid", NULL), "u-1");
	return review;
}

static void answers_with_a_patch_in_base64(void **state)
{
	auto_json json_t *patch = json_loads("[{\"op\":\"remove\",\"path\":\"/a\"}]", 0, NULL);
	auto_json json_t *review = answer(&(struct admission_response){ .allowed = true, .patch = patch });
	auto_buf struct buf decoded = BUF_MAX(1024);

	(void)state;
	assert_true(json_is_true(json_at(review, "response", "allowed", NULL)));
	assert_string_equal(json_text_at(review, "response", "patchType", NULL), "JSONPatch");
	assert_int_equal(b64_decode(span_of(json_text_at(review, "response", "patch", NULL)), &decoded, NULL),
			0);
	assert_string_equal(buf_text(&decoded), "[{\"op\":\"remove\",\"path\":\"/a\"}]");
	assert_null(json_at(review, "response", "status", NULL));
}

static void answers_a_denial_without_patch(void **state)
{
	auto_json json_t *patch = json_loads("[{}]", 0, NULL), *empty = json_array();
	auto_json json_t *review = answer(&(struct admission_response){
			.patch = patch, .reason = "Forbidden", .message = "a\nb\xff" });
	auto_json json_t *allowed = answer(&(struct admission_response){ .allowed = true, .patch = empty });

	(void)state;
	assert_true(json_is_false(json_at(review, "response", "allowed", NULL)));
	assert_null(json_at(review, "response", "patch", NULL));
	assert_null(json_at(allowed, "response", "patchType", NULL));
	assert_int_equal(json_integer_value(json_at(review, "response", "status", "code", NULL)), 403);
	assert_string_equal(json_text_at(review, "response", "status", "message", NULL), "a\nb?");
}

static void cuts_warnings_at_characters(void **state)
{
	auto_json json_t *warnings = json_array();
	char text[601] = "";

	(void)state;
	for (int i = 0; i < 200; i++)
		memcpy(text + 3 * i, "\xe2\x82\xac", 4);
	json_array_append_new(warnings, json_string("one\r\nline"));
	for (int i = 0; i < 30; i++)
		json_array_append_new(warnings, json_string(text));
	auto_json json_t *review =
			answer(&(struct admission_response){ .allowed = true, .warnings = warnings });
	const json_t *kept = json_at(review, "response", "warnings", NULL);
	size_t total = 0, i = 0;
	json_t *warning = NULL;
	assert_string_equal(json_string_value(json_array_get(kept, 0)), "one  line");
	json_array_foreach (kept, i, warning) {
		assert_true(json_string_length(warning) <= ADMISSION_WARNING_MAX);
		total += json_string_length(warning);
	}
	assert_int_equal(json_string_length(json_array_get(kept, 1)), 84 * 3 + 3);
	assert_true(total <= ADMISSION_WARNINGS_MAX &&
			total > ADMISSION_WARNINGS_MAX - ADMISSION_WARNING_MAX);
}

static void writes_audit_annotations_and_bounds_the_answer(void **state)
{
	auto_json json_t *annotations = json_pack("{s:s}", "profile", "base");
	struct admission_response response = { .allowed = true, .annotations = annotations };
	auto_json json_t *review = answer(&response);
	auto_buf struct buf small = BUF_MAX(20);
	struct err err = ERR_NONE;

	(void)state;
	assert_string_equal(json_text_at(review, "response", "auditAnnotations", "profile", NULL), "base");
	assert_int_equal(admission_format("u", &response, &small, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_review),
		cmocka_unit_test(names_groups_and_subresources),
		cmocka_unit_test(refuses_a_review_cut_at_every_byte),
		cmocka_unit_test(refuses_malformed_reviews_and_keeps_the_uid_where_there_is_one),
		cmocka_unit_test(refuses_an_oversize_review),
		cmocka_unit_test(answers_with_a_patch_in_base64),
		cmocka_unit_test(answers_a_denial_without_patch),
		cmocka_unit_test(cuts_warnings_at_characters),
		cmocka_unit_test(writes_audit_annotations_and_bounds_the_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
