/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/verify.h"

#include "base/b64.h"
#include "base/err.h"
#include "codec/json.h"
#include "tee/attester.h"
#include "tee/verify_own.h"

#include <stdlib.h>

#define SVN_MAX 64

static int check_sample(const json_t *evidence, struct span report_data, const char **svn, const char **sent,
		struct err *err)
{
	auto_buf struct buf bytes = BUF_MAX(REPORT_DATA_MAX);

	*sent = "";
	if (json_get_text(evidence, "", "svn", svn, err) < 0 ||
			json_opt_text(evidence, "", "report_data", sent, err) < 0)
		return -1;
	if (span_of(*svn).len > SVN_MAX)
		return err_set(err, ERR_LIMIT, "svn exceeds %d bytes", SVN_MAX);
	if (b64_decode(span_of(*sent), &bytes, err) < 0)
		return err_wrap(err, "report_data");
	if (!span_eq(buf_span(&bytes), report_data))
		return err_set(err, ERR_AUTH, "the report data belong to another request");
	return 0;
}

static int verify_sample(const json_t *evidence, struct span report_data, struct span initdata_digest,
		json_t **claims, struct err *err)
{
	auto_buf struct buf digest = BUF_MAX(b64_encoded_len(REPORT_DATA_MAX));
	const char *svn, *sent;

	if (check_sample(evidence, report_data, &svn, &sent, err) < 0)
		return -1;
	b64_encode(&digest, initdata_digest);
	if (buf_check(&digest, "the digest of init-data", err) < 0)
		return -1;
	json_t *out = json_pack("{s:s, s:s, s:s, s:{s:i, s:i}, s:b}", "svn", svn, "report_data", sent,
			"launch_digest", "abcde", "platform_version", "major", 1, "minor", 4, "debug", 0);
	if (!out ||
			(initdata_digest.len &&
					json_object_set_new(out, "init_data",
							json_string(buf_text(&digest))) < 0))
		abort();
	*claims = out;
	return 0;
}

static int verify_sample_device(
		const json_t *evidence, struct span report_data, json_t **claims, struct err *err)
{
	const char *svn, *sent;

	if (check_sample(evidence, report_data, &svn, &sent, err) < 0)
		return -1;
	*claims = json_pack("{s:s, s:s}", "svn", svn, "report_data", sent);
	if (!*claims)
		abort();
	return 0;
}

static int verify(enum tee_kind kind, const json_t *evidence, struct span report_data,
		struct span initdata_digest, json_t **claims, struct err *err)
{
	if (!json_is_object(evidence))
		return err_set(err, ERR_FORMAT, "not an object");
	if (kind == TEE_KIND_SAMPLE)
		return verify_sample(evidence, report_data, initdata_digest, claims, err);
	if (kind == TEE_KIND_SAMPLE_DEVICE)
		return verify_sample_device(evidence, report_data, claims, err);
	if (kind == TEE_KIND_TPM)
		return verify_tpm(evidence, report_data, initdata_digest, claims, err);
	return err_set(err, ERR_USAGE, "feature `%s-verifier` is not enabled", tee_kind_name(kind));
}

int evidence_verify(enum tee_kind kind, const json_t *evidence, struct span report_data,
		struct span initdata_digest, json_t **claims, struct err *err)
{
	if (verify(kind, evidence, report_data, initdata_digest, claims, err) < 0)
		return err_wrap(err, "evidence '%s'", tee_kind_name(kind));
	return 0;
}
