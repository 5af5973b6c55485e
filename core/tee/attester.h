/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's side of attestation: evidence for report data, the check of init-data, and runtime measurements, on what
 * the machine has (evidence.md).
 *
 *     kind      evidence from                          init-data compared with     runtime measurement
 *     sample    nowhere: it proves nothing             –                           –
 *     tdx       configfs-tsm, provider tdx_guest       MRCONFIGID (48)             RTMRs, sha384
 *     snp       configfs-tsm, provider sev_guest       HOST_DATA (32) of a report  –
 *     tpm       TPM 2.0 through libtss2-esys           PCR 8                       PCRs, sha256
 *
 * Detection takes the first that is there, in the order tdx, snp, tpm, sample. A TPM counts when its attestation key
 * is there, too: a machine with a TPM but no key is a sample. What is there but does not answer is an error, no sample.
 *
 * A TPM's connection is a module of tss2 that is loaded when it is asked for (libtss2-tcti-device.so.0). The library
 * tells each failure on standard error, too; a program that does not want that sets TSS2_LOG=all+none at its start.
 * PCRs 17 … 22 cannot be extended by who sits at locality 0, which is where /dev/tpm0 puts its users.
 *
 * Report data are the bytes of a digest, of any length to 64; each kind fits them to its field as the verifiers expect.
 *
 * Paths are settings, so that a fake folder can stand in for hardware that no machine here has.
 *
 * Ownership: heap object of the caller. Threads: calls on one attester are serialised by itself.
 * Errors: ERR_NOT_FOUND (no such hardware), ERR_IO, ERR_FORMAT (what the kernel or TPM gave), ERR_RETRY (PCRs changed
 * meanwhile), ERR_AUTH (init-data is not what the hardware was started with), ERR_USAGE (report data too long), ERR_DENIED
 * (a register that is not this guest's to extend).
 */
#ifndef COCOON_TEE_ATTESTER_H
#define COCOON_TEE_ATTESTER_H

#include "base/span.h"
#include "crypto/digest.h"
#include "tee/kind.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct buf;
struct err;
struct attester;

#define REPORT_DATA_MAX 64

struct attester_options {
	const char *kind;     /* "tpm"; NULL: detect */
	bool sample_device;   /* offers additional evidence of a sample device */
	const char *tsm;      /* NULL: /sys/kernel/config/tsm/report */
	const char *tdx;      /* measurements; NULL: /sys/devices/virtual/misc/tdx_guest/measurements */
	const char *ccel;     /* NULL: /sys/firmware/acpi/tables/data/CCEL */
	const char *eventlog; /* AAEL, added to TDX evidence; NULL: /run/attestation-agent/eventlog */
	const char *tpm;      /* "device:/dev/tpm0", "swtpm:path=…", "/dev/tpm0"; NULL: /dev/tpm0, 1, 2 */
	uint32_t ak_handle;   /* 0: 0x81010002 */
};

int attester_open(const struct attester_options *options, struct attester **out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
void attester_free(struct attester *attester);
static inline void attester_release(struct attester **slot)
{
	attester_free(*slot);
}
#define auto_attester __attribute__((cleanup(attester_release)))

enum tee_kind attester_kind(const struct attester *attester) __attribute__((nonnull));

/* The JSON that stands as primary_evidence; a new reference. */
int attester_evidence(struct attester *attester, struct span report_data, json_t **out, struct err *err)
		__attribute__((nonnull(1, 3), warn_unused_result));

/* Names of additional devices (array of texts), and their evidence as an object name → evidence; both may be empty.
 * New references. */
json_t *attester_devices(const struct attester *attester) __attribute__((nonnull, returns_nonnull));
int attester_device_evidence(struct attester *attester, struct span report_data, json_t **out,
		struct err *err) __attribute__((nonnull(1, 3), warn_unused_result));

/*
 * Is the init-data with this digest the one that the hardware was started with? *bound is false where the kind cannot
 * tell (sample), and then nothing is an error. ERR_AUTH when it is another.
 */
int attester_check_initdata(struct attester *attester, enum digest_alg alg, const unsigned char *digest,
		bool *bound, struct err *err) __attribute__((nonnull(1, 3, 4), warn_unused_result));

/* What runtime measurements need of the platform: hash and, for a PCR index as asked for, the index that a log entry
 * carries. False: not supported here. Registers are extended through tee/eventlog.h alone, which logs what they hold. */
bool attester_measures(const struct attester *attester, enum digest_alg *alg) __attribute__((nonnull));
unsigned attester_register(const struct attester *attester, unsigned pcr) __attribute__((nonnull));

#endif
