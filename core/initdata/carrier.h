/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two ways a document travels to the guest, and the annotations that go with it.
 *
 * Annotation: B64(gzip(TOML)), standard alphabet with padding, one line. Written with a fixed gzip header and level,
 * so that the same document gives the same annotation everywhere. Read as the strictest of Kata's runtimes does:
 * one line, one gzip member, nothing behind it; a line end in the text kills a runtime shim, so it is refused here.
 *
 * Block image (what the runtime makes of it, Kata src/agent/src/initdata.rs):
 *
 *     0    "initdata"
 *     8    L, the length of the gzip stream, 64 bits little endian
 *     16   gzip stream of L bytes
 *     …    zeros up to a multiple of 512
 *
 * Bounds: an annotation value is at most ANNOTATIONS_MAX bytes, because the annotations of an object together are
 * (Kubernetes); an image at most INITDATA_IMAGE_MAX, twice the largest document, since gzip never grows text that
 * far; the document INITDATA_TEXT_MAX when unpacked. Errors: ERR_FORMAT, ERR_LIMIT; outputs untouched on failure.
 */
#ifndef COCOON_INITDATA_CARRIER_H
#define COCOON_INITDATA_CARRIER_H

#include "base/buf.h"
#include "base/span.h"

struct err;

/* Pod annotations. All of the first prefix are read by Kata's runtimes. */
#define KATA_ANNOTATION_PREFIX     "io.katacontainers.config."
#define INITDATA_ANNOTATION        "io.katacontainers.config.hypervisor.cc_init_data"
#define KERNEL_PARAMS_ANNOTATION   "io.katacontainers.config.hypervisor.kernel_params"
#define CREATE_TIMEOUT_ANNOTATION  "io.katacontainers.config.runtime.create_container_timeout"
#define AGENT_POLICY_ANNOTATION    "io.katacontainers.config.agent.policy"
#define RUNTIME_HANDLER_ANNOTATION "io.containerd.cri.runtime-handler"

#define INITDATA_IMAGE_MAX         (2U << 20)
#define INITDATA_IMAGE_MAGIC       "initdata"
#define INITDATA_IMAGE_SECTOR      512

/* Appends the annotation value of a document. */
int initdata_annotation_format(struct span toml, struct buf *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

/* Appends the document's bytes. The empty value, which means "no init-data", is ERR_FORMAT. */
int initdata_annotation_parse(struct span value, struct buf *toml, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

/* Appends the block image of a document. */
int initdata_image_format(struct span toml, struct buf *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

/* Appends the document's bytes. The padding must be zeros, as short as possible or as long as a device needs. */
int initdata_image_parse(struct span image, struct buf *toml, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

/* True when the bytes begin with the image's magic. */
bool initdata_image_is(struct span bytes);

#endif
