/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names under which key brokers know trusted execution environments (evidence.md, 1.1). They stand in requests, as
 * keys of additional evidence, and in the claims that policies read. A verifier is chosen by the name alone.
 */
#ifndef COCOON_TEE_KIND_H
#define COCOON_TEE_KIND_H

#include "base/span.h"

#include <stdbool.h>

struct err;

enum tee_kind {
	TEE_KIND_TDX,
	TEE_KIND_SGX,
	TEE_KIND_AZ_TDX_VTPM,
	TEE_KIND_AZ_SNP_VTPM,
	TEE_KIND_SNP,
	TEE_KIND_CSV,
	TEE_KIND_CCA,
	TEE_KIND_SE,
	TEE_KIND_TPM,
	TEE_KIND_SAMPLE,
	TEE_KIND_SAMPLE_DEVICE,
	TEE_KIND_NVIDIA,
	TEE_KIND_HYGON_DCU,
	TEE_KIND_NVIDIA_DPU,
	TEE_KINDS
};

/* "tdx", "az-snp-vtpm", "sampledevice", …; static. */
const char *tee_kind_name(enum tee_kind kind) __attribute__((returns_nonnull));
/* "cpu", "gpu", "dcu", "dpu"; static. The class of its submodule in a token. */
const char *tee_kind_class(enum tee_kind kind) __attribute__((returns_nonnull));
/* "nvidiadpu" is read for nvidia-dpu. ERR_USAGE with the names. */
int tee_kind_find(struct span name, enum tee_kind *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

#endif
