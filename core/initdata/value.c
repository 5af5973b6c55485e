/* SPDX-License-Identifier: Apache-2.0 */
#include "initdata/value.h"

#include "base/err.h"
#include "codec/json.h"
#include "crypto/cert.h"
#include "initdata/document.h"

#include <string.h>

/* Limits of the agent's policy engine. */
#define POLICY_LINE_MAX   65536
#define POLICY_LINES_MAX  200000

#define CREDENTIAL_FOLDER "/run/confidential-containers/cdh/kbs"

static bool is_among(struct span value, const char *chars)
{
	size_t i;

	for (i = 0; i < value.len; i++)
		if (!value.ptr[i] || !strchr(chars, value.ptr[i]))
			return false;
	return true;
}

#define DIGITS  "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define LOWER   "abcdefghijklmnopqrstuvwxyz"

int value_line(struct span value, struct err *err)
{
	size_t i;

	if (value.len == 0)
		return err_set(err, ERR_FORMAT, "is empty");
	for (i = 0; i < value.len; i++)
		if ((unsigned char)value.ptr[i] < ' ' || value.ptr[i] == 0x7f)
			return err_set(err, ERR_FORMAT, "holds a control character at offset %zu", i);
	return 0;
}

int value_text(struct span value, struct err *err)
{
	if (span_trim(value).len == 0)
		return err_set(err, ERR_FORMAT, "is empty");
	return 0;
}

/* ---- URLs ---- */

static int check_port(struct span port, struct err *err)
{
	uint64_t number;

	if (!span_number(port, 65535, &number) || number == 0)
		return err_set(err, ERR_FORMAT, "port '%.*s' is no number from 1 to 65535", SPAN_ARG(port));
	return 0;
}

/* host, host:port, [v6], [v6]:port */
static int check_authority(struct span authority, struct err *err)
{
	struct span host = authority;
	size_t colon;

	if (authority.len && authority.ptr[0] == '[') {
		size_t end = span_find(authority, ']');

		host = span_new(authority.ptr + 1, end ? end - 1 : 0);
		if (end == authority.len || !host.len || !is_among(host, DIGITS "abcdefABCDEF:."))
			return err_set(err, ERR_FORMAT, "has '%.*s', which is no IPv6 address in brackets",
					SPAN_ARG(authority));
		authority = span_from(authority, end + 1);
		if (!authority.len)
			return 0;
		if (authority.ptr[0] != ':')
			return err_set(err, ERR_FORMAT, "has '%.*s' behind the address", SPAN_ARG(authority));
		return check_port(span_from(authority, 1), err);
	}
	colon = span_find(authority, ':');
	host.len = colon;
	if (!host.len || !is_among(host, LETTERS DIGITS "-._"))
		return err_set(err, ERR_FORMAT, "has '%.*s' where a host name belongs", SPAN_ARG(host));
	return colon < authority.len ? check_port(span_from(authority, colon + 1), err) : 0;
}

int value_url(struct span value, struct err *err)
{
	struct span rest;
	struct span authority;

	if (value_line(value, err) < 0)
		return -1;
	if (span_starts(value, "https://"))
		rest = span_from(value, strlen("https://"));
	else if (span_starts(value, "http://"))
		rest = span_from(value, strlen("http://"));
	else
		return err_set(err, ERR_FORMAT, "must begin with https:// or http://");
	authority = span_new(rest.ptr, span_find(rest, '/'));
	if (span_find(authority, '@') < authority.len)
		return err_set(err, ERR_DENIED, "holds a user name, and init-data is public: leave it out");
	if (span_find(rest, '?') < rest.len || span_find(rest, '#') < rest.len ||
			span_find(rest, ' ') < rest.len)
		return err_set(err, ERR_FORMAT, "must be scheme, host, port and path alone");
	return check_authority(authority, err);
}

int value_kbs_url(struct span value, struct err *err)
{
	if (value_url(value, err) < 0)
		return -1;
	if (memmem(value.ptr, value.len, "::", 2))
		return err_set(err, ERR_FORMAT,
				"holds \"::\", at which the guest splits it: use a host name or an IPv4 "
				"address");
	return 0;
}

/* One part of a resource's name, by the broker's rule. */
static bool is_resource_part(struct span part)
{
	return part.len && part.ptr[0] != '.' && is_among(part, LETTERS DIGITS "-_.");
}

