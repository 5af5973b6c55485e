/* SPDX-License-Identifier: Apache-2.0 */
/* pgp_next, pgp_body, pgp_message_look, pgp_is_secret_keys: every step goes ahead and stays inside. */
#include "base/buf.h"
#include "base/err.h"
#include "image/pgp_packets.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool held)
{
	if (!held)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = ERR_NONE;
	struct span rest = span_new(data, size), before = rest;
	struct pgp_packet packet = { .tag = 0 };
	struct pgp_message message;

	while (pgp_next(&rest, &packet, NULL) == 0) {
		auto_buf struct buf body = BUF_MAX(size);
		must(packet.tag > 0 && packet.tag < 64 && rest.len < before.len);
		must(packet.body.len + rest.len < before.len);
		must(!packet.body.len || packet.body.ptr > before.ptr);
		must(pgp_body(&before, &body, NULL) == 0 && before.ptr == rest.ptr &&
				body.len >= packet.body.len);
	}
	must(rest.len == before.len);
	if (pgp_message_look(span_new(data, size), &message, &err) < 0)
		must(*err.text && (err.kind == ERR_FORMAT || err.kind == ERR_LIMIT));
	else
		must(message.count <= PGP_RECIPIENTS_MAX && message.count * 11 < size);
	must(!pgp_is_secret_keys(span_new(data, size)) || size >= 2);
	return 0;
}
