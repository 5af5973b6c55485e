/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gzip (RFC 1952) by zlib, and the bare deflate data inside (RFC 1951) of JOSE's "zip":"DEF".
 *
 * Packing is deterministic: one member, level 9, modification time 0, no name, no comment, no extra field, operating
 * system 255 ("unknown"). Equal bytes in give equal bytes out with the same zlib.
 *
 * Unpacking takes exactly one member, with whatever name, comment, extra field and time its header carries; the
 * CRC and the length at its end are checked. Bytes behind the member, also a second member, are refused: init-data
 * and the other documents that we read are one member, and readers differ on the rest.
 *
 * Bounds: max_plain is the ceiling for the unpacked size, checked while unpacking: a bomb costs no more memory.
 * Errors: ERR_FORMAT (not gzip, damaged, cut short, trailing bytes), ERR_LIMIT.
 */
#ifndef COCOON_CODEC_ZIP_H
#define COCOON_CODEC_ZIP_H

#include "base/buf.h"
#include "base/span.h"
#include "codec/stream.h"

#include <stdint.h>

struct err;
struct gunzip;

/* Appends the packed form to out; ERR_LIMIT when out's ceiling or zlib's 4 GiB does not allow it. */
int gzip_pack(struct span plain, struct buf *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

/* Appends the unpacked bytes to out; on failure out is as it was. */
int gzip_unpack(struct span packed, size_t max_plain, struct buf *out, struct err *err)
		__attribute__((nonnull(3), warn_unused_result));

/*
 * Bare deflate data, all of it, into the caller's memory of cap bytes, which may be that of a struct secret; zlib's
 * own memory is wiped. ERR_LIMIT when it unpacks to more. On failure the memory may hold a part.
 */
int inflate_raw(struct span packed, void *out, size_t cap, size_t *len, struct err *err)
		__attribute__((nonnull(2, 4), warn_unused_result));

/*
 * The same as a step of a pipeline: feed it packed bytes, it feeds plain bytes to next, in pieces of at most 64 KiB,
 * before the CRC at the end is known. done() fails unless the member was complete.
 */
struct gunzip *gunzip_new(struct stream *next, uint64_t max_plain)
		__attribute__((nonnull, returns_nonnull, warn_unused_result));
void gunzip_free(struct gunzip *gunzip);
struct stream *gunzip_stream(struct gunzip *gunzip) __attribute__((nonnull, returns_nonnull));

static inline void gunzip_release(struct gunzip **slot)
{
	gunzip_free(*slot);
}
#define auto_gunzip __attribute__((cleanup(gunzip_release)))

#endif
