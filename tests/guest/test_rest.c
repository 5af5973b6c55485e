/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that were recorded with api-server-rest are answered alike, byte for byte but for the version. */
#include "guest/rest.h"
#include "net/server.h"
#include "tests/guest/scene.h"

#define THEIR_VERSION "Guest Components Version:"
#define OUR_VERSION   "Cocoon " COCOON_VERSION

/* Where ours refuses on purpose. */
static const char *const stricter[] = { "resource-dots", NULL };

static bool is_stricter(const char *name)
{
	for (const char *const *at = stricter; *at; at++)
		if (!strcmp(*at, name))
			return true;
	return false;
}

static void body_of(const json_t *entry, const char *text_key, const char *base64_key, struct buf *out)
{
	const char *text = json_text_at(entry, text_key, NULL),
		   *base64 = json_text_at(entry, base64_key, NULL);
	struct err err = ERR_NONE;

	if (base64)
		must(b64_decode(span_of(base64), out, &err), &err);
	else
		buf_puts(out, text ? text : "");
}

/* The recorded body with our version in it. */
static void wanted_body(const json_t *entry, struct buf *out)
{
	auto_buf struct buf body = BUF_MAX(SCENE_MAX);

	body_of(entry, "answer", "answer_base64", &body);
	const char *version = body.len ? strstr(buf_text(&body), THEIR_VERSION) : NULL;
	if (!version) {
		buf_add_span(out, buf_span(&body));
		return;
	}
	buf_add(out, body.ptr, (size_t)(version - body.ptr));
	buf_puts(out, OUR_VERSION);
	buf_puts(out, version + strlen(THEIR_VERSION));
}

static void compare(const json_t *entry, const struct server_reply *reply)
{
	const char *name = json_text_at(entry, "name", NULL),
		   *type = json_text_at(entry, "content_type", NULL);
	auto_buf struct buf wanted = BUF_MAX(SCENE_MAX);

	if (is_stricter(name)) {
		assert_int_equal(reply->status, 500);
		return;
	}
	wanted_body(entry, &wanted);
	if (reply->status != json_integer_value(json_object_get(entry, "status")))
		fail_msg("%s: status %d", name, reply->status);
	if (!type != !reply->content_type || (type && strcmp(type, reply->content_type) != 0))
		fail_msg("%s: type %s", name, reply->content_type);
	if (!span_eq(buf_span(&wanted), buf_span(&reply->body)))
		fail_msg("%s: '%s'", name, buf_text(&reply->body));
}

static void ask(const struct rest *rest, const json_t *entry)
{
	const char *target = json_text_at(entry, "target", NULL), *mark = strchr(target, '?');
	auto_buf struct buf body = BUF_MAX(SCENE_MAX);
	struct server_reply reply;

	body_of(entry, "body", "body_base64", &body);
	const struct rest_request request = { .method = json_text_at(entry, "method", NULL),
		.path = span_new(target, mark ? (size_t)(mark - target) : strlen(target)),
		.query = span_of(mark ? mark + 1 : ""),
		.body = buf_span(&body) };
	server_reply_init(&reply);
	rest_answer(rest, &request, &reply);
	compare(entry, &reply);
	buf_clear(&reply.body);
}

static void replay(const char *part, enum rest_feature features, bool with_device, size_t count)
{
	auto_json json_t *store = scene_recording("guest/store.json"),
			 *doc = scene_recording("guest/rest.json");
	const json_t *entry = NULL;
	struct scene scene;
	size_t i = 0;

	scene_open(&scene, json_object_get(store, "store"), with_device);
	const struct rest rest = { .hub = scene.hub, .agent = scene.agent, .features = features };
	json_array_foreach (json_object_get(doc, part), i, entry)
		ask(&rest, entry);
	assert_int_equal(i, count);
	scene_close(&scene);
}

static void answers_with_all_features_as_recorded(void **state)
{
	(void)state;
	replay("feature_all", REST_ALL, false, 68);
}

static void answers_with_one_feature_as_recorded(void **state)
{
	(void)state;
	replay("feature_resource", REST_RESOURCE, false, 6);
	replay("feature_attestation", REST_ATTESTATION, false, 4);
}

static void answers_with_a_device_as_recorded(void **state)
{
	(void)state;
	replay("with_device", REST_ALL, true, 2);
}

static void splits_a_path_at_a_slash(void **state)
{
	static const struct {
		unsigned n;
		const char *root, *rest; /* NULL: not there */
	} cases[] = {
		{ 0, "", "/cdh/resource/default/" },
		{ 1, "/cdh", "/resource/default/" },
		{ 2, "/cdh/resource", "/default/" },
		{ 3, "/cdh/resource/default", "/" },
		{ 4, NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct span root = SPAN_NONE, rest = SPAN_NONE;
		bool found = rest_split(SPAN_LIT("/cdh/resource/default/"), cases[i].n, &root, &rest);
		assert_int_equal(found, cases[i].root != NULL);
		assert_true(!found || (span_is(root, cases[i].root) && span_is(rest, cases[i].rest)));
	}
}

static void decodes_parameters_of_queries(void **state)
{
	static const struct {
		const char *query, *wanted; /* NULL: absent */
	} cases[] = {
		{ "", NULL },
		{ "a", "" },
		{ "a=", "" },
		{ "a=1", "1" },
		{ "b=1", NULL },
		{ "a=1&a=2", "2" },
		{ "%61=1", "1" },
		{ "a=1+2%2b3", "1 2+3" },
		{ "a=%zz%4", "%zz%4" },
		{ "a=%", "%" },
		{ "a=b=c", "b=c" },
		{ "&&a=1&", "1" },
		{ "A=1", NULL },
		{ "a=%ff", "\xef\xbf\xbd" },
		/* each run that could have begun a character is one replacement */
		{ "a=%e2%82", "\xef\xbf\xbd" },
		{ "a=%e2%82x", "\xef\xbf\xbdx" },
		{ "a=%f0%9f%92%ff", "\xef\xbf\xbd\xef\xbf\xbd" },
		{ "a=%ed%a0%80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "a=%c3%bc", "\xc3\xbc" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_buf struct buf value = BUF_MAX(1024);
		bool found = rest_parameter(span_of(cases[i].query), "a", &value);
		assert_int_equal(found, cases[i].wanted != NULL);
		if (found)
			assert_string_equal(buf_text(&value), cases[i].wanted);
	}
}

static void knows_its_features(void **state)
{
	struct err err = ERR_NONE;
	enum rest_feature feature = REST_ALL;

	(void)state;
	must(rest_feature_find(SPAN_LIT("resource"), &feature, &err), &err);
	assert_int_equal(feature, REST_RESOURCE);
	assert_int_equal(rest_feature_find(SPAN_LIT("none"), &feature, &err), -1);
	assert_string_equal(err.text,
			"Unknown features 'none'. Supported features are: resource, attestation, all.");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_with_all_features_as_recorded),
		cmocka_unit_test(answers_with_one_feature_as_recorded),
		cmocka_unit_test(answers_with_a_device_as_recorded),
		cmocka_unit_test(splits_a_path_at_a_slash),
		cmocka_unit_test(decodes_parameters_of_queries),
		cmocka_unit_test(knows_its_features),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
