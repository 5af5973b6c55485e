/* SPDX-License-Identifier: Apache-2.0 */
/* image-crypt keyprovider serve: the service that skopeo, containerd and nerdctl call as attestation-agent. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/own.h"
#include "base/signals.h"
#include "codec/pb.h"
#include "crypto/init.h"
#include "image-crypt/provide.h"
#include "image-crypt/verbs.h"
#include "image/provider.h"
#include "net/grpc_server.h"

#include <string.h>

#define FIELD 1

struct serve_settings {
	struct provide_options provide;
	const char *socket;
	bool allow_remote;
	int log_level;
};

typedef enum grpc_status (*operation)(const struct service *service, struct span request, struct buf *answer,
		struct kbs_uri *kid, struct err *err);

/* The JSON of a request is in the one field of its message; so is that of the answer. */
static enum grpc_status call(const struct service *service, const char *what, operation operate,
		struct span message, struct buf *answer, struct err *err)
{
	auto_wiped_buf struct buf json = BUF_MAX(PROVIDER_ANSWER_MAX);
	struct span request = SPAN_NONE;
	struct kbs_uri kid = { .plugin = "" };
	enum grpc_status status = GRPC_INVALID_ARGUMENT;

	if (pb_find_bytes(message, FIELD, &request, err) == 0)
		status = operate(service, request, &json, &kid, err);
	if (status == GRPC_OK && buf_check(&json, "the answer", err) < 0)
		status = GRPC_RESOURCE_EXHAUSTED;
	if (status != GRPC_OK) {
		log_warn("refused", "call", what, "status", grpc_status_name(status), LOG_ERR(err), NULL);
		return status;
	}
	(void)buf_room(answer, json.len + PB_HEAD_MAX);
	pb_put_bytes(answer, FIELD, buf_span(&json));
	log_info("done", "call", what, "key", kid.path, NULL);
	return GRPC_OK;
}

static enum grpc_status on_wrap(void *ctx, struct span message, struct buf *answer, struct err *err)
{
	return call(ctx, "WrapKey", service_wrap, message, answer, err);
}

static enum grpc_status on_unwrap(void *ctx, struct span message, struct buf *answer, struct err *err)
{
	return call(ctx, "UnWrapKey", service_unwrap, message, answer, err);
}

static const struct grpc_method methods[] = {
	{ PROVIDER_GRPC_WRAP, on_wrap },
	{ PROVIDER_GRPC_UNWRAP, on_unwrap },
	{ NULL, NULL },
};

static int serve(const struct serve_settings *settings, struct service *service, int signals, struct err *err)
{
	const struct grpc_server_options options = { .listen = settings->socket,
		.allow_remote = settings->allow_remote,
		.methods = methods,
		.ctx = service,
		.clock = &clock_real };
	auto_grpc_server struct grpc_server *server = NULL;

	if (grpc_server_open(&options, &server, err) < 0)
		return -1;
	if (service->keys && strncmp(grpc_server_address(server), "unix:", 5) != 0)
		log_warn("whoever can connect can unwrap with the set of keys; a unix socket is its owner's "
			 "alone",
				NULL);
	log_info("listening", "address", grpc_server_address(server), NULL);
	return grpc_server_run(server, signals, err);
}

static int run(void *given, struct err *err)
{
	const struct serve_settings *settings = given;
	auto_provide struct provide provide = { .keys = OFFLINE_NONE };

	log_set_level((enum log_level)settings->log_level);
	auto_fd int signals = signals_open(err);
	if (signals < 0 || crypto_init(true, err) < 0 || provide_open(&settings->provide, &provide, err) < 0)
		return -1;
	return serve(settings, &provide.service, signals, err);
}

static const struct opt options[] = {
	OPT_TEXT(struct serve_settings, socket, "socket", 's', "ADDRESS",
			"where to listen: ADDRESS:PORT in numbers, or unix:///PATH; 127.0.0.1:50000 without "
			"this option"),
	OPT_FLAG(struct serve_settings, allow_remote, "allow-remote", 0,
			"listen also where other machines can connect; there is no TLS"),
	PROVIDE_OPTIONS(struct serve_settings),
	OPT_ENUM(struct serve_settings, log_level, "log-level", 0, "LEVEL", "what to log", log_level_words),
	OPT_END,
};

static const struct opt_example examples[] = {
	{ "a provider that puts new keys into a key broker",
			"image-crypt keyprovider serve --kbs https://kbs.example:8080 --auth-private-key "
			"admin.key" },
	{ "what skopeo is told of it",
			"{\"key-providers\":{\"attestation-agent\":{\"grpc\":\"127.0.0.1:50000\"}}}" },
	{ "encrypting with a key of one's own",
			"skopeo copy --encryption-key "
			"provider:attestation-agent:keypath=/keys/kek::keyid=kbs:///default/key/1 oci:a "
			"oci:b" },
	OPT_EXAMPLE_END,
};

static const struct serve_settings defaults = { .socket = "127.0.0.1:50000", .log_level = LOG_INFO };

const struct opt_verb keyprovider_serve_verb = {
	.name = "keyprovider serve",
	.summary = "serves the key provider attestation-agent",
	.description = "The gRPC service keyprovider.KeyProviderService, with plain HTTP/2. Its parameters "
		       "are "
		       "pairs joined by '::': keypath (a file of 32 bytes, on this machine), keyid "
		       "(kbs:///REPOSITORY/TYPE/TAG, with or without the broker's address, or the path "
		       "alone), "
		       "algorithm (A256GCM, A256CTR), sample (true for the key that everybody knows).\n\n"
		       "Without keypath, the key of keyid in --keys is taken, or a new one is made and "
		       "registered in the key broker; without both the request is refused, as nobody could "
		       "ever "
		       "open the image.\n\n"
		       "Listens on loopback or a unix socket, which its owner alone can use, unless "
		       "--allow-remote is given.",
	.options = options,
	.examples = examples,
	.size = sizeof(struct serve_settings),
	.defaults = &defaults,
	.run = run,
};
