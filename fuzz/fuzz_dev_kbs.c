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
		scene_ask(broker, one, &reply);
		scene_check(&reply);
		buf_clear(&reply.body);
	}
	return 0;
}
