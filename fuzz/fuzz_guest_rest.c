/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: rest_answer, rest_parameter, rest_split. A line "METHOD PATH?QUERY", then the body. The status is one of the
 * endpoint's, and a text that refuses has no type. */
#include "fuzz/guest_scene.h"
#include "guest/rest.h"
#include "net/server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct services *services = guest_scene();
	const struct rest rest = { .hub = services->hub, .agent = services->agent, .features = REST_ALL };
	struct span all = span_new(data, size), line = span_new(all.ptr, span_find(all, '\n'));
	size_t space = span_find(line, ' ');
	struct span target = span_from(line, space + 1);
	size_t mark = span_find(target, '?');
	char method[16];
	struct server_reply reply;

	snprintf(method, sizeof(method), "%.*s", (int)space, space ? line.ptr : "");
	const struct rest_request request = { .method = method,
		.path = span_new(target.ptr, mark),
		.query = span_from(target, mark + 1),
		.body = span_from(all, line.len + 1) };
	server_reply_init(&reply);
	rest_answer(&rest, &request, &reply);
	bool refused = reply.status != 200;
	if (reply.body.over || (refused && (reply.content_type || !reply.body.len)) ||
			(!refused && !reply.content_type))
		abort();
	if (refused && reply.status != 400 && reply.status != 404 && reply.status != 405 &&
			reply.status != 500)
		abort();
	buf_wipe(&reply.body);
	return 0;
}
