/* SPDX-License-Identifier: Apache-2.0 */
/* dev-kbs: the development key broker. The command line, and what has to happen once before anything else. */
#include "base/err.h"
#include "base/log.h"
#include "base/program.h"
#include "codec/json.h"
#include "crypto/init.h"
#include "e2e/kbs/serve.h"
#include "e2e/kbs/settings.h"
#include "net/http.h"
#include "net/server.h"

static int start(void *given, struct err *err)
{
	const struct settings *settings = given;

	log_set_level((enum log_level)settings->log_level);
	server_global_init();
	if (http_global_init(err) < 0 || crypto_init(true, err) < 0)
		return -1;
	return broker_run(settings, err);
}

static const struct opt_example examples[] = {
	{ "a broker for the sample TEE on this machine, with one secret",
			"dev-kbs --listen 127.0.0.1:8080 --policy allow-all --insecure-admin --resource "
			"default/key/1=key.bin" },
	{ "one that keeps its things and lets an administrator's key in",
			"dev-kbs --storage kbs.d --admin-public-key admin.pub --audit audit.jsonl" },
	{ "one whose secrets go to guests with a certain init-data alone",
			"dev-kbs --allow-initdata $(initdata-gen digest --format hex "
			"initdata.toml)=default/app/* --audit "
			"-" },
	OPT_EXAMPLE_END,
};

static const struct opt_verb verbs[] = {
	{
			.summary = "serves a key broker for development",
			.description = "NOT FOR PRODUCTION. Speaks the protocol of Trustee's key broker "
				       "service "
				       "(version 0.4.0) towards guests: challenge, attestation, token, "
				       "resources "
				       "sealed to the guest's key; and its administration: resources, "
				       "policies in "
				       "Rego, reference values.\n\n"
				       "Evidence of the sample TEE and of TPMs is verified, init-data with "
				       "it. The "
				       "sample TEE proves nothing, and the default policy gives it "
				       "nothing.\n\n"
				       "Who gets a resource is decided by a posted policy in Rego, which "
				       "takes opa, "
				       "or by one of those built in; and beside it, where --allow-initdata "
				       "is given, "
				       "by that list. DIGEST is that of the document or what the TEE holds "
				       "of it, in "
				       "hex; GLOB stands for paths such as default/key/1.",
			.options = settings_options,
			.examples = examples,
			.size = sizeof(struct settings),
			.defaults = &settings_defaults,
			.run = start,
	},
	OPT_VERB_END,
};

int main(int argc, char **argv)
{
	static const struct opt_program program = {
		.name = "dev-kbs",
		.summary = "development key broker, not for production",
		.version = COCOON_VERSION,
		.verbs = verbs,
	};

	/* requests hold secrets and tokens */
	json_wipe_freed();
	return program_main(&program, argc, argv);
}
