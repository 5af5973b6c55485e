/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: kbs_request_parse, kbs_challenge_parse, kbs_failure_parse, kbs_response_parse, kbs_token_times,
 * kbs_version_find. What is read means the same when it is written again. */
#include "base/buf.h"
#include "kbs/message.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void challenge(struct span body)
{
	auto_buf struct buf text = BUF_MAX(8 * KBS_NONCE_MAX);
	struct kbs_challenge one, two;

	if (kbs_challenge_parse(body, &one, NULL) < 0)
		return;
	kbs_challenge_format(one.nonce, &text);
	if (kbs_challenge_parse(buf_span(&text), &two, NULL) < 0 || strcmp(one.nonce, two.nonce) != 0)
		abort();
}

static void failure(struct span body)
{
	auto_buf struct buf text = BUF_MAX(8 * sizeof(struct kbs_failure));
	struct kbs_failure one, two;
	char version[32];

	if (!kbs_failure_parse(body, &one))
		return;
	if (kbs_failure_wants(&one, version) && strlen(version) >= sizeof(version))
		abort();
	kbs_failure_format(one.variant, one.detail, &text);
	if (!kbs_failure_parse(buf_span(&text), &two) || one.variant != two.variant ||
			strcmp(one.detail, two.detail) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span body = span_new(data, size);
	auto_kbs_request struct kbs_request request = KBS_REQUEST_NONE;
	auto_buf struct buf token = BUF_MAX(KBS_BODY_MAX);
	enum kbs_version version = KBS_0_1;
	struct kbs_times times;

	if (kbs_request_parse(body, &request, NULL) == 0)
		(void)!kbs_version_find(span_of(request.version), &version, NULL);
	challenge(body);
	failure(body);
	if (kbs_response_parse(body, &token, NULL) == 0)
		(void)!kbs_token_times(buf_span(&token), &times, NULL);
	return 0;
}
