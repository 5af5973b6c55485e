/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/client.h"

#include "base/alloc.h"
#include "base/b64.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/own.h"
#include "codec/pb.h"
#include "guest/services.h"
#include "guest/settings.h"
#include "net/ttrpc.h"
#include "net/ttrpc_client.h"

#include <string.h>
#include <unistd.h>

const char *const client_output_words[] = { "base64", "raw", "json", NULL };

/* ---- calls --------------------------------------------------------------------------------------------- */

static int call_daemon(const struct client_options *options, enum client_service service, const char *path,
		struct span message, struct buf *answer, struct err *err)
{
	const char *slash = strrchr(path, '/');
	auto_free char *name = xmemdup0(path + 1, (size_t)(slash - path) - 1);
	const struct ttrpc_call call = { .target = options->socket ? options->socket
				: service == CLIENT_AGENT          ? SETTINGS_AGENT_SOCKET
								   : SETTINGS_HUB_SOCKET,
		.service = name,
		.method = slash + 1,
		.message = message,
		.timeout = (int)options->timeout * 1000 };

	return ttrpc_call(&call, answer, err);
}

static int call_here(const struct settings_options *options, const char *path, struct span message,
		struct buf *answer, struct err *err)
{
	auto_settings struct settings parts = SETTINGS_NONE;
	const struct grpc_method *method = services_hub;

	if (settings_process(err) < 0 || settings_load(options, &parts, err) < 0 ||
			settings_open(options, &parts, err) < 0)
		return -1;
	struct services services = {
		.hub = parts.hub, .agent = parts.agent, .can_mount = geteuid() == 0, .frank = true
	};
	while (method->path && strcmp(method->path, path) != 0)
		method++;
	if (!method->path)
		return err_set(err, ERR_BUG, "no method '%s'", path);
	return method->handle(&services, message, answer, err) == GRPC_OK ? 0 : -1;
}

int client_call(const struct client_options *options, enum client_service service, const char *path,
		struct span message, struct buf *answer, struct err *err)
{
	if (options->here)
		return call_here(options->here, path, message, answer, err);
	return call_daemon(options, service, path, message, answer, err);
}

/* ---- files and output ---------------------------------------------------------------------------------- */

int client_read(const char *file, struct buf *out, struct err *err)
{
	return !file || !strcmp(file, "-") ? fs_read_stdin(out, err) : fs_read(file, out, err);
}

static int print(enum client_output form, struct span bytes, struct err *err)
{
	auto_wiped_buf struct buf text = BUF_MAX(2 * TTRPC_DATA_MAX);

	(void)buf_room(&text, b64_encoded_len(bytes.len) + 64);
	if (form == CLIENT_RAW)
		return fs_write_fd(STDOUT_FILENO, "standard output", bytes, err);
	if (form == CLIENT_JSON)
		buf_puts(&text, "{\"result\":\"");
	b64_encode(&text, bytes);
	buf_puts(&text, form == CLIENT_JSON ? "\"}\n" : "\n");
	return fs_write_fd(STDOUT_FILENO, "standard output", buf_span(&text), err);
}

int client_print(const struct client_options *options, enum client_service service, const char *path,
		struct span message, struct err *err)
{
	auto_wiped_buf struct buf answer = BUF_MAX(TTRPC_DATA_MAX);
	struct span bytes = SPAN_NONE;

	(void)buf_room(&answer, TTRPC_DATA_MAX);
	if (client_call(options, service, path, message, &answer, err) < 0)
		return -1;
	if (pb_find_bytes(buf_span(&answer), 1, &bytes, err) < 0)
		return err_wrap(err, "the daemon's answer");
	return print((enum client_output)options->output, bytes, err);
}
