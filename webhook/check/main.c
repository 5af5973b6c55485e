/* SPDX-License-Identifier: Apache-2.0 */
/* policy-check: the webhook's judgement on images, offline. */
#include "base/program.h"
#include "webhook/check/verbs.h"

#include <signal.h>

int main(int argc, char **argv)
{
	static const char *const see_also[] = { "image-crypt(1)", "initdata-gen(1)", "cosign(1)", "skopeo(1)",
		NULL };
	static const struct opt_section sections[] = {
		{ "ENVIRONMENT",
				"REGISTRY_AUTH_FILE, DOCKER_CONFIG, XDG_RUNTIME_DIR, XDG_CONFIG_HOME, HOME: "
				"where the credentials of registries are looked for.\n\n"
				"HTTPS_PROXY, NO_PROXY: how registries are reached." },
		OPT_SECTION_END,
	};
	const struct opt_verb verbs[] = { manifests_verb, image_verb, lint_verb, guest_policy_verb,
		OPT_VERB_END };
	const struct opt_program program = {
		.name = "policy-check",
		.summary = "judges images by ImagePolicies, without a cluster",
		.description = "The engine of the admission webhook on the command line, for CI and for "
			       "people: which images are encrypted and signed as policies demand, and "
			       "whether the "
			       "guest will agree.\n\n"
			       "Admission prevents mistakes and enforces policy in an honest cluster. It "
			       "does not "
			       "protect against whoever runs the cluster: that only attestation does.",
		.version = COCOON_VERSION,
		.verbs = verbs,
		.see_also = see_also,
		.sections = sections,
	};

	/* a registry that goes away is an error of the write */
	signal(SIGPIPE, SIG_IGN);
	return program_main(&program, argc, argv);
}
