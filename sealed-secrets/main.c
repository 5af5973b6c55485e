/* SPDX-License-Identifier: Apache-2.0 */
/* sealed-secrets: makes secrets that only attested guests can open, and puts them where guests find them. */
#include "base/err.h"
#include "base/program.h"
#include "codec/json.h"
#include "crypto/init.h"
#include "net/http.h"
#include "sealed-secrets/verbs.h"

#include <signal.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	static const char *const see_also[] = { "initdata-gen(1)", "image-crypt(1)", "cocoon-guest(1)",
		"kubectl(1)", NULL };
	const struct opt_verb verbs[] = { seal_verb, unseal_verb, inspect_verb, verify_verb, keygen_verb,
		lint_verb, registry_auth_verb, convert_verb, provision_verb, OPT_VERB_END };
	const struct opt_program program = {
		.name = "sealed-secrets",
		.summary = "makes secrets that only attested guests can open",
		.description = "A sealed secret is a string that an ordinary Kubernetes Secret can hold, and "
			       "that is of no "
			       "use to the cluster: a guest turns it into the secret after it has proved "
			       "itself to "
			       "its key broker. Byte for byte as the guests of Confidential Containers read "
			       "it.\n\n"
			       "Secrets come from files, descriptors or standard input, never from the "
			       "command line.",
		.version = COCOON_VERSION,
		.verbs = verbs,
		.see_also = see_also,
	};

	struct err err = ERR_NONE;

	signal(SIGPIPE, SIG_IGN);
	json_wipe_freed();
	if (crypto_init(true, &err) < 0 || http_global_init(&err) < 0) {
		fprintf(stderr, "sealed-secrets: %s\n", err.text);
		return 1;
	}
	return program_main(&program, argc, argv);
}
