/* SPDX-License-Identifier: Apache-2.0 */
/* Attached manifests in tests carry a mark, an annotation, by which they are known again. */
#ifndef COCOON_TESTS_OCI_MARKS_H
#define COCOON_TESTS_OCI_MARKS_H

#include "base/alloc.h"
#include "base/own.h"
#include "oci/attached.h"

#include <string.h>

/* Number of attachments with this mark, by this way. */
static inline int marked(const struct attached *found, const char *mark, enum attached_via via)
{
	auto_free char *words = xasprintf("\"mark\":\"%s\"", mark);
	int count = 0;

	for (size_t i = 0; i < found->count; i++)
		count += found->items[i].via == via &&
				strstr(buf_text(&found->items[i].manifest.bytes), words) &&
				!strcmp(found->items[i].manifest.media_type, OCI_TYPE_MANIFEST) &&
				oci_digest_fits(found->items[i].manifest.digest,
						buf_span(&found->items[i].manifest.bytes));
	return count;
}

#endif
