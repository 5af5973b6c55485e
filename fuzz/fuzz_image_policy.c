/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: image_policy_compile, image_policy_broken, registry_list_parse. What compiles does so again, to the same hash and
 * the same demands; what does not still has a form when it has a name. */
#include "base/err.h"
#include "codec/json.h"
#include "policy/imagepolicy.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_broken(const json_t *resource, const struct err *why)
{
	auto_image_policy struct image_policy *policy = NULL;

	if (image_policy_broken(resource, why->text, &policy, NULL) == 0 &&
			(image_policy_needs_facts(policy) || image_policy_looks(policy)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_image_policy struct image_policy *policy = NULL, *again = NULL;
	auto_json json_t *resource = NULL;
	struct err err = ERR_NONE;

	if (json_read(span_new(data, size), 65536, &resource, NULL) < 0)
		return 0;
	if (image_policy_compile(resource, &policy, &err) < 0) {
		check_broken(resource, &err);
		return 0;
	}
	if (image_policy_compile(resource, &again, NULL) < 0 || memcmp(policy->hash, again->hash, 32) != 0 ||
			image_policy_looks(policy) != image_policy_looks(again) ||
			policy->at_least > policy->signer_count)
		abort();
	return 0;
}
