/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/place.h"

#include "base/err.h"
#include "base/span.h"
#include "oci/name.h"
#include "oci/words_own.h"

#include <string.h>

/* ---- docker:// ----------------------------------------------------------------------------------------- */

static int read_docker(struct span name, struct oci_place *out, struct err *err)
{
	static const char form[] = "the form is docker://HOST[:PORT]/PATH:TAG";
	struct oci_name found;
	struct err why = ERR_NONE;

	if (!span_starts(name, "//"))
		return err_set(err, ERR_USAGE, "'%s': %s", out->text, form);
	if (oci_name_split(span_from(name, 2), &found, &why) < 0 || oci_name_complete(&found, &why) < 0)
		return err_set(err, ERR_USAGE, "'%s': %s; %s", out->text, why.text, form);
	keep(out->host, span_of(found.host));
	keep(out->repository, span_of(found.repository));
	keep(out->tag, span_of(found.tag));
	keep(out->digest, span_of(found.digest));
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
