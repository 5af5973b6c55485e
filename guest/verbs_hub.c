/* SPDX-License-Identifier: Apache-2.0 */
/* guest get-resource, unseal, unwrap-key, secure-mount: what the hub does, asked for from the shell. */
#include "base/buf.h"
#include "base/err.h"
#include "codec/json.h"
#include "codec/pb.h"
#include "guest/client.h"
#include "guest/mount.h"
#include "guest/settings.h"
#include "guest/verbs.h"
#include "image/provider.h"
#include "net/ttrpc.h"

#include <string.h>

#define INPUT_MAX ((size_t)1024 * 1024)

struct hub_settings {
	struct client_options client;
	struct settings_options settings;
	bool in_process;
	const char *what; /* URI or file */
};

static const struct client_options *client_of(struct hub_settings *settings)
{
	settings->client.here = settings->in_process ? &settings->settings : NULL;
	return &settings->client;
}

/* One field, number 1, is all that the message holds. */
static int ask(struct hub_settings *settings, const char *path, struct span field, struct err *err)
{
	auto_buf struct buf message = BUF_MAX(INPUT_MAX + PB_HEAD_MAX);

	pb_put_bytes(&message, 1, field);
	if (buf_check(&message, "the request", err) < 0)
		return -1;
	return client_print(client_of(settings), CLIENT_HUB, path, buf_span(&message), err);
}

static int ask_with_file(struct hub_settings *settings, const char *path, struct err *err)
{
	auto_buf struct buf text = BUF_MAX(INPUT_MAX);

	if (client_read(settings->what, &text, err) < 0)
		return -1;
	return ask(settings, path, buf_span(&text), err);
}

static int get_resource(void *given, struct err *err)
{
	struct hub_settings *settings = given;

	return ask(settings, "/api.GetResourceService/GetResource", span_of(settings->what), err);
}

static int unseal(void *given, struct err *err)
{
	return ask_with_file(given, "/api.SealedSecretService/UnsealSecret", err);
}

static int unwrap_key(void *given, struct err *err)
{
	return ask_with_file(given, PROVIDER_GRPC_UNWRAP, err);
}

static void put_entry(struct buf *message, const char *key, const char *value)
{
	auto_buf struct buf entry = BUF_MAX(INPUT_MAX);

	pb_put_bytes(&entry, 1, span_of(key));
	pb_put_bytes(&entry, 2, span_of(value));
	pb_put_bytes(message, 2, buf_span(&entry));
}

static int secure_mount(void *given, struct err *err)
{
	struct hub_settings *settings = given;
	auto_buf struct buf text = BUF_MAX(INPUT_MAX), message = BUF_MAX(2 * INPUT_MAX),
			    answer = BUF_MAX(1024);
	auto_json json_t *doc = NULL;
	struct mount_request request = { .volume_type = NULL };
	const char *key = NULL;
	json_t *value = NULL;

	if (client_read(settings->what, &text, err) < 0 ||
			json_read(buf_span(&text), INPUT_MAX, &doc, err) < 0 ||
			mount_request_parse(doc, &request, err) < 0)
		return err_wrap(err, "the request");
	pb_put_bytes(&message, 1, span_of(request.volume_type));
	json_object_foreach (json_object_get(doc, "options"), key, value)
		put_entry(&message, key, json_string_value(value));
	pb_put_bytes(&message, 4, span_of(request.mount_point));
	if (buf_check(&message, "the request", err) < 0)
		return -1;
	return client_call(client_of(settings), CLIENT_HUB, "/api.SecureMountService/SecureMount",
			buf_span(&message), &answer, err);
}

/* ---- tables -------------------------------------------------------------------------------------------- */

#define IN_PROCESS                                                                                   \
	OPT_FLAG(struct hub_settings, in_process, "in-process", 0,                                   \
			"without a daemon: with the options below, as serve would be started with"), \
			SETTINGS_OPTIONS(struct hub_settings)

static const struct opt options[] = {
	CLIENT_SOCKET_OPTIONS(struct hub_settings),
	CLIENT_OUTPUT_OPTION(struct hub_settings),
	IN_PROCESS,
	OPT_END,
};

static const struct opt mount_options[] = {
	CLIENT_SOCKET_OPTIONS(struct hub_settings),
	IN_PROCESS,
	OPT_END,
};

static const struct opt_arg uri_args[] = {
	OPT_ONE(struct hub_settings, what, "URI", "kbs:///REPOSITORY/TYPE/TAG, or kbs+PLUGIN:///PATH"),
	OPT_ARG_END,
};

static const struct opt_arg file_args[] = {
	OPT_MAYBE(struct hub_settings, what, "FILE",
			"what is asked about; standard input without it, or for -"),
	OPT_ARG_END,
};

static const struct hub_settings defaults = { .client = { .timeout = CLIENT_TIMEOUT } };

const struct opt_verb get_resource_verb = {
	.name = "get-resource",
	.summary = "fetches a resource of the key broker",
	.description = "Prints the resource as one line of base64, or as --output says.",
	.options = options,
	.args = uri_args,
	.size = sizeof(struct hub_settings),
	.defaults = &defaults,
	.run = get_resource,
};

static const struct opt_example unseal_examples[] = {
	{ "what a pod of this guest would see", "cocoon-guest unseal --output raw sealed.txt" },
	{ "without a daemon, with keys from a file",
			"cocoon-guest unseal --in-process --resources store.json sealed.txt" },
	OPT_EXAMPLE_END,
};

const struct opt_verb unseal_verb = {
	.name = "unseal",
	.summary = "opens a sealed secret",
	.description = "The file's bytes are taken as they are, as a guest takes those of a mounted file: a "
		       "newline at "
		       "the end makes the signature wrong.",
	.options = options,
	.args = file_args,
	.examples = unseal_examples,
	.size = sizeof(struct hub_settings),
	.defaults = &defaults,
	.run = unseal,
};

const struct opt_verb unwrap_key_verb = {
	.name = "unwrap-key",
	.summary = "unwraps the key of an encrypted image layer",
	.description = "The file holds the JSON of ocicrypt's key provider protocol, "
		       "{\"op\":\"keyunwrap\",\"keywrapparams\":{},\"keyunwrapparams\":{\"annotation\":…}}; "
		       "the "
		       "answer is JSON, too.",
	.options = options,
	.args = file_args,
	.size = sizeof(struct hub_settings),
	.defaults = &defaults,
	.run = unwrap_key,
};

const struct opt_verb secure_mount_verb = {
	.name = "secure-mount",
	.summary = "mounts a volume that this guest alone can read",
	.description = "The file holds JSON: {\"volume_type\":\"block-device\",\"options\":{…},\"flags\":[],"
		       "\"mount_point\":\"/PATH\"}.",
	.options = mount_options,
	.args = file_args,
	.size = sizeof(struct hub_settings),
	.defaults = &defaults,
	.run = secure_mount,
};
