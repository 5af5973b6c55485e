/* SPDX-License-Identifier: Apache-2.0 */
/* policy-check guest-policy: the policy.json by which the guest demands what an ImagePolicy demands. */
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "policy/guest.h"
#include "policy/imagepolicy.h"
#include "webhook/check/sources.h"
#include "webhook/check/verbs.h"

#include <stdio.h>
#include <string.h>

struct guest_policy_settings {
	const char *file;
	const char *name;
	bool strict;
};

static const struct image_policy *choose(const struct policy_set *set, const char *name, struct err *err)
{
	if (!name && set->count == 1)
		return set->items[0];
	for (size_t i = 0; name && i < set->count; i++)
		if (!strcmp(set->items[i]->name, name))
			return set->items[i];
	if (name)
		err_set(err, ERR_NOT_FOUND, "there is no ImagePolicy '%s' in the file", name);
	else
		err_set(err, ERR_USAGE, "the file holds %zu ImagePolicies: choose one by --name", set->count);
	return NULL;
}

static int run(void *given, struct err *err)
{
	const struct guest_policy_settings *settings = given;
	struct opt_list list = { .items = { settings->file }, .count = 1 };
	auto_policy_set struct policy_set *set = NULL;
	auto_buf struct buf out = BUF_MAX(GUEST_POLICY_MAX);
	auto_json json_t *notes = json_array();
	const json_t *note;
	size_t i;

	if (source_policies(&list, 0, &set, err) < 0)
		return -1;
	const struct image_policy *policy = choose(set, settings->name, err);
	if (!policy || guest_policy_write(policy, &out, notes, err) < 0)
		return -1;
	json_array_foreach (notes, i, note)
		fprintf(stderr, "policy-check: note: %s\n", json_string_value(note));
	if (fwrite(out.ptr, 1, out.len, stdout) != out.len || fflush(stdout) < 0)
		return err_errno(err, ERR_IO, "cannot write to standard output");
	return settings->strict && json_array_size(notes) ? 1 : 0;
}

static const struct opt options[] = {
	OPT_TEXT(struct guest_policy_settings, name, "name", 0, "NAME",
			"which ImagePolicy, where the file holds several"),
	OPT_FLAG(struct guest_policy_settings, strict, "strict", 0,
			"exit with 1 when the guest cannot demand all of it"),
	OPT_END,
};

static const struct opt_arg args[] = {
	OPT_ONE(struct guest_policy_settings, file, "FILE", "an ImagePolicy; - is standard input"),
	OPT_ARG_END,
};

static const struct opt_example examples[] = {
	{ "what the guest itself shall demand", "policy-check guest-policy shop.yaml >policy.json" },
	OPT_EXAMPLE_END,
};

const struct opt_verb guest_policy_verb = {
	.name = "guest-policy",
	.summary = "writes the policy.json by which the guest demands what an ImagePolicy demands",
	.description = "Admission prevents mistakes in an honest cluster; what holds against the host is "
		       "what the "
		       "guest demands itself, by a policy that the owner puts into init-data or gives out by "
		       "the key "
		       "broker. What the guest cannot demand (that an image is encrypted, one of several "
		       "signers) is "
		       "said on standard error.",
	.options = options,
	.args = args,
	.examples = examples,
	.size = sizeof(struct guest_policy_settings),
	.run = run,
};
