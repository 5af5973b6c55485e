/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/place.h"

#include "base/err.h"
#include "base/span.h"

#include <string.h>

#define NAME_MAX_LEN 255 /* of a repository's whole name, as the reference grammar has it */
#define TAG_MAX_LEN  128

#define DIGITS       "0123456789"
#define LOWER        "abcdefghijklmnopqrstuvwxyz"
#define UPPER        "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

static bool only(struct span text, const char *set)
{
	for (size_t i = 0; i < text.len; i++)
		if (!text.ptr[i] || !strchr(set, text.ptr[i]))
			return false;
	return text.len > 0;
}

static struct span head(struct span text, size_t len)
{
	return span_new(text.ptr, len);
}

static void keep(char *out, struct span text)
{
	if (text.ptr)
		memcpy(out, text.ptr, text.len);
	out[text.len] = '\0';
}

/* ---- docker:// ----------------------------------------------------------------------------------------- */

static bool label_is(struct span label)
{
	return only(label, DIGITS LOWER UPPER "-") && label.ptr[0] != '-' && label.ptr[label.len - 1] != '-';
}

/* A name of labels or an IPv6 address in brackets, and maybe a port. */
static bool host_is(struct span host)
{
	size_t name = host.len && host.ptr[0] == '[' ? span_find(host, ']') + 1 : span_find(host, ':');
	uint64_t port;
	struct span rest, label;

	if (name > host.len || !name)
		return false;
	if (name < host.len &&
			(host.ptr[name] != ':' || !span_number(span_from(host, name + 1), 65535, &port) ||
					!port))
		return false;
	if (host.ptr[0] == '[')
		return only(span_new(host.ptr + 1, name - 2), DIGITS "abcdefABCDEF:");
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

static int read_repository(struct span path, const char *text, struct err *err)
{
	struct span rest = path, part;

	if (path.len && path.ptr[path.len - 1] == '/')
		return err_set(err, ERR_USAGE, "'%s': ends in '/'; the form is docker://HOST/PATH:TAG", text);
	while (span_next(&rest, '/', &part)) {
		if (component_is(part))
			continue;
		return err_set(err, ERR_USAGE,
				"'%s': '%.*s' is no part of a repository's name, which has lower-case "
				"letters "
				"and digits, "
				"joined by '.', '_', '__' or '-'; the form is docker://HOST/PATH:TAG",
				text, SPAN_ARG(part));
	}
	if (!path.len)
		return err_set(err, ERR_USAGE,
				"'%s': names no repository; the form is docker://HOST/PATH:TAG", text);
	return 0;
}

/* Takes "@digest" and ":tag" off the end of *name. */
static int read_version(struct span *name, struct oci_place *out, struct err *err)
{
	size_t at = span_find(*name, '@');

	if (at < name->len) {
		struct span digest = span_from(*name, at + 1);
		if (digest.len < OCI_DIGEST_MAX)
			keep(out->digest, digest);
		if (!oci_digest_is(out->digest))
			return err_set(err, ERR_USAGE,
					"'%s': behind the '@' stands sha256: and 64 lower-case hex digits",
					out->text);
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
		return err_set(err, ERR_USAGE,
				"'%s': a tag has 1 to %d letters, digits, '_', '.' and '-', and begins with "
				"none of the last two",
				out->text, TAG_MAX_LEN);
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

static bool is_hub(struct span host)
{
	return !host.len || span_is(host, "docker.io") || span_is(host, "index.docker.io");
}

static int read_docker(struct span name, struct oci_place *out, struct err *err)
{
	if (!span_starts(name, "//"))
		return err_set(err, ERR_USAGE, "'%s': the form is docker://HOST/PATH:TAG", out->text);
	name = span_from(name, 2);
	if (read_version(&name, out, err) < 0)
		return -1;
	struct span host = cut_host(&name);
	if (host.ptr && !host_is(host))
		return err_set(err, ERR_USAGE,
				"'%s': '%.*s' is no host; the form is docker://HOST[:PORT]/PATH:TAG",
				out->text, SPAN_ARG(host));
	if (read_repository(name, out->text, err) < 0)
		return -1;
	bool library = is_hub(host) && span_find(name, '/') == name.len;
	if (library && name.len == 64 && only(name, DIGITS "abcdef"))
		return err_set(err, ERR_USAGE,
				"'%s': 64 hex digits are an image's id on one machine; name the repository",
				out->text);
	if (is_hub(host))
		host = SPAN_LIT("docker.io");
	if (host.len + 1 + name.len + (library ? 8 : 0) > NAME_MAX_LEN)
		return err_set(err, ERR_USAGE, "'%s': the name has more than %d bytes", out->text,
				NAME_MAX_LEN);
	keep(out->host, host);
	memcpy(out->repository, "library/", 8);
	keep(out->repository + (library ? 8 : 0), name);
	if (!*out->tag && !*out->digest)
		keep(out->tag, SPAN_LIT("latest"));
	return 0;
}

/* ---- files --------------------------------------------------------------------------------------------- */

/* What skopeo takes as a reference: letters and digits, joined by one of "-._:@+" or by "--", in parts by '/'. */
static bool reference_is(struct span text)
{
	bool word = false;

	for (size_t i = 0; i < text.len; i++) {
		struct span c = span_new(text.ptr + i, 1);
		if (only(c, DIGITS LOWER UPPER)) {
			word = true;
			continue;
		}
		if (!word || !only(c, "-._:@+/"))
			return false;
		if (i + 1 < text.len && c.ptr[0] == '-' && text.ptr[i + 1] == '-')
			i++;
		word = false;
	}
	return word;
}

static int read_path(struct span path, const char *form, struct oci_place *out, struct err *err)
{
	if (!path.len)
		return err_set(err, ERR_USAGE, "'%s': names no path; the form is %s", out->text, form);
	keep(out->path, path);
	return 0;
}

static int read_tagged(struct span rest, const char *form, struct oci_place *out, struct err *err)
{
	size_t colon = span_find(rest, ':');
	struct span tag = span_from(rest, colon + 1);

	if (tag.len && !reference_is(tag))
		return err_set(err, ERR_USAGE,
				"'%s': '%.*s' is no tag; the form is %s, and the path ends at the first ':'",
				out->text, SPAN_ARG(tag), form);
	keep(out->tag, tag);
	return read_path(head(rest, colon), form, out, err);
}

int oci_place_parse(const char *text, struct oci_place *out, struct err *err)
{
	struct span all = span_of(text);
	struct oci_place found = { .transport = OCI_DOCKER };

	if (all.len >= sizeof(found.text))
		return err_set(err, ERR_USAGE, "the name of a place has more than %zu bytes",
				sizeof(found.text) - 1);
	keep(found.text, all);
	size_t colon = span_find(all, ':');
	struct span word = colon < all.len ? head(all, colon) : SPAN_NONE, rest = span_from(all, colon + 1);
	int status;
	if (span_is(word, "docker")) {
		status = read_docker(rest, &found, err);
	} else if (span_is(word, "oci")) {
		found.transport = OCI_LAYOUT;
		status = read_tagged(rest, "oci:PATH[:TAG]", &found, err);
	} else if (span_is(word, "oci-archive")) {
		found.transport = OCI_ARCHIVE;
		status = read_tagged(rest, "oci-archive:PATH[:TAG]", &found, err);
	} else if (span_is(word, "dir")) {
		found.transport = OCI_DIR;
		status = read_path(rest, "dir:PATH", &found, err);
	} else {
		return err_set(err, ERR_USAGE,
				"'%s': is no place of an image; use docker://HOST/PATH:TAG, oci:PATH[:TAG], "
				"oci-archive:PATH[:TAG] or dir:PATH",
				found.text);
	}
	if (!status)
		*out = found;
	return status;
}
