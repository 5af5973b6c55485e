/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which page comes next: the Link header field (RFC 8288 section 3).
 *
 *     </v2/team/app/referrers/sha256:…?last=x>; rel="next", <…>; rel="prev"
 *
 * Bounds: that of the text. What is malformed names no page.
 */
#ifndef COCOON_NET_LINK_H
#define COCOON_NET_LINK_H

#include "base/span.h"

/* The target of the first link with the relation "next", as it is written (net/url.h resolves it); borrows. */
bool link_next(struct span field, struct span *target) __attribute__((nonnull));

#endif
