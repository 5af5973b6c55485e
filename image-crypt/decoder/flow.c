/* SPDX-License-Identifier: Apache-2.0 */
#include "image-crypt/decoder/flow.h"

#include "base/err.h"
#include "base/own.h"
#include "codec/fdio.h"
#include "image/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* the HMAC bounds the rate: a second thread for the cipher, a third for writing */
#define THREADS    3
/* what the kernel lets everybody have; fewer, larger turns of reader and writer */
#define PIPE_BYTES (1024 * 1024)

/* Standard output: notes when there is nobody to read it. */
struct outlet {
	struct stream stream;
	struct fd_sink sink;
	bool gone;
};

static int outlet_feed(struct stream *self, struct span bytes, struct err *err)
{
	struct outlet *outlet = (struct outlet *)(void *)self;
	int result = stream_feed(&outlet->sink.stream, bytes, err);

	if (result < 0 && errno == EPIPE)
		outlet->gone = true;
	return result;
}

static int outlet_done(struct stream *self, struct err *err)
{
	struct outlet *outlet = (struct outlet *)(void *)self;

	return stream_done(&outlet->sink.stream, err);
}

/* Standard input, of which every byte is also written to the spool. */
struct tee {
	struct pull pull;
	struct fd_pull in;
	struct fd_sink spool;
};

static int tee_read(struct pull *self, void *out, size_t cap, size_t *got, struct err *err)
{
	struct tee *tee = (struct tee *)(void *)self;

	if (pull_read(&tee->in.pull, out, cap, got, err) < 0)
		return -1;
	return *got ? stream_feed(&tee->spool.stream, span_new(out, *got), err) : 0;
}

static int decrypt(const struct flow *flow, struct pull *in, struct stream *out, struct err *err)
{
	struct layer_result result;
	const struct layer_job job = {
		.work = LAYER_DECRYPT,
		.key = flow->key,
		.nonce = flow->nonce,
		.mac = flow->mac,
		.hold_back = FLOW_HOLD_BACK,
		.threads = THREADS,
	};

	return layer_run(&job, in, out, &result, err);
}

/* Checks everything and returns a descriptor of the same bytes, at their begin; -1 on failure. */
static int verified_input(const struct flow *flow, struct err *err)
{
	struct stat info;
	off_t at = lseek(flow->in, 0, SEEK_CUR);

	if (fstat(flow->in, &info) == 0 && S_ISREG(info.st_mode) && at >= 0) {
		struct fd_pull in;
		fd_pull_init(&in, flow->in, "standard input");
		if (decrypt(flow, &in.pull, NULL, err) < 0)
			return -1;
		if (lseek(flow->in, at, SEEK_SET) < 0)
			return err_errno(err, ERR_IO, "reading standard input again");
		return dup(flow->in);
	}
	auto_fd int spool = open(flow->spool, O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
	if (spool < 0)
		return err_errno(err, ERR_IO, "no temporary file in '%s'", flow->spool);
	struct tee tee = { .pull = { .read = tee_read } };
	fd_pull_init(&tee.in, flow->in, "standard input");
	fd_sink_init(&tee.spool, spool, "the temporary file");
	if (decrypt(flow, &tee.pull, NULL, err) < 0)
		return -1;
	if (lseek(spool, 0, SEEK_SET) < 0)
		return err_errno(err, ERR_IO, "reading the temporary file");
	return take_fd(&spool);
}

int flow_run(const struct flow *flow, bool *gone, struct err *err)
{
	struct outlet outlet = { .stream = { .feed = outlet_feed, .done = outlet_done } };
	struct fd_pull in;
	auto_fd int verified = -1;

	*gone = false;
	/* of pipes alone; where it is refused, the old size serves */
	(void)!fcntl(flow->in, F_SETPIPE_SZ, PIPE_BYTES);
	(void)!fcntl(flow->out, F_SETPIPE_SZ, PIPE_BYTES);
	if (flow->verify_first) {
		verified = verified_input(flow, err);
		if (verified < 0)
			return -1;
	}
	fd_pull_init(&in, flow->verify_first ? verified : flow->in, "standard input");
	fd_sink_init(&outlet.sink, flow->out, "standard output");
	int result = decrypt(flow, &in.pull, &outlet.stream, err);
	*gone = outlet.gone;
	return result;
}
