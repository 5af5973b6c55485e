/* SPDX-License-Identifier: Apache-2.0 */
/* Target: oci_place_parse. What a place is made of, put together, is the same place; nothing climbs or is empty. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
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
	struct err err = ERR_NONE;
	auto_free char *text = xmemdup0(data, size);
	auto_free struct oci_place *place = xcalloc(1, sizeof(*place));
	auto_free struct oci_place *again = xcalloc(1, sizeof(*again));

	if (oci_place_parse(text, place, &err) < 0) {
		must(err.kind == ERR_USAGE && *err.text && !*place->text);
		return 0;
	}
	must(!strcmp(place->text, text) && (place->transport == OCI_DOCKER) == !*place->path);
	if (place->transport != OCI_DOCKER)
		return 0;
	must(*place->host && *place->repository && !strstr(place->repository, "..") &&
			(!*place->digest || oci_digest_is(place->digest)) && (*place->digest || *place->tag));
	auto_free char *whole = xasprintf("docker://%s/%s%s%s%s%s", place->host, place->repository,
			*place->tag ? ":" : "", place->tag, *place->digest ? "@" : "", place->digest);
	must(oci_place_parse(whole, again, &err) == 0 && !strcmp(again->host, place->host) &&
			!strcmp(again->repository, place->repository) && !strcmp(again->tag, place->tag) &&
			!strcmp(again->digest, place->digest));
	return 0;
}
