/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections to the servers in Rust (tests/vectors/ttrpc/frames.json), said again to ours. The methods behind it give
 * what was recorded; all that is around them, frames and envelopes and refusals, is ours.
 */
#include "base/hex.h"
#include "codec/json.h"
#include "codec/pb.h"
#include "tests/net/ttrpc_scene.h"

#define VECTORS  "tests/vectors/ttrpc/frames.json"
#define FRAMES   16
#define GUEST    "attestation_agent.AttestationAgentService"
#define BIG_SIZE ((size_t)4 * 1024 * 1024)

static void decode(const json_t *recorded, const char *member, struct buf *out)
{
	const char *hex = json_text_at(recorded, member, NULL);

	assert_int_equal(hex_decode(span_of(hex ? hex : ""), out, NULL), 0);
}

static size_t cut_frames(struct span bytes, struct span out[FRAMES])
{
	size_t count = 0;

	while (bytes.len >= TTRPC_HEAD && count < FRAMES) {
		struct ttrpc_head head;
		ttrpc_head_parse((const unsigned char *)bytes.ptr, &head);
		size_t len = TTRPC_HEAD + (size_t)head.len;
		out[count++] = span_new(bytes.ptr, len < bytes.len ? len : bytes.len);
		bytes = span_from(bytes, len);
	}
	return count;
}

/* The data of the one frame of this stream; false when none is whole. */
static bool find_stream(struct span bytes, uint32_t stream, struct span *out)
{
	struct span frames[FRAMES];
	size_t count = cut_frames(bytes, frames);

	for (size_t i = 0; i < count; i++) {
		struct ttrpc_head head;
		ttrpc_head_parse((const unsigned char *)frames[i].ptr, &head);
		*out = span_from(frames[i], TTRPC_HEAD);
		if (head.stream == stream)
			return out->len == head.len;
	}
	return false;
}

/* Whether the frame is a call of this method with this message. */
static bool is_call(struct span frame, const char *path, struct span message)
{
	auto_free char *asked = NULL;
	struct ttrpc_request request;

	if (ttrpc_request_parse(span_from(frame, TTRPC_HEAD), &request, NULL) < 0)
		return false;
	asked = xasprintf("/%.*s/%.*s", SPAN_ARG(request.service), SPAN_ARG(request.method));
	return !strcmp(asked, path) && span_eq(request.payload, message);
}

/* What was recorded for this call, the first time that it came. */
static bool recall(const json_t *recorded, const char *path, struct span message, struct buf *answer,
		enum grpc_status *status, struct err *err)
{
	auto_buf struct buf sent = BUF_MAX(10000), received = BUF_MAX(10000);
	struct span frames[FRAMES], data = SPAN_NONE;
	struct ttrpc_response response;
	struct ttrpc_head head;

	decode(recorded, "sent_hex", &sent);
	decode(recorded, "received_hex", &received);
	size_t count = cut_frames(buf_span(&sent), frames);
	for (size_t i = 0; i < count; i++) {
		if (!is_call(frames[i], path, message))
			continue;
		ttrpc_head_parse((const unsigned char *)frames[i].ptr, &head);
		/* a frame that was refused is no answer to the call in it */
		if (head.stream % 2 == 0 || head.type != TTRPC_REQUEST ||
				!find_stream(buf_span(&received), head.stream, &data) ||
				ttrpc_response_parse(data, &response, NULL) < 0 || response.code < 0)
			continue;
		*status = (enum grpc_status)response.code;
		buf_add_span(answer, response.payload);
		err_set(err, ERR_DENIED, "%.*s", SPAN_ARG(response.message));
		return true;
	}
	return false;
}

static enum grpc_status play(
		void *ctx, const char *path, struct span message, struct buf *answer, struct err *err)
{
	auto_buf struct buf first = BUF_MAX(1000);
	enum grpc_status status = GRPC_UNKNOWN;
	struct span field = SPAN_NONE;
	const json_t *recorded;
	size_t i;

	if (pb_find_bytes(message, 1, &field, NULL) == 0 && span_ends(field, "/big/four-mib")) {
		pb_put_head(answer, 1, BIG_SIZE);
		char *room = buf_room(answer, BIG_SIZE);
		memset(room, 'a', BIG_SIZE);
		buf_grew(answer, BIG_SIZE);
		return GRPC_OK;
	}
	if (message.len > 100000) {
		/* padded by a field that nobody knows */
		pb_put_bytes(&first, 1, field);
		message = buf_span(&first);
	}
	json_array_foreach (json_object_get(ctx, "cases"), i, recorded)
		if (recall(recorded, path, message, answer, &status, err))
			return status;
	err_set(err, ERR_BUG, "nothing like it was recorded");
	return GRPC_UNKNOWN;
}

#define PLAY(name, path)                                                                                  \
	static enum grpc_status name(void *ctx, struct span message, struct buf *answer, struct err *err) \
	{                                                                                                 \
		return play(ctx, path, message, answer, err);                                             \
	}
PLAY(get_resource, "/api.GetResourceService/GetResource")
PLAY(unseal, "/api.SealedSecretService/UnsealSecret")
PLAY(mount, "/api.SecureMountService/SecureMount")
PLAY(pull, "/api.ImagePullService/PullImage")
PLAY(unwrap, "/keyprovider.KeyProviderService/UnWrapKey")
PLAY(evidence, "/" GUEST "/GetEvidence")
PLAY(more_evidence, "/" GUEST "/GetAdditionalEvidence")
PLAY(token, "/" GUEST "/GetToken")
PLAY(extend, "/" GUEST "/ExtendRuntimeMeasurement")
PLAY(tee, "/" GUEST "/GetTeeType")
PLAY(more_tees, "/" GUEST "/GetAdditionalTees")

