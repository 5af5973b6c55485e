/* SPDX-License-Identifier: Apache-2.0 */
/* guest_policy_parse, _find, _lint: what is unreadable has an error for all of it, else every name has requirements. */
#include "base/err.h"
#include "codec/json.h"
#include "policy/guest.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool held)
{
	if (!held)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "busybox", "quay.io/a/b:1", "Reg.Example:443/x" };
	auto_guest_policy struct guest_policy policy = { .json = NULL };
	auto_json json_t *findings = json_array();
	const char *scope = NULL;
	struct oci_name name;

	int status = guest_policy_parse(span_new(data, size), &policy, NULL);
	guest_policy_lint(span_new(data, size), findings);
	const json_t *first = json_array_get(findings, 0);
	must((status < 0) ==
			(first && !strcmp(json_text_at(first, "level", NULL), "error") &&
					!*json_text_at(first, "path", NULL)));
	for (size_t i = 0; status == 0 && i < sizeof(names) / sizeof(names[0]); i++) {
		must(guest_reference(names[i], &name, NULL) == 0);
		must(json_is_array(guest_policy_find(&policy, &name, &scope)) && scope);
	}
	return 0;
}
