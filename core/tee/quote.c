/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/quote.h"

#include "base/buf.h"
#include "base/err.h"
#include "crypto/digest.h"
#include "crypto/pkey.h"

#include <string.h>

#define MAGIC      0xff544347U /* what a TPM signs about itself */
#define QUOTE      0x8018U     /* TPM_ST_ATTEST_QUOTE */
#define SHA256     0x000bU
#define RSASSA     0x0014U
#define ALL_PCRS   0xffffffU
#define NAME_MAX   66 /* algorithm and SHA-512 */
#define DIGEST_LEN 32
#define PEM_MAX    4096

/* What is left; a read beyond the end empties it, and the caller asks once. */
struct reader {
	struct span rest;
	bool short_;
};

static uint64_t number(struct reader *in, size_t size)
{
	uint64_t value = 0;

	if (in->rest.len < size) {
		in->short_ = true;
		return 0;
	}
	for (size_t i = 0; i < size; i++)
		value = value << 8 | (unsigned char)in->rest.ptr[i];
	in->rest = span_from(in->rest, size);
	return value;
}

/* A TPM2B: length and bytes. */
static struct span sized(struct reader *in)
{
	size_t len = number(in, 2);

	if (in->rest.len < len) {
		in->short_ = true;
		return SPAN_NONE;
	}
	struct span bytes = span_new(in->rest.ptr, len);
	in->rest = span_from(in->rest, len);
	return bytes;
}

static int check_end(const struct reader *in, const char *what, struct err *err)
{
	if (in->short_)
		return err_set(err, ERR_FORMAT, "%s ends too early", what);
	if (in->rest.len)
		return err_set(err, ERR_FORMAT, "%s is followed by %zu more bytes", what, in->rest.len);
	return 0;
}

static int check_size(struct span bytes, const char *what, struct err *err)
{
	if (bytes.len > QUOTE_MAX)
		return err_set(err, ERR_LIMIT, "%s exceeds %d bytes", what, QUOTE_MAX);
	return 0;
}

static int read_head(struct reader *in, struct quote *quote, struct err *err)
{
	if (number(in, 4) != MAGIC || number(in, 2) != QUOTE)
		return err_set(err, ERR_FORMAT, "the message is no quote of a TPM");
	quote->signer = sized(in);
	quote->nonce = sized(in);
	if (quote->signer.len > NAME_MAX || quote->nonce.len > NAME_MAX)
		return err_set(err, ERR_FORMAT, "the message's signer or nonce is too long");
	quote->clock = number(in, 8);
	quote->resets = (uint32_t)number(in, 4);
	quote->restarts = (uint32_t)number(in, 4);
	uint64_t safe = number(in, 1);
	if (safe > 1)
		return err_set(err, ERR_FORMAT, "the message's clock is neither safe nor unsafe");
	quote->safe = safe;
	quote->firmware = number(in, 8);
	return 0;
}

static int read_selection(struct reader *in, struct err *err)
{
	uint64_t banks = number(in, 4), hash = number(in, 2), octets = number(in, 1), pcrs = number(in, 3);

	if (!in->short_ && (banks != 1 || hash != SHA256 || octets != 3 || pcrs != ALL_PCRS))
		return err_set(err, ERR_FORMAT, "the quote is not of all %d PCRs of the SHA-256 bank",
				PCR_COUNT);
	return 0;
}

int quote_parse(struct span message, struct quote *out, struct err *err)
{
	struct reader in = { .rest = message };
	struct quote quote = { 0 };

	if (check_size(message, "the message", err) < 0 || read_head(&in, &quote, err) < 0 ||
			read_selection(&in, err) < 0)
		return -1;
	quote.digest = sized(&in);
	if (check_end(&in, "the message", err) < 0)
		return -1;
	if (quote.digest.len != DIGEST_LEN)
		return err_set(err, ERR_FORMAT, "the digest of the PCRs is not of SHA-256");
	*out = quote;
	return 0;
}

int quote_signature_parse(struct span bytes, struct span *out, struct err *err)
{
	struct reader in = { .rest = bytes };
	uint64_t scheme = number(&in, 2), hash = number(&in, 2);
	struct span signature = sized(&in);

	if (check_size(bytes, "the signature", err) < 0 || check_end(&in, "the signature", err) < 0)
		return -1;
	if (scheme != RSASSA || hash != SHA256)
		return err_set(err, ERR_FORMAT, "the signature is not RSASSA with SHA-256");
	*out = signature;
	return 0;
}

bool quote_covers(const struct quote *quote, unsigned char pcrs[static PCR_COUNT][PCR_SIZE])
{
	unsigned char digest[DIGEST_MAX];

	digest_bytes(DIGEST_SHA256, span_new(pcrs, (size_t)PCR_COUNT * PCR_SIZE), digest);
	return span_eq(quote->digest, span_new(digest, DIGEST_LEN));
}

void quote_nonce(struct span report_data, unsigned char out[static QUOTE_NONCE])
{
	size_t len = report_data.len < QUOTE_NONCE ? report_data.len : QUOTE_NONCE;

	memset(out, 0, QUOTE_NONCE);
	if (len)
		memcpy(out, report_data.ptr, len);
}

int quote_key_text(const struct pkey *key, struct buf *out, struct err *err)
{
	auto_buf struct buf pem = BUF_MAX(PEM_MAX);

	if (pkey_format_public(key, &pem, err) < 0)
		return -1;
	struct span rest = buf_span(&pem), line;
	while (span_next(&rest, '\n', &line)) {
		if (!span_starts(line, "-----"))
			buf_add_span(out, line);
	}
	return buf_check(out, "the attestation key", err);
}
