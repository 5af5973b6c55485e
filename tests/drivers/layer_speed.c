/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layer engine alone, without an image around it: one pass over a file or pipe, and what it took.
 *
 *     layer_speed WORK THREADS HOLD_BACK IN OUT        WORK: encrypt, decrypt, decoder, verify, copy; "-" is a pipe
 *
 * Encrypting prints the HMAC and the digest to stderr for the other ways, which take them as MAC= and DIGEST= in the
 * environment; the key is fixed. One line of JSON goes to stderr: seconds, processor seconds, peak resident KiB.
 */
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/hex.h"
#include "base/own.h"
#include "codec/fdio.h"
#include "image/layer.h"

#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>

static const struct {
	const char *name;
	enum layer_work work;
	bool digest;
} works[] = {
	{ "encrypt", LAYER_ENCRYPT, true },
	{ "decrypt", LAYER_DECRYPT, true },
	{ "decoder", LAYER_DECRYPT, false },
	{ "verify", LAYER_DECRYPT, false },
	{ "copy", LAYER_COPY, true },
};

static double seconds_of(struct timeval time)
{
	return (double)time.tv_sec + (double)time.tv_usec * 1e-6;
}

static void report(const struct layer_result *result, int64_t began, uint64_t size)
{
	char mac[2 * LAYER_MAC + 1] = "";
	double took = (double)(clock_mono(&clock_real) - began) * 1e-6;
	struct rusage use;

	hex_encode_raw(mac, span_new(result->mac, LAYER_MAC));
	getrusage(RUSAGE_SELF, &use);
	fprintf(stderr,
			"{\"bytes\":%llu,\"seconds\":%.4f,\"gb_s\":%.3f,\"user\":%.3f,\"system\":%.3f,"
			"\"rss_kib\":%ld,\"mac\":\"%s\",\"digest\":\"%s\"}\n",
			(unsigned long long)size, took, (double)size * 1e-9 / took, seconds_of(use.ru_utime),
			seconds_of(use.ru_stime), use.ru_maxrss, mac, result->digest);
}

static int run(char **argv, struct err *err)
{
	static const unsigned char nonce[LAYER_NONCE] = { 1 };
	unsigned char mac[LAYER_MAC] = { 0 };
	auto_secret struct secret key = SECRET_NONE;
	struct layer_job job = { .nonce = nonce, .mac = mac };
	struct layer_result result;
	struct fd_pull in;
	struct fd_sink out;
	const char *text = getenv("MAC");
	size_t which = 0;

	while (strcmp(works[which].name, argv[1]) != 0)
		if (++which == sizeof(works) / sizeof(works[0]))
			return err_set(err, ERR_USAGE, "no such work: '%s'", argv[1]);
	if (secret_alloc(&key, LAYER_KEY, err) < 0 ||
			(text && hex_decode_raw(span_of(text), mac, LAYER_MAC, err) < 0))
		return -1;
	job.key = &key;
	job.work = works[which].work;
	job.want_digest = works[which].digest;
	job.digest = getenv("DIGEST");
	job.threads = (unsigned)strtoul(argv[2], NULL, 10);
	job.hold_back = strtoul(argv[3], NULL, 10);
	auto_fd int from = strcmp(argv[4], "-") ? open(argv[4], O_RDONLY | O_CLOEXEC) : dup(STDIN_FILENO);
	auto_fd int to = strcmp(argv[5], "-") ? open(argv[5], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)
					      : dup(STDOUT_FILENO);
	if (from < 0 || to < 0)
		return err_errno(err, ERR_IO, "opening '%s' and '%s'", argv[4], argv[5]);
	int64_t began = clock_mono(&clock_real);
	fd_pull_init(&in, from, argv[4]);
	fd_sink_init(&out, to, argv[5]);
	bool writes = strcmp(argv[1], "verify") != 0;
	if (layer_run(&job, &in.pull, writes ? &out.stream : NULL, &result, err) < 0)
		return -1;
	report(&result, began, result.size);
	return 0;
}

int main(int argc, char **argv)
{
	struct err err = ERR_NONE;

	if (argc != 6) {
		fprintf(stderr,
				"usage: layer_speed encrypt|decrypt|decoder|verify|copy THREADS HOLD_BACK IN "
				"OUT\n");
		return 2;
	}
	if (run(argv, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	return 0;
}
