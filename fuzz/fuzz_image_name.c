/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: oci_name_parse, oci_pattern_check, oci_pattern_matches. The normal form of a name is its own, is lower case up
 * to its tag, and names the same place; a name without wildcards is a pattern of itself alone. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "oci/name.h"
#include "oci/place.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool held)
{
	if (!held)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *text = xmemdup0(data, size);
	auto_free struct oci_place *place = xcalloc(1, sizeof(*place));
	struct oci_name name, again, app = { .host = "registry.example:5000", .repository = "team/app" };
	char form[OCI_NAME_MAX], twice[OCI_NAME_MAX];
	struct err err = ERR_NONE;

	if (oci_pattern_check(text, &err) == 0 && !strpbrk(text, "*?"))
		must(oci_pattern_matches(text, &app) == !strcmp(text, "registry.example:5000/team/app"));
	if (oci_name_parse(text, &name, &err) < 0) {
		must((err.kind == ERR_FORMAT || err.kind == ERR_LIMIT) && *err.text);
		return 0;
	}
	oci_name_format(&name, form);
	must(oci_name_parse(form, &again, &err) == 0 && oci_name_place(&name, place, &err) == 0);
	oci_name_format(&again, twice);
	must(!strcmp(form, twice) && !strcmp(place->host, name.host) && !strcmp(place->tag, name.tag));
	must(!strpbrk(name.host, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") &&
			(!span_ends(span_of(name.host), ":443") || !strchr(name.host, '.')));
	return 0;
}
