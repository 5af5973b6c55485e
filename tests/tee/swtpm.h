/* SPDX-License-Identifier: Apache-2.0 */
/* A software TPM in a folder of its own, for tests: made by tests/swtpm.bash, which tells its TCTI. */
#ifndef COCOON_TESTS_TEE_SWTPM_H
#define COCOON_TESTS_TEE_SWTPM_H

#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/own.h"
#include "base/run.h"

#include <stdio.h>
#include <stdlib.h>

#define SWTPM_TIMEOUT 120000

struct swtpm {
	char folder[64]; /* with ak.pem, ak.b64 */
	char *tcti;
};

/* Runs a script of bash with $1 = folder and $2 = TCTI, in that folder; what it prints, without the last line break.
 * Ends the test's program when it fails. */
static inline char *swtpm_shell(const struct swtpm *tpm, const char *script)
{
	struct buf out = BUF_MAX(65536);
	struct err err = ERR_NONE;
	auto_free char *whole = xasprintf("set -euo pipefail; . tests/swtpm.bash; %s", script);
	const char *const argv[] = { "bash", "-c", whole, "bash", tpm->folder, tpm->tcti ? tpm->tcti : "",
		NULL };
	struct run run = { .what = "a script", .argv = argv, .timeout = SWTPM_TIMEOUT };

	if (run_program(&run, &out, &err) < 0) {
		fprintf(stderr, "%s: %s\n", script, err.text);
		exit(1);
	}
	buf_cut(&out, span_trim(buf_span(&out)).len);
	return buf_take(&out);
}

static inline void swtpm_init(struct swtpm *tpm, const char *start)
{
	*tpm = (struct swtpm){ .folder = "/tmp/tee-XXXXXX" };
	if (!mkdtemp(tpm->folder))
		exit(1);
	tpm->tcti = swtpm_shell(tpm, start);
}

static inline void swtpm_clear(struct swtpm *tpm)
{
	free(swtpm_shell(tpm, "swtpm_stop \"$1\"; rm -rf \"$1\""));
	free(tpm->tcti);
}

#endif
