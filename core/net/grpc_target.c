/* SPDX-License-Identifier: Apache-2.0 */
#include "net/grpc_own.h"

#include "base/err.h"

#include <string.h>
#include <sys/un.h>

#define FORMS "HOST:PORT, http://HOST:PORT or unix:///PATH"

static int fail(const char *text, struct err *err)
{
	return err_set(err, ERR_USAGE, "'%.200s' is no address of a gRPC server; write " FORMS, text);
}

static int parse_unix(struct span path, const char *text, struct grpc_target *out, struct err *err)
{
	/* with its NUL */
	if (path.len < 2 || path.len >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		return fail(text, err);
	out->is_unix = true;
	memcpy(out->host, path.ptr, path.len);
	out->host[path.len] = '\0';
	return 0;
}

static int parse_host(struct span rest, const char *text, struct grpc_target *out, struct err *err)
{
	size_t colon = rest.len;
	uint64_t port = 0;

	while (colon && rest.ptr[colon - 1] != ':')
		colon--;
	struct span host = span_new(rest.ptr, colon ? colon - 1 : 0), digits = span_from(rest, colon);
	bool brackets = host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']';
	if (brackets)
		host = span_new(host.ptr + 1, host.len - 2);
	if (!host.len || host.len >= sizeof(out->host) || !span_number(digits, 65535, &port) || !port)
		return fail(text, err);
	for (size_t i = 0; i < host.len; i++) {
		char c = host.ptr[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		if (!letter && c != '-' && c != '.' && c != '_' && (!brackets || (c != ':' && c != '%')))
			return fail(text, err);
	}
	out->is_unix = false;
	memcpy(out->host, host.ptr, host.len);
	out->host[host.len] = '\0';
	memcpy(out->port, digits.ptr, digits.len);
	out->port[digits.len] = '\0';
	return 0;
}

int grpc_target_parse(const char *text, struct grpc_target *out, struct err *err)
{
	static const char *const schemes[] = { "http://", "tcp://", "dns:///", "passthrough:///", NULL };
	struct span rest = span_of(text);

	if (span_starts(rest, "unix:///"))
		return parse_unix(span_from(rest, 7), text, out, err);
	if (span_starts(rest, "unix:") && !span_starts(rest, "unix://"))
		return parse_unix(span_from(rest, 5), text, out, err);
	for (size_t i = 0; schemes[i]; i++) {
		if (!span_starts(rest, schemes[i]))
			continue;
		rest = span_from(rest, strlen(schemes[i]));
		break;
	}
	/* what some write behind a URL */
	if (span_ends(rest, "/"))
		rest.len--;
	return parse_host(rest, text, out, err);
}

int grpc_target_check(const char *target, struct err *err)
{
	struct grpc_target scrap;

	return grpc_target_parse(target, &scrap, err);
}
