/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/kind.h"

#include "base/buf.h"
#include "base/err.h"

static const struct {
	const char *name, *class;
} kinds[TEE_KINDS] = {
	[TEE_KIND_TDX] = { "tdx", "cpu" },
	[TEE_KIND_SGX] = { "sgx", "cpu" },
	[TEE_KIND_AZ_TDX_VTPM] = { "az-tdx-vtpm", "cpu" },
	[TEE_KIND_AZ_SNP_VTPM] = { "az-snp-vtpm", "cpu" },
	[TEE_KIND_SNP] = { "snp", "cpu" },
	[TEE_KIND_CSV] = { "csv", "cpu" },
	[TEE_KIND_CCA] = { "cca", "cpu" },
	[TEE_KIND_SE] = { "se", "cpu" },
	[TEE_KIND_TPM] = { "tpm", "cpu" },
	[TEE_KIND_SAMPLE] = { "sample", "cpu" },
	[TEE_KIND_SAMPLE_DEVICE] = { "sampledevice", "gpu" },
	[TEE_KIND_NVIDIA] = { "nvidia", "gpu" },
	[TEE_KIND_HYGON_DCU] = { "hygondcu", "dcu" },
	[TEE_KIND_NVIDIA_DPU] = { "nvidia-dpu", "dpu" },
};

#define NAMES_MAX 256

const char *tee_kind_name(enum tee_kind kind)
{
	return kinds[kind].name;
}

const char *tee_kind_class(enum tee_kind kind)
{
	return kinds[kind].class;
}

int tee_kind_find(struct span name, enum tee_kind *out, struct err *err)
{
	auto_buf struct buf names = BUF_MAX(NAMES_MAX);

	for (size_t i = 0; i < TEE_KINDS; i++) {
		if (span_is(name, kinds[i].name)) {
			*out = (enum tee_kind)i;
			return 0;
		}
		buf_printf(&names, "%s%s", i ? ", " : "", kinds[i].name);
	}
	if (span_is(name, "nvidiadpu")) {
		*out = TEE_KIND_NVIDIA_DPU;
		return 0;
	}
	return err_set(err, ERR_USAGE, "unknown kind of TEE '%.*s': one of %s", SPAN_ARG(name),
			buf_text(&names));
}
