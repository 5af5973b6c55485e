/* SPDX-License-Identifier: Apache-2.0 */
/* initdata-gen: makes, explains and checks init-data where the cluster cannot reach. */
#include "base/program.h"
#include "initdata-gen/verbs.h"

int main(int argc, char **argv)
{
	static const char *const see_also[] = { "cocoon-webhook(1)", "cocoon-controller(1)", "cosign(1)",
		NULL };
	const struct opt_verb verbs[] = { create_verb, show_verb, digest_verb, verify_verb, annotate_verb,
		convert_verb, blob_verb, policy_verb, policy_test_verb, policy_explain_verb, policy_lint_verb,
		policy_diff_verb, publish_verb, OPT_VERB_END };
	const struct opt_program program = {
		.name = "initdata-gen",
		.summary = "makes, explains and checks the init-data of confidential pods",
		.description = "Init-data is a TOML document that a confidential guest is started with and "
			       "whose digest its "
			       "hardware attests. It holds the guest's configuration and agent policy.\n\n"
			       "The same input gives the same bytes everywhere: here, in the controller and "
			       "in the "
			       "webhook. Make the document and its digest on your own machine, put the "
			       "digest into "
			       "your key broker's policy, and compare with what the cluster says it "
			       "injected.",
		.version = COCOON_VERSION,
		.verbs = verbs,
		.see_also = see_also,
	};

	return program_main(&program, argc, argv);
}