static int check_resource_path(struct span path, bool resource, struct err *err)
{
	struct span rest = path, part;
	size_t parts = 0;

	while (span_next(&rest, '/', &part)) {
		parts++;
		if (part.len == 0)
			return err_set(err, ERR_DENIED, "has an empty part in its path");
		if (span_is(part, ".") || span_is(part, ".."))
			return err_set(err, ERR_DENIED,
					"has a '%.*s' in its path, which the guest resolves: write it out",
					SPAN_ARG(part));
		if (resource ? !is_resource_part(part) : !is_among(part, LETTERS DIGITS "-_.~%"))
			return err_set(err, ERR_DENIED,
					"part '%.*s' of its path is not made of letters, digits, '_', '-' "
					"and '.'",
					SPAN_ARG(part));
	}
	if (resource && parts != 3)
		return err_set(err, ERR_DENIED,
				"has %zu parts in its path, the key broker wants repository, type and tag",
				parts);
	if (!parts)
		return err_set(err, ERR_DENIED, "names nothing in its path");
	return 0;
}

/* The plugin's name; false for what the guest does not take as a kbs URI. */
static bool kbs_plugin(struct span scheme, struct span *plugin)
{
	if (span_is(scheme, "kbs")) {
		*plugin = SPAN_LIT("resource");
		return true;
	}
	*plugin = span_from(scheme, strlen("kbs+"));
	return span_starts(scheme, "kbs+") && plugin->len && is_among(*plugin, LOWER DIGITS "+-.");
}

int value_kbs_uri(struct span value, struct err *err)
{
	struct span plugin, rest, authority, path;
	size_t colon = span_find(value, ':');

	if (value_line(value, err) < 0)
		return -1;
	rest = span_from(value, colon);
	if (!kbs_plugin(span_new(value.ptr, colon), &plugin) || !span_starts(rest, "://"))
		return err_set(err, ERR_FORMAT,
				"must be kbs:///<repository>/<type>/<tag>, or kbs+<plugin>:///<path>");
	rest = span_from(rest, strlen("://"));
	authority = span_new(rest.ptr, span_find(rest, '/'));
	path = span_from(rest, authority.len + 1);
	if (authority.len == rest.len)
		return err_set(err, ERR_FORMAT,
				"has no path: write kbs:///<repository>/<type>/<tag>, with three "
				"slashes");
	if (authority.len && check_authority(authority, err) < 0)
		return -1;
	if (span_find(path, '#') < path.len)
		return err_set(err, ERR_DENIED, "has a fragment, which the guest drops");
	if (span_find(path, '?') < path.len) {
		if (span_is(plugin, "resource"))
			return err_set(err, ERR_DENIED, "has a query, which a resource does not take");
		path.len = span_find(path, '?');
	}
	return check_resource_path(path, span_is(plugin, "resource"), err);
}

/* ---- paths ---- */

int value_path(struct span value, struct err *err)
{
	struct span rest = value, part;

	if (value_line(value, err) < 0)
		return -1;
	if (value.ptr[0] != '/')
		return err_set(err, ERR_FORMAT, "must be an absolute path");
	while (span_next(&rest, '/', &part))
		if (span_is(part, ".") || span_is(part, ".."))
			return err_set(err, ERR_FORMAT, "has a '%.*s' part: write the path out",
					SPAN_ARG(part));
	return 0;
}

int value_credential_path(struct span value, struct err *err)
{
	if (value_path(value, err) < 0)
		return -1;
	if (!span_starts(value, CREDENTIAL_FOLDER))
		return err_set(err, ERR_FORMAT, "must lie below " CREDENTIAL_FOLDER "/");
	if (!span_starts(value, CREDENTIAL_FOLDER "/") || span_ends(value, "/"))
		return err_set(err, ERR_DENIED, "is no file below " CREDENTIAL_FOLDER "/");
	return 0;
}

int value_location(struct span value, struct err *err)
{
	if (value_line(value, err) < 0)
		return -1;
	if (span_starts(value, "kbs:") || span_starts(value, "kbs+"))
		return value_kbs_uri(value, err);
	if (span_starts(value, "file://"))
		return value_path(span_from(value, strlen("file://")), err);
	if (value.ptr[0] == '/')
		return value_path(value, err);
	return err_set(err, ERR_FORMAT, "must be a kbs:/// URI, file:// and a path, or an absolute path");
}

int value_socket(struct span value, struct err *err)
{
	if (value_line(value, err) < 0)
		return -1;
	if (!span_starts(value, "unix://"))
		return err_set(err, ERR_FORMAT, "must begin with unix://");
	return value_path(span_from(value, strlen("unix://")), err);
}

/* ---- words ---- */

