/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is attached to an image, found with the room core/oci:
 *
 *     oci_attached PLACE         prints a line "tag|api|fallback DIGEST" each, then "more" if there is
 */
#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "net/http.h"
#include "oci/attached.h"

#include <stdio.h>

static const char *const words[] = {
	[ATTACHED_BY_TAG] = "tag", [ATTACHED_BY_API] = "api", [ATTACHED_BY_FALLBACK] = "fallback"
};

static int print(const char *text, struct err *err)
{
	static const struct oci_access access = { .user_agent = "oci_attached/1" };
	auto_free struct oci_place *place = xcalloc(1, sizeof(*place));
	auto_oci_source struct oci_source *source = NULL;
	auto_attached struct attached found = ATTACHED_NONE;
	struct oci_manifest_bytes root = OCI_MANIFEST_NONE;

	if (http_global_init(err) < 0 || oci_place_parse(text, place, err) < 0 ||
			oci_source_open(place, &access, &source, err) < 0)
		return -1;
	int status = oci_source_manifest(source, NULL, &root, err);
	buf_clear(&root.bytes);
	if (status < 0 ||
			oci_source_attached(source, root.digest, ATTACHED_TAG | ATTACHED_REFERRERS, &found,
					err) < 0)
		return -1;
	for (size_t i = 0; i < found.count; i++)
		printf("%s %s\n", words[found.items[i].via], found.items[i].manifest.digest);
	if (found.more)
		puts("more");
	return 0;
}

int main(int argc, char **argv)
{
	struct err err = ERR_NONE;

	if (argc != 2) {
		fprintf(stderr, "usage: oci_attached PLACE\n");
		return 2;
	}
	if (print(argv[1], &err) == 0)
		return 0;
	fprintf(stderr, "%s\n", err.text);
	return 1;
}
