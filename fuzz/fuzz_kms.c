/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Targets: aws_encrypt_answer, aws_decrypt_answer, aws_secret_answer, gateway_secret_answer, gateway_credential_read,
 * gateway_credential_parse, ehsm_answer: the answers of key services in JSON. Success is never empty.
 */
#include "base/buf.h"
#include "codec/json.h"
#include "kms/aws.h"
#include "kms/ehsm.h"
#include "kms/gateway.h"
#include "kms/kms_own.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_gateway_credential struct gateway_credential read = { .token = SECRET_NONE }, parsed = read;
	auto_secret struct secret plain = SECRET_NONE, secret = SECRET_NONE, data_text = SECRET_NONE;
	auto_buf struct buf cipher = BUF_MAX(KMS_ANSWER_MAX);
	auto_json json_t *object = NULL;
	struct span bytes = span_new(data, size);
	const char *text = "";

	if (aws_encrypt_answer(bytes, &cipher, NULL) == 0 && !cipher.len)
		abort();
	if ((aws_decrypt_answer(bytes, &plain, NULL) == 0) != (plain.len > 0) ||
			(aws_secret_answer(bytes, &secret, NULL) == 0) != (secret.len > 0) ||
			(gateway_secret_answer(bytes, &data_text, NULL) == 0) != (data_text.len > 0))
		abort();
	if (ehsm_answer(bytes, "plaintext", &object, &text, NULL) == 0 && !*text)
		abort();
	if ((gateway_credential_read(bytes, &read, NULL) == 0 && !read.token.len) ||
			(gateway_credential_parse(bytes, &parsed, NULL) == 0 && !parsed.token.len))
		abort();
	return 0;
}
