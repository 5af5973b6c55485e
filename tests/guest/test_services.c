/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that were recorded from the real daemons are answered alike: status, text, bytes. */
#include "codec/pb.h"
#include "image/provider.h"
#include "tests/guest/scene.h"

/* Where our guest refuses on purpose what the other one takes. */
static const char *const stricter[] = {
	"get-resource-dots",             /* steps in a path */
	"get-resource-trailing-newline", /* white space around a URI */
	"get-resource-one-slash",        /* kbs:/… */
	"get-evidence-100-bytes",        /* no field of any platform holds more than 64 */
	NULL,
};

static bool is_among(const char *name, const char *const *list)
{
	for (; *list; list++)
		if (!strcmp(*list, name))
			return true;
	return false;
}

static enum grpc_status call(struct services *services, const char *path, struct span message,
		struct buf *answer, struct err *err)
{
	static const struct grpc_method *const tables[] = { services_hub, services_agent };

	for (size_t i = 0; i < COUNT(tables); i++)
		for (const struct grpc_method *method = tables[i]; method->path; method++)
			if (!strcmp(method->path, path))
				return method->handle(services, message, answer, err);
	return GRPC_UNIMPLEMENTED;
}

static void from_hex(const char *text, struct buf *out)
{
	must(hex_decode(span_of(text), out, NULL), &(struct err){ .text = "hex" });
}

static bool same_answer(const json_t *entry, const struct buf *answer)
{
	const char *hex = json_text_at(entry, "answer_hex", NULL),
		   *text = json_text_at(entry, "answer_text", NULL);
	auto_buf struct buf wanted = BUF_MAX(SCENE_MAX);

	if (hex)
		from_hex(hex, &wanted);
	else if (*text)
		pb_put_bytes(&wanted, 1, span_of(text));
	return span_eq(buf_span(answer), buf_span(&wanted));
}

static void replay(struct services *services, const json_t *entry)
{
	const char *name = json_text_at(entry, "name", NULL);
	auto_free char *path = xasprintf(
			"/%s/%s", json_text_at(entry, "service", NULL), json_text_at(entry, "method", NULL));
	auto_buf struct buf message = BUF_MAX(SCENE_MAX), answer = BUF_MAX(SCENE_MAX);
	struct err err = ERR_NONE;

	from_hex(json_text_at(entry, "payload_hex", NULL), &message);
	enum grpc_status status = call(services, path, buf_span(&message), &answer, &err);
	if (is_among(name, stricter)) {
		if (status != GRPC_INTERNAL || answer.len)
			fail_msg("%s: is not refused any more", name);
		return;
	}
	if ((int)status != json_integer_value(json_object_get(entry, "status_code")))
		fail_msg("%s: status %d, %s", name, (int)status, err.text);
	if (strcmp(err.text, json_text_at(entry, "status_message", NULL)) != 0)
		fail_msg("%s: says '%s'", name, err.text);
	if (status == GRPC_OK && !same_answer(entry, &answer))
		fail_msg("%s: another answer", name);
}

/* ---- cases that were recorded over ttrpc ---- */

static size_t replay_all(struct services *services, const json_t *cases)
{
	const json_t *entry = NULL;
	size_t i = 0;

	json_array_foreach (cases, i, entry)
		replay(services, entry);
	return i;
}

static void answers_calls_to_the_hub_as_recorded(void **state)
{
	auto_json json_t *store = scene_recording("guest/store.json"),
			 *doc = scene_recording("guest/cdh-ttrpc.json");
	struct scene scene;

	(void)state;
	scene_open(&scene, json_object_get(store, "store"), false);
	assert_int_equal(replay_all(&scene.services, json_object_get(doc, "cases")), 45);
	scene_close(&scene);
}

static void answers_calls_to_the_agent_as_recorded(void **state)
{
	auto_json json_t *doc = scene_recording("guest/aa-ttrpc.json");
	struct scene scene;

	(void)state;
	scene_open(&scene, NULL, false);
	assert_int_equal(replay_all(&scene.services, json_object_get(doc, "cases")), 15);
	scene_close(&scene);
	scene_open(&scene, NULL, true);
	assert_int_equal(replay_all(&scene.services, json_object_get(doc, "with_sample_device")), 3);
	scene_close(&scene);
}

/* ---- over gRPC, where some texts differ ---- */

