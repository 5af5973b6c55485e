/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: challenge_parse. What it read reads the same when it is written again. */
#include "base/buf.h"
#include "oci/challenge.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put(struct buf *out, const char *name, const char *value)
{
	buf_printf(out, ", %s=\"", name);
	for (; *value; value++) {
		if (strchr("\"\\", *value))
			buf_putc(out, '\\');
		buf_putc(out, *value);
	}
	buf_putc(out, '"');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_buf struct buf text = BUF_MAX(8192);
	struct challenge one, two;

	if (challenge_parse(span_new(data, size), &one, NULL) < 0)
		return 0;
	buf_puts(&text, one.scheme == CHALLENGE_BEARER ? "Bearer x=y" : "Basic x=y");
	put(&text, "realm", one.realm);
	put(&text, "service", one.service);
	put(&text, "scope", one.scope);
	if (challenge_parse(buf_span(&text), &two, NULL) < 0 || two.scheme != one.scheme ||
			strcmp(one.realm, two.realm) != 0 || strcmp(one.service, two.service) != 0 ||
			strcmp(one.scope, two.scope) != 0)
		abort();
	return 0;
}
