/* SPDX-License-Identifier: Apache-2.0 */
/* image-crypt: encrypts, decrypts and explains container images, and wraps keys for those who do. */
#include "base/program.h"
#include "codec/json.h"
#include "image-crypt/verbs.h"

#include <signal.h>

int main(int argc, char **argv)
{
	static const char *const see_also[] = { "skopeo(1)", "containerd(8)", "cosign(1)", "initdata-gen(1)",
		NULL };
	static const struct opt_section sections[] = {
		{ "ENVIRONMENT",
				"OCICRYPT_KEYPROVIDER_CONFIG: the file that says where key providers are, as "
				"skopeo, containerd "
				"and nerdctl read it.\n\n"
				"OCICRYPT_CONFIG, OCICRYPT_OAEP_HASHALG: where PKCS#11 modules may lie; sha1 "
				"or sha256.\n\n"
				"REGISTRY_AUTH_FILE, DOCKER_CONFIG, XDG_RUNTIME_DIR, XDG_CONFIG_HOME, HOME: "
				"where the "
				"credentials of registries are looked for.\n\n"
				"HTTPS_PROXY, NO_PROXY: how registries are reached. GNUPGHOME: the keys of "
				"pgp." },
		OPT_SECTION_END,
	};
	const struct opt_verb verbs[] = { encrypt_verb, decrypt_verb, inspect_verb, verify_verb, rewrap_verb,
		keygen_verb, keygen_export_verb, keyprovider_serve_verb, keyprovider_run_verb,
		containerd_config_verb, OPT_VERB_END };
	const struct opt_program program = {
		.name = "image-crypt",
		.summary = "encrypts, decrypts and explains container images",
		.description = "Layers of OCI images are encrypted for key brokers that release keys to "
			       "attested guests, "
			       "and for holders of keys: byte for byte as skopeo, containerd and ctr-enc do "
			       "it, and as "
			       "confidential guests read it.\n\n"
			       "Images are named as skopeo names them: docker://NAME, oci:PATH[:TAG], "
			       "oci-archive:FILE[:TAG], dir:PATH.",
		.version = COCOON_VERSION,
		.verbs = verbs,
		.see_also = see_also,
		.sections = sections,
	};

	/* a registry that goes away is an error of the write */
	signal(SIGPIPE, SIG_IGN);
	/* key files may be JSON or YAML */
	json_wipe_freed();
	return program_main(&program, argc, argv);
}
