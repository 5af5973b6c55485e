/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: services_hub, services_agent. The first byte says which method, and over which server; the rest is its message.
 * An answer is a message; a refusal has a text and no answer. */
#include "base/buf.h"
#include "base/err.h"
#include "codec/pb.h"
#include "fuzz/guest_scene.h"

#define HUB_METHODS   6
#define AGENT_METHODS 7

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct services services = *guest_scene();
	auto_buf struct buf answer = BUF_MAX(GRPC_MESSAGE_MAX);
	struct err err = ERR_NONE;
	struct pb_field field;

	if (!size || (data[0] & 0x7f) >= HUB_METHODS + AGENT_METHODS)
		return 0;
	unsigned which = data[0] & 0x7f;
	const struct grpc_method *method =
			which < HUB_METHODS ? &services_hub[which] : &services_agent[which - HUB_METHODS];
	services.grpc = data[0] & 0x80;
	enum grpc_status status = method->handle(&services, span_new(data + 1, size - 1), &answer, &err);
	if (answer.over || (status != GRPC_OK && (answer.len || !err.text[0] || err.kind == ERR_BUG)))
		abort();
	for (struct span rest = buf_span(&answer); rest.len;)
		if (pb_next(&rest, &field, NULL) < 0 || field.number != 1)
			abort();
	return 0;
}
