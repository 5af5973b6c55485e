/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What there is to say about a document: its digests, and what becomes of them on each platform. As text, for people,
 * and as JSON:
 *
 *     {"version": "0.1.0", "algorithm": "sha256", "bytes": 117, "annotationBytes": 160,
 *      "digests": {"sha256": {"hex": "e2ce…", "base64": "4s7j…"}, …},
 *      "tees": [{"name": "snp", "field": "HOSTDATA", "hex": "…", "base64": "…", "claim": "…", "remark": "…",
 *                "warning": "…"}, …],
 *      "warnings": ["…"], "findings": [{…}]}
 *
 * A document with an algorithm that we do not compute has no "tees"; a platform without a form has no "hex".
 */
#ifndef COCOON_INITDATA_GEN_REPORT_H
#define COCOON_INITDATA_GEN_REPORT_H

#include "initdata/document.h"

struct err;

/* A new object. `warnings` are those of initdata_inspect(). */
json_t *report_json(const struct initdata *doc, const json_t *warnings)
		__attribute__((nonnull(1), returns_nonnull, warn_unused_result));

/* Appends the lines "digest …" and one for each platform. */
void report_digests(const struct initdata *doc, struct buf *out) __attribute__((nonnull));

/* Findings about the document's entries; a new array. */
json_t *report_findings(const struct initdata *doc)
		__attribute__((nonnull, returns_nonnull, warn_unused_result));

#endif
