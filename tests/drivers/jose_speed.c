/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long the house's JOSE takes for one operation, for bench/keys.sh.
 *
 *     jose_speed FOLDER MILLISECONDS
 *
 * FOLDER holds sign.jwk and seal.jwk (private, P-256), payload, and what another library made of it for these keys:
 * token (JWS) and message (JWE). Each operation is repeated for so long; one line of JSON each goes to standard output.
 * What was verified and opened must be the payload, each time. Our own token and message go to token.cocoon and
 * message.cocoon, for the other library to judge.
 */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/own.h"
#include "crypto/init.h"
#include "jose/jwe.h"
#include "jose/jws.h"

#include <stdio.h>
#include <string.h>

#define FILE_MAX    ((size_t)64 * 1024)
#define TIME_MAX    60000
#define HEADER      "{\"alg\":\"ES256\",\"kid\":\"bench\"}"
#define MILLISECOND (CLOCK_SECOND / 1000)

struct bench {
	struct jwk sign, seal;
	struct secret plain;
	struct buf payload, token, message; /* token and message are the other's */
};

static int compare(const struct bench *bench, struct span got, struct err *err)
{
	return span_eq(got, buf_span(&bench->payload)) ? 0 : err_set(err, ERR_FORMAT, "not the payload");
}

/* ---- operations: what they make goes to out ------------------------------------------------------------ */

static int sign(const struct bench *bench, struct buf *out, struct err *err)
{
	return jws_sign(bench->sign.key, SPAN_LIT(HEADER), buf_span(&bench->payload), out, err);
}

static int verify(const struct bench *bench, struct buf *out, struct err *err)
{
	auto_jws struct jws jws = JWS_NONE;

	(void)out;
	if (jws_read(buf_span(&bench->token), &jws, err) < 0 || jws_verify(&jws, &bench->sign, err) < 0)
		return -1;
	return compare(bench, buf_span(&jws.payload), err);
}

static int seal(const struct bench *bench, struct buf *out, struct err *err)
{
	return jwe_seal(&bench->seal, &bench->plain, out, err);
}

static int open_message(const struct bench *bench, struct buf *out, struct err *err)
{
	auto_secret struct secret plain = SECRET_NONE;

	(void)out;
	if (jwe_open(&bench->seal, buf_span(&bench->message), &plain, err) < 0)
		return -1;
	return compare(bench, secret_span(&plain), err);
}

static const struct operation {
	const char *name, *file;
	int (*run)(const struct bench *bench, struct buf *out, struct err *err);
} operations[] = {
	{ "sign", "token.cocoon", sign },
	{ "verify", NULL, verify },
	{ "seal", "message.cocoon", seal },
	{ "open", NULL, open_message },
};

static int measure(const struct bench *bench, const struct operation *operation, const char *folder,
		int64_t milliseconds, struct err *err)
{
	auto_buf struct buf out = BUF_MAX(JWE_MAX);
	auto_free char *path = xasprintf("%s/%s", folder, operation->file ? operation->file : "");
	int64_t began = clock_mono(&clock_real), took = 0;
	unsigned long count = 0;

	do {
		buf_reset(&out);
		if (operation->run(bench, &out, err) < 0)
			return err_wrap(err, "%s", operation->name);
		count++;
		took = clock_mono(&clock_real) - began;
	} while (took < milliseconds * MILLISECOND);
	printf("{\"who\":\"cocoon\",\"what\":\"%s\",\"us\":%.2f}\n", operation->name,
			(double)took / (double)count);
	return operation->file ? fs_write_atomic(path, buf_span(&out), 0600, err) : 0;
}

/* ---- the folder ---------------------------------------------------------------------------------------- */

static int read_one(const char *folder, const char *name, struct buf *out, struct err *err)
{
	auto_free char *path = xasprintf("%s/%s", folder, name);

	buf_init(out, FILE_MAX);
	return fs_read(path, out, err);
}

static int read_key(const char *folder, const char *name, struct jwk *out, struct err *err)
{
	auto_free char *path = xasprintf("%s/%s", folder, name);
	auto_secret struct secret text = SECRET_NONE;

	return secret_read_file(&text, path, err) < 0 ? -1 : jwk_parse(secret_span(&text), out, err);
}

static int prepare(const char *folder, struct bench *bench, struct err *err)
{
	if (read_one(folder, "payload", &bench->payload, err) < 0 ||
			read_one(folder, "token", &bench->token, err) < 0 ||
			read_one(folder, "message", &bench->message, err) < 0 ||
			read_key(folder, "sign.jwk", &bench->sign, err) < 0 ||
			read_key(folder, "seal.jwk", &bench->seal, err) < 0)
		return -1;
	return secret_from_span(&bench->plain, buf_span(&bench->payload), err);
}

static void bench_clear(struct bench *bench)
{
	jwk_clear(&bench->sign);
	jwk_clear(&bench->seal);
	secret_clear(&bench->plain);
	buf_clear(&bench->payload);
	buf_clear(&bench->token);
	buf_clear(&bench->message);
}

int main(int argc, char **argv)
{
	__attribute__((cleanup(bench_clear))) struct bench bench = { .sign = JWK_NONE };
	struct err err = ERR_NONE;
	uint64_t milliseconds = 0;

	if (argc != 3 || !span_number(span_of(argv[2]), TIME_MAX, &milliseconds)) {
		fprintf(stderr, "usage: jose_speed FOLDER MILLISECONDS\n");
		return 2;
	}
	int status = crypto_init(true, &err);
	if (status == 0)
		status = prepare(argv[1], &bench, &err);
	for (size_t i = 0; status == 0 && i < sizeof(operations) / sizeof(*operations); i++)
		status = measure(&bench, &operations[i], argv[1], (int64_t)milliseconds, &err);
	if (status < 0)
		fprintf(stderr, "jose_speed: %s\n", err.text);
	return status < 0 ? 1 : 0;
}