static const struct grpc_method recorded_methods[] = {
	{ "/api.GetResourceService/GetResource", get_resource },
	{ "/api.SealedSecretService/UnsealSecret", unseal },
	{ "/api.SecureMountService/SecureMount", mount },
	{ "/api.ImagePullService/PullImage", pull },
	{ "/keyprovider.KeyProviderService/UnWrapKey", unwrap },
	{ "/keyprovider.KeyProviderService/WrapKey", NULL },
	{ "/" GUEST "/GetEvidence", evidence },
	{ "/" GUEST "/GetAdditionalEvidence", more_evidence },
	{ "/" GUEST "/GetToken", token },
	{ "/" GUEST "/ExtendRuntimeMeasurement", extend },
	{ "/" GUEST "/GetTeeType", tee },
	{ "/" GUEST "/GetAdditionalTees", more_tees },
	{ "/" GUEST "/BindInitData", NULL },
	{ NULL, NULL },
};

static json_t *load(void)
{
	struct err err = ERR_NONE;
	json_t *all = NULL;

	if (json_read_file(VECTORS, 1 << 20, &all, &err) < 0)
		fail_msg("%s", err.text);
	return all;
}

static void what_was_sent(const json_t *recorded, struct buf *out)
{
	decode(recorded, "sent_hex", out);
	if (json_object_get(recorded, "then_bytes")) {
		size_t len = (size_t)json_integer_value(json_object_get(recorded, "then_bytes"));
		char *room = buf_room(out, len);
		assert_non_null(room);
		memset(room, 'z', len);
		buf_grew(out, len);
	}
	decode(recorded, "tail_hex", out);
}

/* The same frames, in any order. */
static bool same_frames(struct span a, struct span b)
{
	struct span of_a[FRAMES], of_b[FRAMES];
	size_t count = cut_frames(a, of_a);

	if (a.len != b.len || cut_frames(b, of_b) != count)
		return false;
	for (size_t i = 0; i < count; i++) {
		size_t j = 0;
		while (j < count && !span_eq(of_a[i], of_b[j]))
			j++;
		if (j == count)
			return false;
		of_b[j] = SPAN_NONE;
	}
	return true;
}

/* Everything that the server says until it closes, which it does when we have said everything. */
static void exchange(const struct scene *scene, struct span sent, size_t piece, struct buf *got)
{
	auto_fd int fd = client(scene);
	char chunk[4096];
	ssize_t n;

	for (size_t at = 0; at < sent.len; at += piece) {
		size_t len = sent.len - at < piece ? sent.len - at : piece;
		say(fd, span_new(sent.ptr + at, len));
	}
	shutdown(fd, SHUT_WR);
	while ((n = recv(fd, chunk, sizeof(chunk), 0)) > 0)
		buf_add(got, chunk, (size_t)n);
	assert_int_equal(n, 0);
}

static void play_all(size_t piece, size_t longest)
{
	auto_json json_t *all = load();
	struct scene scene = { .options = { .methods = recorded_methods, .ctx = all } };
	const json_t *recorded;
	size_t i, played = 0;

	scene_start(&scene);
	json_array_foreach (json_object_get(all, "cases"), i, recorded) {
		auto_buf struct buf sent = BUF_MAX(2 * TTRPC_DATA_MAX), want = BUF_MAX(100000);
		auto_buf struct buf got = BUF_MAX(100000), hex = BUF_MAX(200000);
		what_was_sent(recorded, &sent);
		if (sent.len > longest)
			continue;
		decode(recorded, "received_hex", &want);
		exchange(&scene, buf_span(&sent), piece, &got);
		hex_encode(&hex, buf_span(&got));
		if (!same_frames(buf_span(&want), buf_span(&got)))
			fail_msg("%s: %s", json_text_at(recorded, "name", NULL), buf_text(&hex));
		played++;
	}
	assert_true(played >= 80);
	scene_stop(&scene);
}

static void answers_as_the_servers_in_rust_did(void **state)
{
	(void)state;
	play_all(SIZE_MAX / 2, SIZE_MAX);
}

static void answers_so_however_the_bytes_are_cut(void **state)
{
	(void)state;
	play_all(1, 2000);
	play_all(7, 2000);
}

static void says_nothing_to_a_request_cut_off_at_any_byte(void **state)
{
	auto_json json_t *all = load();
	struct scene scene = { .options = { .methods = recorded_methods, .ctx = all } };
	auto_buf struct buf sent = BUF_MAX(1000);
	(void)state;

	what_was_sent(json_array_get(json_object_get(all, "cases"), 0), &sent);
	scene_start(&scene);
	for (size_t len = 0; len < sent.len; len++) {
		auto_buf struct buf got = BUF_MAX(1000);
		exchange(&scene, span_new(sent.ptr, len), SIZE_MAX / 2, &got);
		assert_int_equal(got.len, 0);
	}
	scene_stop(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_as_the_servers_in_rust_did),
		cmocka_unit_test(answers_so_however_the_bytes_are_cut),
		cmocka_unit_test(says_nothing_to_a_request_cut_off_at_any_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
