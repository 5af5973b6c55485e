/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Targets: aliyun_encrypt_answer, aliyun_decrypt_answer, aliyun_secret_answer, aliyun_refusal: the answers of a key
 * service in protocol buffers. Success is never empty, and failure leaves nothing.
 */
#include "base/buf.h"
#include "kms/aliyun.h"
#include "kms/kms_own.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_buf struct buf cipher = BUF_MAX(KMS_ANSWER_MAX);
	auto_secret struct secret plain = SECRET_NONE, secret = SECRET_NONE;
	struct span bytes = span_new(data, size), iv = SPAN_NONE;
	struct kms_refusal why;

	if (aliyun_encrypt_answer(bytes, &cipher, &iv, NULL) == 0 ? !cipher.len || !iv.len : cipher.len)
		abort();
	if (aliyun_decrypt_answer(bytes, &plain, NULL) == 0 ? !plain.len : plain.len)
		abort();
	if (aliyun_secret_answer(bytes, &secret, NULL) == 0 ? !span_is_utf8(secret_span(&secret))
							    : secret.len)
		abort();
	if (aliyun_refusal(bytes, &why) && why.code.len + why.message.len + why.request_id.len > size)
		abort();
	return 0;
}
