/* SPDX-License-Identifier: Apache-2.0 */
/* image-crypt keyprovider run: one request from standard input, its answer to standard output. */
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "crypto/init.h"
#include "image-crypt/provide.h"
#include "image-crypt/verbs.h"
#include "image/packet.h"
#include "image/provider.h"

#include <unistd.h>

#define REQUEST_MAX ((size_t)1024 * 1024)

struct run_settings {
	struct provide_options provide;
};

/* op says what is wanted; a client that leaves it out has an element or has none. */
static int answer(const struct service *service, struct span request, struct buf *out, struct err *err)
{
	auto_provider_request struct provider_request parsed = PROVIDER_REQUEST_NONE;

	if (provider_request_parse(request, PACKET_PROVIDER, &parsed, err) < 0)
		return err_wrap(err, "parse key provider input failed");
	bool wraps = parsed.is_wrap || !parsed.has_element;
	enum grpc_status status = (wraps ? service_wrap : service_unwrap)(service, request, out, NULL, err);
	return status == GRPC_OK ? buf_check(out, "the answer", err) : -1;
}

static int run(void *given, struct err *err)
{
	const struct run_settings *settings = given;
	auto_wiped_buf struct buf request = BUF_MAX(REQUEST_MAX), out = BUF_MAX(PROVIDER_ANSWER_MAX);
	auto_provide struct provide provide = { .keys = OFFLINE_NONE };

	/* at once, so that nothing is left behind by growing */
	(void)buf_room(&request, REQUEST_MAX);
	if (crypto_init(true, err) < 0 || provide_open(&settings->provide, &provide, err) < 0 ||
			fs_read_stdin(&request, err) < 0 ||
			answer(&provide.service, buf_span(&request), &out, err) < 0)
		return -1;
	return fs_write_fd(STDOUT_FILENO, "standard output", buf_span(&out), err);
}

static const struct opt options[] = {
	PROVIDE_OPTIONS(struct run_settings),
	OPT_END,
};

static const struct opt_example examples[] = {
	{ "the configuration that OCICRYPT_KEYPROVIDER_CONFIG names",
			"{\"key-providers\":{\"attestation-agent\":{\"cmd\":{\"path\":\"image-crypt\","
			"\"args\":[\"keyprovider\",\"run\"]}}}}" },
	{ "encrypting with it",
			"skopeo copy --encryption-key "
			"provider:attestation-agent:keypath=/keys/kek::keyid=kbs:///default/key/1 oci:a "
			"oci:b" },
	OPT_EXAMPLE_END,
};

const struct opt_verb keyprovider_run_verb = {
	.name = "keyprovider run",
	.summary = "answers one request of a key provider's client",
	.description = "The program that ocicrypt's command protocol starts: a request in JSON on standard "
		       "input, the answer on standard output. It is the same provider as that of "
		       "keyprovider serve, without a process that goes on.",
	.options = options,
	.examples = examples,
	.size = sizeof(struct run_settings),
	.run = run,
};
