/* SPDX-License-Identifier: Apache-2.0 */
/* guest_view_read, guest_decide, guest_pin_form: whatever init-data says leads to a verdict with a reason. */
#include "base/err.h"
#include "policy/guest.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DIGEST "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct image_facts facts = { .host = "quay.io",
		.repository = "a/b",
		.digest = DIGEST,
		.looked = IMAGE_LOOKED_TAG | IMAGE_LOOKED_SIMPLE };
	const struct policy_guest settings = { .policy = NULL };
	auto_buf struct buf why = BUF_MAX(4096);
	auto_guest_view struct guest_view view;
	struct oci_name name;

	if (guest_view_read(span_new(data, size), &view, NULL) < 0)
		return 0;
	if (oci_name_parse("quay.io/a/b:1", &name, NULL) < 0 ||
			guest_decide(&settings, &view, NULL, &name, &facts, NULL, &why) > GUEST_UNKNOWN ||
			!why.len)
		abort();
	(void)guest_view_names_digest(&view, &facts);
	(void)guest_pin_form(&settings, &view, NULL, &name, &why);
	return 0;
}
