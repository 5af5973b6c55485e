/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One call to the daemon, for the commands that are its clients; or, in process, to the same methods without a daemon,
 * which is what the ecosystem calls a one-shot.
 *
 * Bounds: TTRPC_DATA_MAX. Errors: those of net/ttrpc_client.h; in process, the reason itself, which a daemon keeps for its
 * log.
 */
#ifndef COCOON_GUEST_CLIENT_H
#define COCOON_GUEST_CLIENT_H

#include "base/opt.h"
#include "base/span.h"

struct buf;
struct err;
struct settings_options;

enum client_output { CLIENT_BASE64, CLIENT_RAW, CLIENT_JSON };
extern const char *const client_output_words[];

/* The first fields of the settings of each such command. */
struct client_options {
	const char *socket;
	int64_t timeout; /* seconds */
	int output;
	const struct settings_options *here; /* in process, with these; NULL: of the daemon */
};

#define CLIENT_TIMEOUT 50

#define CLIENT_SOCKET_OPTIONS(structure)                                                                    \
	OPT_TEXT(structure, client.socket, "socket", 's', "ADDRESS",                                        \
			"the daemon's socket, unix:///PATH; the one that guests know without this option"), \
			OPT_INT(structure, client.timeout, "timeout", 't', "SECONDS", 1, 3600,              \
					"how long to wait for the answer; 50 without this option")
#define CLIENT_OUTPUT_OPTION(structure)                                                        \
	OPT_ENUM(structure, client.output, "output", 'o', "FORM",                              \
			"base64; raw: the bytes as they are; json: {\"result\":\"<base64>\"}", \
			client_output_words)

/* Where the call goes: package attestation_agent, or one of the hub's. */
enum client_service { CLIENT_AGENT, CLIENT_HUB };

/* Appends the answer's payload. path: "/package.Service/Method". */
int client_call(const struct client_options *options, enum client_service service, const char *path,
		struct span message, struct buf *answer, struct err *err)
		__attribute__((nonnull(1, 3, 5), warn_unused_result));

/* The same for an answer of one field of bytes, which is printed as the options say. */
int client_print(const struct client_options *options, enum client_service service, const char *path,
		struct span message, struct err *err) __attribute__((nonnull(1, 3), warn_unused_result));

/* Appends a file; standard input for NULL and "-". */
int client_read(const char *file, struct buf *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

#endif
