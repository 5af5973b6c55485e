/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/name.h"

#include "base/err.h"
#include "oci/place.h"
#include "oci/words_own.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define NAME_MAX_LEN 255 /* of host and repository together, as the reference grammar has it */
#define TAG_MAX_LEN  128
#define SHOWN        200 /* bytes of a text in an error */

/* ---- the grammar ---------------------------------------------------------------------------------------- */

static bool label_is(struct span label)
{
	return only(label, DIGITS LOWER UPPER "-") && label.ptr[0] != '-' && label.ptr[label.len - 1] != '-';
}

/* Where the port's ':' stands; host.len when there is none. */
static size_t host_end(struct span host)
{
	size_t close = host.len && host.ptr[0] == '[' ? span_find(host, ']') : 0;

	return close + span_find(span_from(host, close), ':');
}

/* A name of labels or an IPv6 address in brackets, and maybe a port. */
static bool host_is(struct span host)
{
	size_t name = host_end(host);
	uint64_t port;
	struct span rest, label;

	if (!name || (name < host.len && (!span_number(span_from(host, name + 1), 65535, &port) || !port)))
		return false;
	if (host.ptr[0] == '[')
		return host.ptr[name - 1] == ']' &&
				only(span_new(host.ptr + 1, name - 2), DIGITS "abcdefABCDEF:");
	rest = head(host, name);
	if (rest.ptr[rest.len - 1] == '.')
		return false;
	while (span_next(&rest, '.', &label))
		if (!label_is(label))
			return false;
	return true;
}

/* One part of a path: runs of letters and digits, joined by ".", "_", "__" or dashes. */
static bool component_is(struct span text)
{
	size_t at = 0;

	while (at < text.len) {
		size_t word = at, joint;
		while (at < text.len && only(span_new(text.ptr + at, 1), DIGITS LOWER))
			at++;
		if (at == word)
			return false;
		if (at == text.len)
			return true;
		joint = at;
		while (at < text.len && text.ptr[at] == text.ptr[joint])
			at++;
		if (!strchr("._-", text.ptr[joint]) || (text.ptr[joint] == '.' && at - joint > 1) ||
				(text.ptr[joint] == '_' && at - joint > 2))
			return false;
	}
	return false;
}

static int read_repository(struct span path, struct err *err)
{
	struct span rest = path, part;

	if (path.len && path.ptr[path.len - 1] == '/')
		return err_set(err, ERR_FORMAT, "ends in '/'");
	while (span_next(&rest, '/', &part))
		if (!component_is(part))
			return err_set(err, ERR_FORMAT,
					"'%.*s' is no part of a repository's name, which has lower-case "
					"letters and digits, joined by '.', '_', '__' or '-'",
					SPAN_ARG(part));
	return path.len ? 0 : err_set(err, ERR_FORMAT, "names no repository");
}

/* Takes "@digest" and ":tag" off the end of *name. */
static int read_version(struct span *name, struct oci_name *out, struct err *err)
{
	size_t at = span_find(*name, '@');

	if (at < name->len) {
		struct span digest = span_from(*name, at + 1);
		if (digest.len < OCI_DIGEST_MAX)
			keep(out->digest, digest);
		if (!oci_digest_is(out->digest))
			return err_set(err, ERR_FORMAT,
					"behind the '@' stands sha256: and 64 lower-case hex digits");
		*name = head(*name, at);
	}
	for (at = name->len; at > 0 && name->ptr[at - 1] != ':' && name->ptr[at - 1] != '/';)
		at--;
	/* a colon in the last part of the path; one further left belongs to a port */
	if (at == 0 || name->ptr[at - 1] != ':')
		return 0;
	struct span tag = span_from(*name, at);
	if (!only(tag, DIGITS LOWER UPPER "_.-") || tag.ptr[0] == '.' || tag.ptr[0] == '-' ||
			tag.len > TAG_MAX_LEN)
		return err_set(err, ERR_FORMAT,
				"a tag has 1 to %d letters, digits, '_', '.' and '-', and begins with none "
				"of the last two",
				TAG_MAX_LEN);
	keep(out->tag, tag);
	*name = head(*name, at - 1);
	return 0;
}

/* The first part of a name is a host when it could be nothing else. */
static struct span cut_host(struct span *name)
{
	size_t slash = span_find(*name, '/');
	struct span first = head(*name, slash);

	if (slash == name->len ||
			(span_find(first, '.') == slash && span_find(first, ':') == slash &&
					!span_is(first, "localhost")))
		return SPAN_NONE;
	*name = span_from(*name, slash + 1);
	return first;
}

int oci_name_split(struct span text, struct oci_name *out, struct err *err)
{
	struct oci_name found = { .tag = "" };
	struct span name = text;

	if (read_version(&name, &found, err) < 0)
		return -1;
	struct span host = cut_host(&name);
	if (host.ptr && !host_is(host))
		return err_set(err, ERR_FORMAT, "'%.*s' is no host", SPAN_ARG(host));
	if (read_repository(name, err) < 0)
		return -1;
	if (!host.ptr && name.len == 64 && only(name, DIGITS "abcdef"))
		return err_set(err, ERR_FORMAT,
				"64 hex digits are an image's id on one machine; name the repository");
	if (host.len + 1 + name.len > NAME_MAX_LEN)
		return err_set(err, ERR_LIMIT, "the name has more than %d bytes", NAME_MAX_LEN);
	keep(found.host, host);
	keep(found.repository, name);
	*out = found;
	return 0;
}

