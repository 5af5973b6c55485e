/* SPDX-License-Identifier: Apache-2.0 */
/* guest: attestation, resources and secrets inside of a confidential guest, as a daemon and its clients. */
#include "base/program.h"
#include "codec/json.h"
#include "guest/verbs.h"

#include <signal.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	static const char *const see_also[] = { "sealed-secrets(1)", "image-crypt(1)", "initdata-gen(1)",
		"cryptsetup(8)", NULL };
	static const struct opt_section sections[] = {
		{ "ENVIRONMENT",
				"AA_KBC_PARAMS: NAME::URL of the key broker, where nothing else names one. "
				"AA_SOCKET, KBS_CERT, SKIP_SEALED_SECRET_VERIFICATION: never followed; where "
				"they "
				"contradict the configuration, the daemon says so and does not start.\n\n"
				"OFFLINE_FS_KBC_EXTRA_FILE_PATH: further files of resources for "
				"offline_fs_kbc, "
				"with ',' between.\n\n"
				"NOTIFY_SOCKET: where systemd waits to be told." },
		{ "FILES",
				"/run/confidential-containers/cdh/kbs: credentials, mode 0600, as cdh.toml "
				"asks for "
				"them; those of key management services in kms-credential/PROVIDER.\n\n"
				"/run/confidential-containers/cdh/sealed-secret: keys that verify sealed "
				"secrets, "
				"for kids that are no URIs.\n\n"
				"/etc/aa-offline_fs_kbc-keys.json, /etc/aa-offline_fs_kbc-resources.json: "
				"what "
				"offline_fs_kbc serves.\n\n"
				"/run/attestation-agent: the event log." },
		OPT_SECTION_END,
	};
	const struct opt_verb verbs[] = { serve_verb, get_resource_verb, unseal_verb, unwrap_key_verb,
		secure_mount_verb, evidence_verb, token_verb, tee_verb, measure_verb, OPT_VERB_END };
	const struct opt_program program = {
		.name = "cocoon-guest",
		.summary = "attestation, keys and secrets inside of a confidential guest",
		.description = "Proves to a key broker where it runs, and hands what it gets for that to the "
			       "workloads of this guest: resources, plain secrets for sealed ones, keys of "
			       "encrypted images, volumes. It speaks the protocols that the Kata agent and "
			       "other "
			       "programs of guests speak.",
		.version = COCOON_VERSION,
		.verbs = verbs,
		.see_also = see_also,
		.sections = sections,
	};

	/* a peer that goes away is an error of the write */
	signal(SIGPIPE, SIG_IGN);
	/* what libtss2 says of a failure is in ours; it would tell it again, between the lines of the log */
	setenv("TSS2_LOG", "all+none", 0);
	/* configuration and answers may hold secrets */
	json_wipe_freed();
	return program_main(&program, argc, argv);
}
