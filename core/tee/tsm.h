/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports through configfs-tsm (Linux, Documentation/ABI/testing/configfs-tsm-report). For the room alone.
 *
 *     mkdir …/report/NAME     provider      "tdx_guest", "sev_guest"
 *                             inblob        64 bytes of report data, written at once
 *                             outblob       the quote or report
 *                             auxblob       the certificates of an SNP report, on kernels that have it
 *                             generation    how often somebody wrote: 1, or the answer may be to somebody else
 *     rmdir …/report/NAME     on every way out; the files are the kernel's
 *
 * Each request has an entry of its own with a random name.
 *
 * Bounds: TSM_BLOB_MAX. Errors: ERR_NOT_FOUND (no such folder, another provider), ERR_IO, ERR_LIMIT, ERR_FORMAT,
 * ERR_RETRY (somebody else wrote to the entry).
 */
#ifndef COCOON_TEE_TSM_H
#define COCOON_TEE_TSM_H

#include "base/buf.h"

struct err;

#define TSM_DATA_LEN 64
#define TSM_BLOB_MAX ((size_t)32 * 1024)

/* ERR_NOT_FOUND unless reports are made by this provider. */
int tsm_probe(const char *folder, const char *provider, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/* Report data that are shorter than the field are filled up with zeros. aux may be NULL: not wanted. */
int tsm_report(const char *folder, const char *provider, struct span report_data, struct buf *out,
		struct buf *aux, struct err *err) __attribute__((nonnull(1, 2, 4), warn_unused_result));

#endif
