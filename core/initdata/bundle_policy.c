/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The broker's resource policy for a bundle. All that comes from the bundle goes in as JSON, whose texts are texts of
 * Rego, too: none of it can become a rule.
 */
#include "base/own.h"
#include "base/span.h"
#include "codec/json.h"
#include "initdata/bundle_own.h"

#include <stdlib.h>

static const char head[] = "# Made by initdata-gen publish. Releases the resources below to guests that were "
			   "started with the documents\n"
			   "# below, and nothing to anybody else. The decision is data.policy.allow.\n"
			   "package policy\n"
			   "\n"
			   "import rego.v1\n"
			   "\n"
			   "default allow := false\n"
			   "\n"
			   "allow if {\n"
			   "\tdata.plugin == \"resource\"\n"
			   "\tresource_is_released\n"
			   "\tdocument_is_good\n"
			   "\tguest_is_trusted\n"
			   "\ttime_is_right\n"
			   "}\n"
			   "\n"
			   "path := concat(\"/\", data[\"resource-path\"])\n"
			   "\n"
			   "resource_is_released if {\n"
			   "\tcount(data[\"resource-path\"]) == 3\n"
			   "\tpath in released.resources\n"
			   "}\n"
			   "\n"
			   "resource_is_released if {\n"
			   "\tcount(data[\"resource-path\"]) == 3\n"
			   "\tsome prefix in released.prefixes\n"
			   "\tstartswith(path, prefix)\n"
			   "}\n"
			   "\n"
			   "evidence := input.submods.cpu0[\"ear.veraison.annotated-evidence\"]\n"
			   "\n"
			   "# what the evidence is of: one kind alone\n"
			   "kinds := {kind | some kind, _ in released.digests; evidence[kind]}\n"
			   "\n"
			   "document_is_good if {\n"
			   "\tcount(kinds) == 1\n"
			   "\tsome kind in kinds\n"
			   "\tevidence.init_data in released.digests[kind]\n"
			   "}\n"
			   "\n"
			   "guest_is_trusted if released.trust == \"any\"\n"
			   "\n"
			   "guest_is_trusted if {\n"
			   "\tcount(input.submods) > 0\n"
			   "\tevery submod in input.submods {\n"
			   "\t\tsubmod[\"ear.status\"] == \"affirming\"\n"
			   "\t}\n"
			   "}\n"
			   "\n";

static const char times[] = "time_is_right if {\n"
			    "\ttime.now_ns() >= released.not_before * 1000000000\n"
			    "\ttime.now_ns() < released.not_after * 1000000000\n"
			    "}\n"
			    "\n";

/* Kind → digests. A kind without any stays in: evidence of it counts as a kind. */
static json_t *digests_of(const struct bundle *bundle)
{
	json_t *out = json_object();

	for (size_t i = 0; i < BUNDLE_KINDS; i++)
		json_object_set_new(out, bundle_kinds[i].name, bundle_forms(bundle, &bundle_kinds[i]));
	return out;
}

static json_t *released_of(const struct bundle *bundle)
{
	json_t *resources = json_array(), *prefixes = json_array();

	for (size_t i = 0; i < bundle->resource_count; i++) {
		const char *resource = bundle->resources[i];
		bool all = span_ends(span_of(resource), "/");
		json_array_append_new(all ? prefixes : resources, json_string(resource));
	}
	json_t *out = json_pack("{s:s,s:o,s:o,s:o,s:s}", "name", bundle->name, "resources", resources,
			"prefixes", prefixes, "digests", digests_of(bundle), "trust",
			bundle->trust == BUNDLE_AFFIRMING ? "affirming" : "any");
	if (bundle->not_before || bundle->not_after) {
		json_int_t end = bundle->not_after ? bundle->not_after : 253402300799; /* the year 9999 */
		json_object_set_new(out, "not_before", json_integer(bundle->not_before));
		json_object_set_new(out, "not_after", json_integer(end));
	}
	return out;
}

void bundle_resource_policy(const struct bundle *bundle, struct buf *rego)
{
	auto_json json_t *released = released_of(bundle);
	char *text = json_dumps(released, JSON_INDENT(1));

	buf_puts(rego, head);
	buf_puts(rego, bundle->not_before || bundle->not_after ? times : "time_is_right := true\n\n");
	buf_printf(rego, "released := %s\n", text);
	free(text);
}
