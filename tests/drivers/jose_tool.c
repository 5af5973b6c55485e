/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The house's JOSE as a command, for tests/cli/jose.sh to hold against the programs of others.
 *
 * Usage: jose_tool sign KEY HEADER | verify KEY | seal KEY | open KEY
 *
 * KEY is the file of a JWK. Payload, token, plaintext or JWE come on standard input; what came of them goes to standard
 * output as it is. 0: done; 1: refused, with the reason on standard error; 2: no verb or no key.
 */
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "codec/fdio.h"
#include "jose/jwe.h"
#include "jose/jws.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int read_input(struct buf *out, struct err *err)
{
	struct fd_pull input;
	char piece[4096];
	size_t got = 0;

	fd_pull_init(&input, STDIN_FILENO, "standard input");
	do {
		if (input.pull.read(&input.pull, piece, sizeof(piece), &got, err) < 0)
			return -1;
		buf_add(out, piece, got);
	} while (got);
	return buf_check(out, "standard input", err);
}

static int verify(const struct jwk *key, struct span text, struct buf *out, struct err *err)
{
	auto_jws struct jws jws = JWS_NONE;

	if (jws_read(text, &jws, err) < 0 || jws_verify(&jws, key, err) < 0)
		return -1;
	buf_add_span(out, buf_span(&jws.payload));
	return 0;
}

static int seal(const struct jwk *key, struct span text, struct buf *out, struct err *err)
{
	auto_secret struct secret plain = SECRET_NONE;

	return secret_from_span(&plain, text, err) < 0 ? -1 : jwe_seal(key, &plain, out, err);
}

static int open_jwe(const struct jwk *key, struct span text, struct buf *out, struct err *err)
{
	auto_secret struct secret plain = SECRET_NONE;

	if (jwe_open(key, text, &plain, err) < 0)
		return -1;
	buf_add_span(out, secret_span(&plain));
	return 0;
}

static int run(char **argv, const struct jwk *key, struct buf *out, struct err *err)
{
	auto_buf struct buf input = BUF_MAX(JWE_MAX);
	const char *verb = argv[1];

	if (read_input(&input, err) < 0)
		return -1;
	if (!strcmp(verb, "sign") && argv[3])
		return jws_sign(key->key, span_of(argv[3]), buf_span(&input), out, err);
	if (!strcmp(verb, "verify"))
		return verify(key, buf_span(&input), out, err);
	if (!strcmp(verb, "seal"))
		return seal(key, buf_span(&input), out, err);
	if (!strcmp(verb, "open"))
		return open_jwe(key, buf_span(&input), out, err);
	return err_set(err, ERR_USAGE, "there is no verb '%s', or it wants more", verb);
}

int main(int argc, char **argv)
{
	auto_secret struct secret text = SECRET_NONE;
	auto_jwk struct jwk key = JWK_NONE;
	auto_buf struct buf out = BUF_MAX(JWE_MAX);
	struct err err = ERR_NONE;

	if (argc < 3) {
		fprintf(stderr, "usage: jose_tool sign KEY HEADER | verify KEY | seal KEY | open KEY\n");
		return 2;
	}
	if (secret_read_file(&text, argv[2], &err) < 0 || jwk_parse(secret_span(&text), &key, &err) < 0 ||
			run(argv, &key, &out, &err) < 0) {
		fprintf(stderr, "jose_tool: %s\n", err.text);
		return 1;
	}
	return fwrite(buf_text(&out), 1, out.len, stdout) == out.len ? 0 : 1;
}
