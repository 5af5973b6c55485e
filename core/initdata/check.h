/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a guest will make of the files inside a document, told before a VM boots. The rules are those of the two
 * daemons (guest-components attestation-agent/src/config, confidential-data-hub/hub/src/config, image-rs
 * src/config.rs), traps included: unknown keys are ignored without a word, scalars of the wrong type are converted, a
 * policy by URI beats the inline one while an inline registry configuration beats its URI, and a cdh.toml without
 * [image] leaves the image settings to the kernel command line.
 *
 * Findings are JSON objects in an array:
 *
 *     {"severity": "error", "file": "cdh.toml", "path": "kbc.name", "text": "…", "remedy": "…"}
 *
 * error: the guest's daemon refuses the file, or will fail for sure when it needs the value. warning: the file means
 * something else than it says, or leaves open what it should settle. "path" is "" for the whole file; "remedy" is
 * there where one is known.
 *
 * Bounds: texts of INITDATA_TEXT_MAX, FINDINGS_MAX findings of a run.
 */
#ifndef COCOON_INITDATA_CHECK_H
#define COCOON_INITDATA_CHECK_H

#include "base/span.h"

#include <jansson.h>

struct err;

#define FINDINGS_MAX 200

/* Append to findings, an array. */
void initdata_check_aa(struct span toml, json_t *findings) __attribute__((nonnull(2)));
void initdata_check_cdh(struct span toml, json_t *findings) __attribute__((nonnull(2)));

/* All entries of a document's data table: both files, the policy's size, how they fit together, and entries that no
 * guest reads. */
void initdata_check_entries(const json_t *data, json_t *findings) __attribute__((nonnull(2)));

/* The first finding of severity error as an err (ERR_FORMAT), or 0. */
int initdata_findings_err(const json_t *findings, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));

#endif
