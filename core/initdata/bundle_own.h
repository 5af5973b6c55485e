/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of a bundle: private to core/initdata/bundle*.c. */
#ifndef COCOON_INITDATA_BUNDLE_OWN_H
#define COCOON_INITDATA_BUNDLE_OWN_H

#include "initdata/bundle.h"
#include "initdata/tee.h"

#define BUNDLE_KINDS    9
#define BUNDLE_FORM_MAX 1024

struct bundle_kind {
	const char *name; /* of the evidence in a token */
	enum tee tee;
};
extern const struct bundle_kind bundle_kinds[BUNDLE_KINDS];

/* The documents' digests as tokens of that kind have them: a new array; empty for evidence that does not count. */
json_t *bundle_forms(const struct bundle *bundle, const struct bundle_kind *kind)
		__attribute__((nonnull, returns_nonnull, warn_unused_result));

/* Appends the document's digest as a token of that kind has it; false: it has no form there. */
bool bundle_form(const struct bundle_document *document, enum tee tee, struct buf *out)
		__attribute__((nonnull));

/* NAME=VALUE of a reference value. */
int bundle_value_check(const char *value, struct err *err) __attribute__((nonnull(1), warn_unused_result));

#endif