int oci_name_complete(struct oci_name *name, struct err *err)
{
	static const char *const hub[] = { "", "index.docker.io", OCI_HUB_ENDPOINT };

	for (size_t i = 0; i < sizeof(hub) / sizeof(hub[0]); i++)
		if (!strcmp(name->host, hub[i]))
			keep(name->host, SPAN_LIT(OCI_HUB));
	bool library = !strcmp(name->host, OCI_HUB) && !strchr(name->repository, '/');
	size_t len = strlen(name->repository), more = library ? strlen(OCI_LIBRARY) : 0;
	if (strlen(name->host) + 1 + len + more > NAME_MAX_LEN)
		return err_set(err, ERR_LIMIT, "the name has more than %d bytes", NAME_MAX_LEN);
	memmove(name->repository + more, name->repository, len + 1);
	memcpy(name->repository, OCI_LIBRARY, more);
	name->default_tag = !name->tag[0] && !name->digest[0];
	if (name->default_tag)
		keep(name->tag, SPAN_LIT("latest"));
	return 0;
}

/* ---- the normal form ------------------------------------------------------------------------------------ */

/* One text for each address: 0:0::1 is ::1. An IPv4 address inside would be a second name for that one. */
static int fold_ipv6(char *host, size_t end, struct err *err)
{
	char text[256], port[8];
	struct in6_addr address;

	keep(text, span_new(host + 1, end - 2));
	snprintf(port, sizeof(port), "%.7s", host + end);
	if (inet_pton(AF_INET6, text, &address) != 1)
		return err_set(err, ERR_FORMAT, "'[%s]' is no IPv6 address", text);
	char shown[INET6_ADDRSTRLEN] = "";
	(void)inet_ntop(AF_INET6, &address, shown, sizeof(shown));
	if (strchr(shown, '.'))
		return err_set(err, ERR_FORMAT, "'[%s]' is an IPv4 address; write that one", text);
	snprintf(host, 256, "[%s]%s", shown, port);
	return 0;
}

/* "10.1", "0x7f.0.0.1" and "010.0.0.1" are addresses to those who connect: one text for each. */
static int check_ipv4(struct span host, struct err *err)
{
	char text[256], shown[INET_ADDRSTRLEN] = "";
	struct in_addr address;

	keep(text, host);
	size_t dot = host.len;
	while (dot && host.ptr[dot - 1] != '.')
		dot--;
	struct span last = span_from(host, dot);
	if (!only(last, DIGITS) && !(span_starts(last, "0x") && only(last, DIGITS "abcdefx")))
		return 0;
	if (inet_pton(AF_INET, text, &address) == 1 && inet_ntop(AF_INET, &address, shown, sizeof(shown)) &&
			!strcmp(shown, text))
		return 0;
	return err_set(err, ERR_FORMAT, "'%.*s' is no host: an IPv4 address has four decimal numbers",
			SPAN_ARG(host));
}

/* Would be taken for the repository's first part without its port. */
static bool needs_port(struct span host)
{
	return host.ptr[0] != '[' && span_find(host, '.') == host.len && !span_is(host, "localhost");
}

static int fold_host(struct oci_name *name, struct err *err)
{
	char *host = name->host;

	for (size_t i = 0; host[i]; i++)
		if (host[i] >= 'A' && host[i] <= 'Z')
			host[i] = (char)(host[i] - 'A' + 'a');
	size_t end = host_end(span_of(host));
	if (!strcmp(host + end, ":443") && !needs_port(span_new(host, end)))
		host[end] = '\0';
	if (host[0] == '[')
		return fold_ipv6(host, end, err);
	return host[0] ? check_ipv4(span_new(host, end), err) : 0;
}

static int parse(struct span text, struct oci_name *out, struct err *err)
{
	if (text.len >= OCI_NAME_MAX)
		return err_set(err, ERR_LIMIT, "has more than %d bytes", OCI_NAME_MAX - 1);
	if (oci_name_split(text, out, err) < 0)
		return -1;
	/* what a runtime would look for among its own images first */
	if (!out->host[0] && (!strcmp(out->repository, "sha256") || !strcmp(out->repository, "sha512")) &&
			out->tag[0])
		return err_set(err, ERR_FORMAT, "is a digest without a repository; the form is HOST/PATH@%s",
				out->repository);
	return fold_host(out, err) < 0 ? -1 : oci_name_complete(out, err);
}

int oci_name_parse(const char *text, struct oci_name *out, struct err *err)
{
	struct oci_name found = { .tag = "" };

	if (parse(span_of(text), &found, err) < 0)
		return err_wrap(err, "the image's name '%.*s'", SHOWN, text);
	*out = found;
	return 0;
}

void oci_name_format(const struct oci_name *name, char out[static OCI_NAME_MAX])
{
	snprintf(out, OCI_NAME_MAX, "%s/%s%s%s%s%s", name->host, name->repository, name->tag[0] ? ":" : "",
			name->tag, name->digest[0] ? "@" : "", name->digest);
}

int oci_name_place(const struct oci_name *name, struct oci_place *out, struct err *err)
{
	static const char scheme[] = "docker://";
	char text[sizeof(scheme) + OCI_NAME_MAX] = "docker://";

	oci_name_format(name, text + sizeof(scheme) - 1);
	return oci_place_parse(text, out, err);
}
