/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: head_length, head_parse, server_query. The end of a head is the same however the bytes are cut, and the
 * parts of a head lie inside it. */
#include "base/err.h"
#include "net/head.h"
#include "net/server.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(struct span part, struct span text)
{
	/* "/" stands for an absolute target without a path */
	if (part.len && !span_is(part, "/") &&
			(part.ptr < text.ptr || part.ptr + part.len > text.ptr + text.len))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_new(data, size);
	size_t len = head_length(text, 0);
	struct err err = ERR_NONE;
	struct head head;
	char value[64];
	int status = 0;

	for (size_t seen = 0; seen < len; seen += 1 + seen / 4)
		if (head_length(span_new(data, seen), 0) != 0 || head_length(text, seen) != len)
			abort();
	text.len = len;
	if (!len || head_parse(text, &head, &status, &err) < 0)
		return len && (status < 400 || err.kind == ERR_OK) ? abort(), 0 : 0;
	check_inside(head.method, text);
	check_inside(head.path, text);
	check_inside(head.query, text);
	check_inside(head.type, text);
	check_inside(head.authorization, text);
	check_inside(head.cookie, text);
	struct server_request request = { .query = head.query };
	if (server_query(&request, "timeout", value, sizeof(value)) && !memchr(value, '\0', sizeof(value)))
		abort();
	return 0;
}
