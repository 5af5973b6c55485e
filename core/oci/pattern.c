/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns of images' names (oci/name.h). */
#include "base/err.h"
#include "oci/name.h"

#include <stdio.h>
#include <string.h>

/* ---- is it one? ----------------------------------------------------------------------------------------- */

static bool has_wildcard(struct span text)
{
	return span_find(text, '*') < text.len || span_find(text, '?') < text.len;
}

static bool has_deep(const char *text)
{
	return strstr(text, "**");
}

/* What no name has, so that the pattern would silently match nothing. */
static int check_form(const char *pattern, struct err *err)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789._-/:[]*?";
	size_t len = strlen(pattern), good = strspn(pattern, allowed);

	if (!len)
		return err_set(err, ERR_FORMAT, "is empty; '**' matches all images");
	if (len > OCI_PATTERN_MAX)
		return err_set(err, ERR_LIMIT, "has more than %d bytes", OCI_PATTERN_MAX);
	if (pattern[good] >= 'A' && pattern[good] <= 'Z')
		return err_set(err, ERR_FORMAT, "has upper-case letters, and names have none");
	if (pattern[good] == '@')
		return err_set(err, ERR_FORMAT, "has a digest; patterns are about HOST/REPOSITORY alone");
	if (pattern[good])
		return err_set(err, ERR_FORMAT, "has a character that no name has, at byte %zu", good + 1);
	if (strstr(pattern, "***"))
		return err_set(err, ERR_FORMAT, "has '***'; '**' stands for anything");
	if (strstr(pattern, "//") || pattern[0] == '/' || pattern[len - 1] == '/')
		return err_set(err, ERR_FORMAT, "has an empty part; no name has one");
	return 0;
}

/* Written as nobody's normal form is. */
static int check_host(struct span host, struct err *err)
{
	static const char *const aliases[] = { "index.docker.io", OCI_HUB_ENDPOINT };

	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
		if (span_is(host, aliases[i]))
			return err_set(err, ERR_FORMAT, "names '%s', which is " OCI_HUB " here", aliases[i]);
	struct span name = span_new(host.ptr, span_find(host, ':'));
	bool dotless = span_find(name, '.') == name.len && !span_is(name, "localhost") && name.ptr[0] != '[';
	if (span_ends(host, ":443") && !dotless)
		return err_set(err, ERR_FORMAT, "names the port 443, which names leave out");
	if (has_wildcard(host) || span_find(host, '.') < host.len || span_find(host, ':') < host.len ||
			span_is(host, "localhost"))
		return 0;
	return err_set(err, ERR_FORMAT,
			"begins with no host; the form is HOST/REPOSITORY, as in '" OCI_HUB
			"/library/nginx'");
}

static int check(const char *pattern, struct err *err)
{
	struct span host = span_of(pattern);
	const char *path = strchr(pattern, '/');

	if (check_form(pattern, err) < 0)
		return -1;
	if (!path)
		return has_deep(pattern) ? 0
					 : err_set(err, ERR_FORMAT,
							   "has no '/', and every name has one; the form is "
							   "HOST/REPOSITORY, and HOST/** for all of a host");
	host.len = (size_t)(path - pattern);
	if (check_host(host, err) < 0)
		return -1;
	if (strchr(path, ':'))
		return err_set(err, ERR_FORMAT, "has a tag; patterns are about HOST/REPOSITORY alone");
	if (span_is(host, OCI_HUB) && !strchr(path + 1, '/') && !has_deep(path))
		return err_set(err, ERR_FORMAT,
				"matches nothing: images of " OCI_HUB " without a team are below " OCI_HUB
				"/" OCI_LIBRARY);
	return 0;
}

int oci_pattern_check(const char *pattern, struct err *err)
{
	return check(pattern, err) < 0 ? err_wrap(err, "the pattern '%.200s'", pattern) : 0;
}

/* ---- does it fit? --------------------------------------------------------------------------------------- */

/* Which places of the pattern may come next; all of them are followed at once, so nothing is tried twice. */
struct places {
	bool at[OCI_PATTERN_MAX + 1];
};

/* Also what follows a run of wildcards that stand for nothing. */
static void mark(struct places *places, const char *pattern, size_t at)
{
	places->at[at] = true;
	while (pattern[at] == '*') {
		at += pattern[at + 1] == '*' ? 2 : 1;
		places->at[at] = true;
	}
}

static void step(const struct places *now, const char *pattern, size_t len, char c, struct places *next)
{
	memset(next->at, 0, len + 1);
	for (size_t i = 0; i < len; i++) {
		if (!now->at[i])
			continue;
		if (pattern[i] == '*') {
			if (pattern[i + 1] == '*' || c != '/')
				mark(next, pattern, i);
		} else if (pattern[i] == c || (pattern[i] == '?' && c != '/')) {
			mark(next, pattern, i + 1);
		}
	}
}

bool oci_pattern_matches(const char *pattern, const struct oci_name *name)
{
	char text[sizeof(name->host) + sizeof(name->repository)];
	struct places places[2] = { { { false } }, { { false } } };
	size_t len = strlen(pattern), turn = 0;

	if (len > OCI_PATTERN_MAX)
		return false;
	snprintf(text, sizeof(text), "%s/%s", name->host, name->repository);
	mark(&places[0], pattern, 0);
	for (size_t i = 0; text[i]; i++, turn = !turn)
		step(&places[turn], pattern, len, text[i], &places[!turn]);
	return places[turn].at[len];
}
