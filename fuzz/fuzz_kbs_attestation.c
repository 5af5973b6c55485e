/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: kbs_attestation_parse in all versions, kbs_runtime_text. What is read means the same when it is written again,
 * and what is hashed is JSON of the same members. */
#include "base/buf.h"
#include "codec/json.h"
#include "kbs/binding.h"
#include "kbs/message.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void attest(struct span body, enum kbs_version version)
{
	auto_kbs_attestation struct kbs_attestation one = KBS_ATTESTATION_NONE, two = KBS_ATTESTATION_NONE;
	auto_buf struct buf text = BUF_MAX(8 * KBS_BODY_MAX), again = BUF_MAX(8 * KBS_BODY_MAX);
	auto_json json_t *bound = NULL;

	if (kbs_attestation_parse(body, version, &one, NULL) < 0)
		return;
	kbs_attestation_format(&one, &text);
	if (kbs_attestation_parse(buf_span(&text), version, &two, NULL) < 0)
		abort();
	kbs_attestation_format(&two, &again);
	if (!span_eq(buf_span(&text), buf_span(&again)))
		abort();
	buf_reset(&text);
	kbs_runtime_text(one.nonce ? one.nonce : "", one.pubkey, one.additional, &text);
	if (json_read(buf_span(&text), text.len, &bound, NULL) < 0 ||
			!json_equal(json_at(bound, "tee-pubkey", NULL), two.pubkey) ||
			strcmp(json_text_at(bound, "additional-evidence", NULL), two.additional) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (enum kbs_version version = KBS_0_1; version <= KBS_0_4; version++)
		attest(span_new(data, size), version);
	return 0;
}