static void replay_grpc(struct services *services, const json_t *entry)
{
	const char *name = json_text_at(entry, "name", NULL);
	const char *answer_hex = json_text_at(entry, "response_protobuf_hex", NULL);
	auto_buf struct buf message = BUF_MAX(SCENE_MAX), answer = BUF_MAX(SCENE_MAX),
			    wanted = BUF_MAX(SCENE_MAX);
	const json_t *status = json_array_get(json_object_get(entry, "grpc_status"), 0);
	struct err err = ERR_NONE;

	from_hex(json_text_at(entry, "request_protobuf_hex", NULL), &message);
	from_hex(answer_hex ? answer_hex : "", &wanted);
	enum grpc_status got = call(services, json_text_at(entry, "grpc_method", NULL), buf_span(&message),
			&answer, &err);
	if ((int)got != json_integer_value(status) ||
			strcmp(err.text, json_text_at(entry, "grpc_message", NULL)) != 0)
		fail_msg("%s: status %d, '%s'", name, (int)got, err.text);
	if (!span_eq(buf_span(&answer), buf_span(&wanted)))
		fail_msg("%s: another answer", name);
}

static void answers_calls_by_grpc_as_recorded(void **state)
{
	auto_json json_t *keys = scene_recording("keyprovider/keys.json"),
			 *doc = scene_recording("keyprovider/hub-grpc.json");
	const json_t *entry = NULL;
	struct scene scene;
	size_t i = 0;

	(void)state;
	scene_open(&scene, json_object_get(keys, "resources"), false);
	scene.services.grpc = true;
	json_array_foreach (json_object_get(doc, "cases"), i, entry)
		replay_grpc(&scene.services, entry);
	assert_int_equal(i, 9);
	scene_close(&scene);
}

/* ---- keys of image layers ---- */

/* Requests that ours reads although the other hub does not: what is missing or null in them is of no use to it. */
static const char *const laxer[] = { "keywrapparams-null", "keywrapparams-absent", "dc-empty-object",
	"dc-parameters-null", NULL };

static void unwrap_one(struct services *services, const json_t *entry)
{
	const char *name = json_text_at(entry, "name", NULL),
		   *json = json_text_at(entry, "request_json", NULL);
	const char *hex = json_text_at(entry, "request_bytes_hex", NULL);
	const json_t *status = json_object_get(entry, "status");
	/* the one without a status was never answered: their hub broke down over it */
	bool theirs = status && json_integer_value(json_array_get(status, 0)) == 0;
	auto_buf struct buf request = BUF_MAX(SCENE_MAX), message = BUF_MAX(SCENE_MAX),
			    answer = BUF_MAX(SCENE_MAX);
	auto_buf struct buf options = BUF_MAX(SCENE_MAX), wanted = BUF_MAX(SCENE_MAX);
	struct span field = SPAN_NONE;
	struct err err = ERR_NONE;

	if (hex)
		from_hex(hex, &request);
	else
		buf_puts(&request, json);
	pb_put_bytes(&message, 1, buf_span(&request));
	bool ours = call(services, PROVIDER_GRPC_UNWRAP, buf_span(&message), &answer, &err) == GRPC_OK;
	if (is_among(name, laxer)) {
		if (!ours || theirs)
			fail_msg("%s: no difference any more", name);
		return;
	}
	if (ours != theirs)
		fail_msg("%s: %s", name, ours ? "is taken" : err.text);
	if (!ours && !status)
		return;
	if (!ours) {
		assert_string_equal(err.text, json_string_value(json_array_get(status, 1)));
		return;
	}
	must(pb_find_bytes(buf_span(&answer), 1, &field, &err), &err);
	must(b64_decode(span_of(json_text_at(entry, "optsdata_base64", NULL)), &options, &err), &err);
	provider_answer_format(buf_span(&options), true, true, &wanted);
	if (!span_eq(field, buf_span(&wanted)))
		fail_msg("%s: other options", name);
}

static void unwraps_what_the_recorded_hub_unwraps(void **state)
{
	auto_json json_t *keys = scene_recording("keyprovider/keys.json"),
			 *doc = scene_recording("keyprovider/unwrap.json");
	const json_t *entry = NULL;
	struct scene scene;
	size_t i = 0, count = 0;

	(void)state;
	scene_open(&scene, json_object_get(keys, "resources"), false);
	json_array_foreach (json_object_get(doc, "cases"), i, entry) {
		bool has_request = json_text_at(entry, "request_json", NULL) ||
				json_text_at(entry, "request_bytes_hex", NULL);
		/* others are told by their packets alone (room image), and one is of the other method */
		if (!has_request || !strcmp(json_text_at(entry, "name", NULL), "wrapkey"))
			continue;
		unwrap_one(&scene.services, entry);
		count++;
	}
	assert_int_equal(count, 61);
	scene_close(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_calls_to_the_hub_as_recorded),
		cmocka_unit_test(answers_calls_to_the_agent_as_recorded),
		cmocka_unit_test(answers_calls_by_grpc_as_recorded),
		cmocka_unit_test(unwraps_what_the_recorded_hub_unwraps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
