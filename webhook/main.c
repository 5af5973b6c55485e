/* SPDX-License-Identifier: Apache-2.0 */
/* cocoon's admission webhook: the command line, and what has to happen once before threads start. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/log.h"
#include "base/own.h"
#include "base/program.h"
#include "crypto/init.h"
#include "net/http.h"
#include "net/server.h"
#include "policy/simple.h"
#include "webhook/serve.h"
#include "webhook/settings.h"

#include <stdlib.h>
#include <unistd.h>

static const struct opt options[] = {
	OPT_TEXT(struct settings, listen, "listen", 'l', "ADDRESS:PORT",
			"where admission reviews are answered, over TLS"),
	OPT_TEXT(struct settings, health_listen, "health-listen", 0, "ADDRESS:PORT",
			"where /healthz, /readyz and /metrics are answered, plain"),
	OPT_TEXT(struct settings, connect.kubeconfig, "kubeconfig", 0, "FILE",
			"how to reach the API server (default: KUBECONFIG, else the pod's account)"),
	OPT_TEXT(struct settings, connect.context, "context", 0, "NAME", "context of the kubeconfig"),
	OPT_TEXT(struct settings, namespace, "namespace", 'n', "NAME",
			"namespace of the installation (default: that of the account)"),
	OPT_TEXT(struct settings, config_map, "config-map", 0, "NAME",
			"ConfigMap with the installation's settings"),
	OPT_TEXT(struct settings, secret, "secret", 0, "NAME", "Secret with the serving certificate"),
	OPT_TEXT(struct settings, tls_cert, "tls-cert", 0, "FILE",
			"serving certificate chain in PEM, instead of the Secret; read again when it "
			"changes"),
	OPT_TEXT(struct settings, tls_key, "tls-key", 0, "FILE", "private key of --tls-cert in PEM"),
	OPT_TEXT(struct settings, controller_user, "controller-user", 0, "USER",
			"the account that may complete gated pods"),
	OPT_INT(struct settings, drain_seconds, "drain-seconds", 0, "SECONDS", 0, 300,
			"how long to serve on after SIGTERM, until nobody has our address any more"),
	OPT_INT(struct settings, facts_memory, "facts-memory", 0, "MIB", 1, 4096,
			"how much is remembered of images: 32 MiB are some ten thousand"),
	OPT_INT(struct settings, facts_threads, "facts-threads", 0, "N", 1, 64,
			"how many images are looked at in registries at the same time"),
	OPT_TEXT(struct settings, registry_config, "registry-config", 0, "FILE",
			"docker's config.json with the installation's own credentials of registries and "
			"credential helpers, looked into last"),
	OPT_ENUM(struct settings, log_level, "log-level", 0, "LEVEL", "what to log", log_level_words),
	OPT_END,
};

static const struct settings defaults = {
	.listen = "0.0.0.0:9443",
	.health_listen = "0.0.0.0:8080",
	.config_map = "cocoon-config",
	.secret = "cocoon-webhook-tls",
	.controller_user = "system:serviceaccount:cocoon-system:cocoon-controller",
	.drain_seconds = 10,
	.facts_memory = 32,
	.facts_threads = 16,
	.log_level = LOG_INFO,
};

static int start(void *ctx, struct err *err)
{
	struct settings *settings = ctx;

	if (!settings->tls_cert != !settings->tls_key)
		return err_set(err, ERR_USAGE, "--tls-cert and --tls-key go together");
	log_set_level((enum log_level)settings->log_level);
	simple_silence();
	server_global_init();
	if (connect_environment(&settings->connect, (const char *const *)environ, err) < 0 ||
			http_global_init(err) < 0 || crypto_init(true, err) < 0)
		return -1;
	return serve(settings, err);
}

static const struct opt_verb verbs[] = {
	{
			.summary = "answers the API server's admission reviews for confidential pods",
			.description = "Gives pods of confidential RuntimeClasses their init-data, kernel "
				       "parameters and other "
				       "annotations at creation, as the matching ConfidentialProfile says, "
				       "and refuses "
				       "everything that is not what the profile demands, then and later. "
				       "Images "
				       "are admitted "
				       "when they are encrypted and signed as the ImagePolicies demand, "
				       "which is "
				       "looked up "
				       "in their registries.\n\n"
				       "Profiles, policies, RuntimeClasses, namespaces and settings are "
				       "followed "
				       "through the API server. "
				       "The serving certificate comes from a Secret that the controller "
				       "keeps, or from files.\n\n"
				       "Admission prevents mistakes and enforces tenant policy in an honest "
				       "cluster. It does not "
				       "protect against the cluster's operator: only attestation does.",
			.options = options,
			.size = sizeof(struct settings),
			.defaults = &defaults,
			.run = start,
	},
	OPT_VERB_END,
};

int main(int argc, char **argv)
{
	static const struct opt_program program = {
		.name = "cocoon-webhook",
		.summary = "admission webhook for confidential pods",
		.version = COCOON_VERSION,
		.verbs = verbs,
	};

	return program_main(&program, argc, argv);
}
