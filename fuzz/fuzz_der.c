/* SPDX-License-Identifier: Apache-2.0 */
/* der_next, der_octets, certid_parse: values tile their bytes; a primitive one is written again and read equal. */
#include "base/buf.h"
#include "base/err.h"
#include "crypto/certid.h"
#include "crypto/der.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define must(held) ((held) ? (void)0 : abort())

static void check(struct span rest)
{
	struct der_item item = { .tag = 0 }, again = { .tag = 0 };
	struct span before = rest;

	for (; der_next(&rest, "it", &item, NULL) == 0; before = rest) {
		auto_buf struct buf copy = BUF_MAX(item.whole.len + 16), text = BUF_MAX(item.whole.len);
		must(item.whole.ptr == before.ptr && item.whole.len + rest.len == before.len);
		must(item.body.len + 2 <= item.whole.len);
		must(der_octets(&item, "it", &text, NULL) < 0 || text.len <= item.body.len);
		der_put(&copy, item.tag, item.body);
		struct span put = buf_span(&copy);
		must(item.tag == 0 ||
				(der_next(&put, "it", &again, NULL) == 0 && span_eq(again.body, item.body)));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_certid struct certid *id = NULL;

	check(span_new(data, size));
	if (certid_parse(span_new(data, size), &id, NULL) == 0)
		must(id->issuer.len >= 2 && id->serial.len > 0 && id->key);
	return 0;
}
