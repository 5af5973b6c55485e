/* SPDX-License-Identifier: Apache-2.0 */
/* cocoon's controller: the command line, and what has to happen once before threads start. */
#include "base/err.h"
#include "base/log.h"
#include "base/program.h"
#include "controller/loop.h"
#include "controller/settings.h"
#include "crypto/init.h"
#include "net/http.h"
#include "net/server.h"
#include "policy/simple.h"

#include <stdlib.h>
#include <unistd.h>

static const char *const certificate_words[] = { "managed", "external", NULL };

static const struct opt options[] = {
	OPT_TEXT(struct settings, health_listen, "health-listen", 0, "ADDRESS:PORT",
			"where /healthz, /readyz and /metrics are answered, plain"),
	OPT_TEXT(struct settings, connect.kubeconfig, "kubeconfig", 0, "FILE",
			"how to reach the API server (default: KUBECONFIG, else the pod's account)"),
	OPT_TEXT(struct settings, connect.context, "context", 0, "NAME", "context of the kubeconfig"),
	OPT_TEXT(struct settings, namespace, "namespace", 'n', "NAME",
			"namespace of the installation (default: that of the account)"),
	OPT_TEXT(struct settings, service, "service", 0, "NAME", "Service of the webhook"),
	OPT_TEXT(struct settings, secret, "secret", 0, "NAME",
			"Secret that the webhook's certificates are kept in"),
	OPT_TEXT(struct settings, config_map, "config-map", 0, "NAME",
			"ConfigMap with the installation's settings"),
	OPT_TEXT(struct settings, lease, "lease", 0, "NAME", "Lease whose holder leads"),
	OPT_TEXT(struct settings, webhook_configuration, "webhook-configuration", 0, "NAME",
			"name of both webhook configurations"),
	OPT_ENUM(struct settings, certificates, "certificates", 0, "WHO",
			"who manages the webhook's certificates: this program, or something like "
			"cert-manager",
			certificate_words),
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
	.health_listen = "0.0.0.0:8080",
	.service = "cocoon-webhook",
	.secret = "cocoon-webhook-tls",
	.config_map = "cocoon-config",
	.lease = "cocoon-controller",
	.webhook_configuration = "cocoon",
	.facts_memory = 16,
	.facts_threads = 8,
	.log_level = LOG_INFO,
};

static int start(void *ctx, struct err *err)
{
	struct settings *settings = ctx;

	log_set_level((enum log_level)settings->log_level);
	simple_silence();
	server_global_init();
	if (connect_environment(&settings->connect, (const char *const *)environ, err) < 0 ||
			http_global_init(err) < 0 || crypto_init(true, err) < 0)
		return -1;
	return loop_run(settings, err);
}

static const struct opt_verb verbs[] = {
	{
			.summary = "completes gated pods, prepares agent policies, and keeps profiles, "
				   "certificates and the webhook's registration",
			.description = "Watches ConfidentialProfiles, RuntimeClasses and pods. Gives pods "
				       "that wait at the "
				       "scheduling gate cocoon.dev/init-data their annotations and lifts the "
				       "gate, prepares the agent policies of profiles that generate them, "
				       "writes the "
				       "status of every profile, counts pods that drifted from it, and keeps "
				       "the webhook's "
				       "certificates and registration.\n\n"
				       "Any number of replicas may run; the holder of the Lease alone "
				       "writes.",
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
		.name = "cocoon-controller",
		.summary = "controller for confidential pods",
		.version = COCOON_VERSION,
		.verbs = verbs,
	};

	return program_main(&program, argc, argv);
}