static bool is_word(struct span value, const char *const *words)
{
	for (; *words; words++)
		if (span_is(value, *words))
			return true;
	return false;
}

int value_kbc_name(struct span value, struct err *err)
{
	static const char *const names[] = { "cc_kbc", "offline_fs_kbc", NULL };

	if (!is_word(value, names))
		return err_set(err, ERR_FORMAT, "'%.*s' is neither cc_kbc nor offline_fs_kbc",
				SPAN_ARG(value));
	return 0;
}

int value_key_algorithm(struct span value, struct err *err)
{
	static const char *const names[] = { "ECDH-ES+A256KW-P256", "ECDH-ES+A256KW-P521", "RSA-OAEP-256",
		NULL };

	if (is_word(value, names))
		return 0;
	if (span_is(value, "ML-KEM-768+A192KW"))
		return err_set(err, ERR_DENIED, "'ML-KEM-768+A192KW' is known to experimental guests alone");
	return err_set(err, ERR_FORMAT,
			"'%.*s' is none of ECDH-ES+A256KW-P256, ECDH-ES+A256KW-P521, RSA-OAEP-256",
			SPAN_ARG(value));
}

int value_log_level(struct span value, struct err *err)
{
	static const char *const levels[] = { "trace", "debug", "info", "warn", "error", "off", NULL };
	struct span rest = value, part;

	if (value_line(value, err) < 0)
		return -1;
	while (span_next(&rest, ',', &part)) {
		size_t equals = span_find(part, '=');

		if (!is_word(equals < part.len ? span_from(part, equals + 1) : part, levels))
			return err_set(err, ERR_DENIED,
					"'%.*s' does not end in one of trace, debug, info, warn, error, off",
					SPAN_ARG(part));
	}
	return 0;
}

/* ---- documents ---- */

int value_certificates(struct span value, struct err *err)
{
	auto_cert_list struct cert_list *list = NULL;

	if (cert_list_parse(value, &list, err) < 0)
		return err_wrap(err, "cannot be taken");
	return 0;
}

static int check_requirements(const char *where, const json_t *requirements, struct err *err)
{
	static const char *const types[] = { "insecureAcceptAnything", "reject", "signedBy", "sigstoreSigned",
		NULL };
	const json_t *requirement;
	size_t i;

	if (!json_is_array(requirements))
		return err_set(err, ERR_FORMAT, "%.200s must be an array of requirements", where);
	json_array_foreach (requirements, i, requirement) {
		const char *type = json_string_value(json_object_get(requirement, "type"));

		if (!type || !is_word(span_of(type), types))
			return err_set(err, ERR_FORMAT,
					"%.200s[%zu].type is none of insecureAcceptAnything, reject, "
					"signedBy, sigstoreSigned",
					where, i);
	}
	return 0;
}

int value_image_policy(struct span value, struct err *err)
{
	auto_json json_t *policy = NULL;
	json_t *transports, *scopes, *requirements;
	const char *transport, *scope;

	if (json_read(value, INITDATA_TEXT_MAX, &policy, err) < 0)
		return err_wrap(err, "cannot be taken");
	if (!json_is_object(policy))
		return err_set(err, ERR_FORMAT, "must be a JSON object");
	if (check_requirements("default", json_object_get(policy, "default"), err) < 0)
		return -1;
	transports = json_object_get(policy, "transports");
	if (!json_is_object(transports))
		return err_set(err, ERR_FORMAT, "lacks transports: the guest demands it, {} is enough");
	json_object_foreach (transports, transport, scopes) {
		if (!json_is_object(scopes))
			return err_set(err, ERR_FORMAT, "transports.%.80s must be an object", transport);
		json_object_foreach (scopes, scope, requirements)
			if (check_requirements(scope, requirements, err) < 0)
				return err_wrap(err, "transports.%.80s", transport);
	}
	return 0;
}

int value_policy(struct span value, struct err *err)
{
	struct span rest = value, line;
	size_t count = 0;

	if (value_text(value, err) < 0)
		return -1;
	rest.len -= span_ends(value, "\n");
	while (span_next(&rest, '\n', &line)) {
		count++;
		if (line.len > POLICY_LINE_MAX)
			return err_set(err, ERR_FORMAT,
					"line %zu has %zu bytes, the agent's policy engine reads %d: break "
					"it",
					count, line.len, POLICY_LINE_MAX);
	}
	if (count > POLICY_LINES_MAX)
		return err_set(err, ERR_FORMAT, "has %zu lines, the agent's policy engine reads %d", count,
				POLICY_LINES_MAX);
	return 0;
}
