/* SPDX-License-Identifier: Apache-2.0 */
/* What the readers of names and of places share: sets of characters, pieces of texts. Private to core/oci. */
#ifndef COCOON_OCI_WORDS_OWN_H
#define COCOON_OCI_WORDS_OWN_H

#include "base/span.h"

#include <stdbool.h>
#include <string.h>

#define DIGITS "0123456789"
#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* At least one character, and all of the set. */
static inline bool only(struct span text, const char *set)
{
	for (size_t i = 0; i < text.len; i++)
		if (!text.ptr[i] || !strchr(set, text.ptr[i]))
			return false;
	return text.len > 0;
}

static inline struct span head(struct span text, size_t len)
{
	return span_new(text.ptr, len);
}

/* As a text; the caller knows that there is room. */
static inline void keep(char *out, struct span text)
{
	if (text.ptr)
		memcpy(out, text.ptr, text.len);
	out[text.len] = '\0';
}

#endif
