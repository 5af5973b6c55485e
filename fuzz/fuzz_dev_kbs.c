/* SPDX-License-Identifier: Apache-2.0 */
/* Target: broker_handle (e2e/kbs). Requests parted by NUL: METHOD TARGET, then Cookie and Authorization each on a line,
 * then the body. Every answer has a form that clients read; what is refused says so as the protocol has it. */
#include "fuzz/broker_scene.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = span_new(data, size), one;
	struct broker *broker = scene_broker();

	for (int i = 0; i < SCENE_REQUESTS && span_next(&rest, '\0', &one); i++) {
		struct server_reply reply;
		struct kbs_failure failure;
		scene_ask(broker, one, &reply);
		assert(reply.status == 200 || reply.status == 401 || reply.status == 404 ||
				reply.status == 405 || reply.status == 413);
		if (reply.status == 401)
			assert(!reply.content_type && !reply.set_cookie[0] &&
					kbs_failure_parse(buf_span(&reply.body), &failure) &&
					failure.variant != KBS_OTHER_ERROR);
		if (reply.content_type && strcmp(reply.content_type, "application/json") == 0 &&
				reply.body.len) {
			json_t *body = json_loadb(reply.body.ptr, reply.body.len, JSON_DECODE_ANY, NULL);
			assert(body);
			json_decref(body);
		}
		buf_clear(&reply.body);
	}
	return 0;
}
