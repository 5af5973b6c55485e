/* SPDX-License-Identifier: Apache-2.0 */
/* guest serve: the daemon. */
#include "base/err.h"
#include "base/log.h"
#include "base/own.h"
#include "base/signals.h"
#include "base/workers.h"
#include "guest/agent.h"
#include "guest/faces.h"
#include "guest/hub.h"
#include "guest/notify.h"
#include "guest/privileges.h"
#include "guest/settings.h"
#include "guest/verbs.h"
#include "net/local.h"
#include "net/server.h"
#include "tee/attester.h"
#include "tee/kind.h"

#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define REST_ADDRESS   "127.0.0.1:8006"
#define EVENTLOG       "/run/attestation-agent"
#define OFF            "none"

/* Calls that run, and calls that wait for one of them to end. Applications have workers of their own: however many of
 * them wait for a broker, the Kata agent's calls do not. */
#define WORKERS        16
#define REST_WORKERS   8
#define QUEUE          128

/* Of a TPM, these cannot be extended from the place where all users of /dev/tpm0 are. */
#define FIRST_KEPT_PCR 17
#define LAST_KEPT_PCR  22

/* milliseconds that calls have to end, once the daemon was told to */
#define END_PATIENCE   5000

struct serve_settings {
	struct settings_options settings;
	const char *agent_socket;
	const char *hub_socket;
	const char *rest;
	const char *agent_grpc;
	const char *hub_grpc;
	const char *keyprovider_grpc;
	const char *features;
	const char *user;
	int mode;
};

static const char *const mode_words[] = { "0600", "0660", "0666", NULL };
static const mode_t modes[] = { 0600, 0660, 0666 };

/* What a process of the daemon holds. Workers end before the servers that they answer. */
struct daemon {
	struct settings parts;
	struct identity owner;
	struct services ttrpc, grpc;
	struct rest rest;
	struct workers *agent_workers, *hub_workers; /* of ttrpc; REST names its own */
	struct faces *faces;
};

static void daemon_clear(struct daemon *daemon)
{
	workers_free(daemon->agent_workers);
	workers_free(daemon->hub_workers);
	workers_free(daemon->rest.agent_workers);
	workers_free(daemon->rest.hub_workers);
	faces_free(daemon->faces);
	settings_clear(&daemon->parts);
}
#define auto_daemon __attribute__((cleanup(daemon_clear)))

/* ---- opening ------------------------------------------------------------------------------------------- */

/* An option first, then the configuration, then the place that all guests know, for what this guest is to start. */
static const char *choose(const char *given, const char *configured, const char *usual, bool wanted)
{
	if (given)
		return strcmp(given, OFF) ? given : NULL;
	if (!wanted)
		return NULL;
	return configured ? configured : usual;
}

static int open_faces(const struct serve_settings *settings, struct daemon *daemon, struct err *err)
{
	const struct config *config = &daemon->parts.config;
	const struct faces_options options = {
		.addresses = {
			[FACE_AGENT] = choose(settings->agent_socket, config->aa_socket, SETTINGS_AGENT_SOCKET,
					config->procs >= CONFIG_AGENT),
			[FACE_HUB] = choose(settings->hub_socket, config->cdh_socket, SETTINGS_HUB_SOCKET,
					config->procs >= CONFIG_HUB),
			[FACE_REST] = choose(settings->rest, NULL, REST_ADDRESS, config->procs >= CONFIG_REST),
			[FACE_AGENT_GRPC] = choose(settings->agent_grpc, NULL, NULL, false),
			[FACE_HUB_GRPC] = choose(settings->hub_grpc, NULL, NULL, false),
			[FACE_KEYPROVIDER_GRPC] = choose(settings->keyprovider_grpc, NULL, NULL, false),
		},
		.mode = modes[settings->mode],
		.owner = &daemon->owner,
		.agent_workers = daemon->agent_workers,
		.hub_workers = daemon->hub_workers,
		.ttrpc = &daemon->ttrpc,
		.grpc = &daemon->grpc,
		.rest = &daemon->rest,
	};
	bool any = config->procs == CONFIG_NO_PROCS;

	for (int i = 0; i < FACES; i++)
		any = any || options.addresses[i];
	if (!any)
		return err_set(err, ERR_USAGE, "there is nothing to serve: all sockets are switched off");
	return faces_open(&options, &daemon->faces, err);
}

/* The folders that are written to while serving. */
static int make_folders(const struct serve_settings *settings, const struct daemon *daemon, struct err *err)
{
	const struct settings_options *given = &settings->settings;
	char folder[PATH_MAX];

	snprintf(folder, sizeof(folder), "%s/kbs", given->root ? given->root : HUB_ROOT);
	if (daemon->parts.config.credential_count && identity_folder(&daemon->owner, folder, 0700, err) < 0)
		return -1;
	if (!daemon->parts.config.eventlog)
		return 0;
	return identity_folder(&daemon->owner, given->eventlog ? given->eventlog : EVENTLOG, 0700, err);
}

static int find_features(const struct serve_settings *settings, struct daemon *daemon, struct err *err)
{
	const char *word = settings->features ? settings->features : daemon->parts.config.rest_features;

	return rest_feature_find(span_of(word), &daemon->rest.features, err);
}

/* All that needs the rights that the process was started with; then they are given up. */
static int open_as_started(const struct serve_settings *settings, struct daemon *daemon, struct err *err)
{
	if (settings_process(err) < 0)
		return -1;
	server_global_init();
	if (identity_find(settings->user, &daemon->owner, err) < 0 ||
			settings_load(&settings->settings, &daemon->parts, err) < 0 ||
			find_features(settings, daemon, err) < 0 || make_folders(settings, daemon, err) < 0 ||
			workers_new(WORKERS, QUEUE, &daemon->agent_workers, err) < 0 ||
			workers_new(WORKERS, QUEUE, &daemon->hub_workers, err) < 0 ||
			workers_new(REST_WORKERS, QUEUE, &daemon->rest.agent_workers, err) < 0 ||
			workers_new(REST_WORKERS, QUEUE, &daemon->rest.hub_workers, err) < 0 ||
			open_faces(settings, daemon, err) < 0)
		return -1;
	return identity_become(&daemon->owner, err);
}

static int open_parts(const struct serve_settings *settings, struct daemon *daemon, struct err *err)
{
	if (settings_open(&settings->settings, &daemon->parts, err) < 0 ||
			hub_credentials(daemon->parts.hub, err) < 0)
		return -1;
	bool root = daemon->owner.uid == 0;

	daemon->ttrpc = (struct services){ .hub = daemon->parts.hub,
		.agent = daemon->parts.agent,
		.can_mount = root && !(modes[settings->mode] & S_IWOTH) };
	daemon->grpc = (struct services){ .hub = daemon->parts.hub,
		.agent = daemon->parts.agent,
		.grpc = true,
		.can_mount = root && settings->hub_grpc && local_path(settings->hub_grpc) };
	daemon->rest.hub = daemon->parts.hub;
	daemon->rest.agent = daemon->parts.agent;
	return 0;
}

/* ---- running ------------------------------------------------------------------------------------------- */

static void log_start(const struct daemon *daemon)
{
	const struct config *config = &daemon->parts.config;
	char digest[DIGEST_HEX_MAX];

	log_info("starting", "version", COCOON_VERSION, "tee",
			tee_kind_name(attester_kind(daemon->parts.attester)), "kbc",
			config->kbc == CONFIG_CC_KBC ? "cc_kbc" : "offline_fs_kbc", "kbs",
			config->kbs_url ? config->kbs_url : "none", NULL);
	if (config->initdata) {
		digest_hex(config->initdata_alg, span_of(config->initdata), digest);
		log_info("init-data", "algorithm", digest_name(config->initdata_alg), "digest", digest,
				"checked by the hardware", config->initdata_bound ? "yes" : "no", NULL);
	}
	if (config->procs == CONFIG_NO_PROCS)
		log_info("nothing is served but what options ask for: agent.guest_components_procs=none",
				NULL);
	if (config->eventlog && attester_kind(daemon->parts.attester) == TEE_KIND_TPM &&
			config->init_pcr >= FIRST_KEPT_PCR && config->init_pcr <= LAST_KEPT_PCR)
		log_warn("the event log's PCR cannot be extended at locality 0, where this guest is: set "
			 "eventlog_config.init_pcr of aa.toml to one that nothing else extends, such as 14",
				"init_pcr", LOG_NUMBER(config->init_pcr), NULL);
	if (config->kbs_cert && config->kbs_url && span_starts(span_of(config->kbs_url), "http://"))
		log_warn("the key broker is asked without TLS, and its certificate is of no use: its URL "
			 "begins "
			 "with http://",
				"kbs", config->kbs_url, NULL);
	if (config->skip_verification)
		log_warn("signatures of sealed secrets are not checked: the attested init-data says so",
				NULL);
	if (daemon->owner.uid != 0)
		log_info("secure mounts are not available without root", "user",
				daemon->owner.name ? daemon->owner.name : "as started", NULL);
}

static void tell(const char *state)
{
	struct err why = ERR_NONE;

	if (notify(settings_environment("NOTIFY_SOCKET"), state, &why) < 0)
		log_warn("systemd was not told", "state", state, LOG_ERR(&why), NULL);
}

/* Calls that wait for a broker that says nothing could hold the end up for as long as callers have patience. */
static void *end_anyway(void *ctx)
{
	struct pollfd signals = { .fd = (int)(intptr_t)ctx, .events = POLLIN };

	while (poll(&signals, 1, -1) < 0 && errno == EINTR)
		continue;
	(void)poll(NULL, 0, END_PATIENCE);
	log_warn("calls that still run are given up", NULL);
	_exit(0);
}

static int watch_the_end(int signals, struct err *err)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, end_anyway, (void *)(intptr_t)signals) != 0)
		return err_set(err, ERR_IO, "no thread to watch the end");
	pthread_detach(thread);
	return 0;
}

static int run(void *given, struct err *err)
{
	const struct serve_settings *settings = given;
	auto_daemon struct daemon daemon = { .parts = SETTINGS_NONE };

	auto_fd int signals = signals_open(err);
	if (signals < 0 || open_as_started(settings, &daemon, err) < 0)
		return -1;
	log_start(&daemon);
	/* a broker that says nothing could hold up the credentials, too */
	if (watch_the_end(signals, err) < 0 || open_parts(settings, &daemon, err) < 0)
		return -1;
	tell("READY=1");
	int result = faces_run(daemon.faces, signals, err);
	tell("STOPPING=1");
	log_info("stopped", NULL);
	return result;
}

static const struct opt options[] = {
	OPT_TEXT(struct serve_settings, agent_socket, "aa-socket", 'a', "ADDRESS",
			"where the attestation agent is reached by ttrpc: unix:///PATH, or none"),
	OPT_TEXT(struct serve_settings, hub_socket, "cdh-socket", 's', "ADDRESS",
			"where the data hub is reached by ttrpc: unix:///PATH, or none"),
	OPT_TEXT(struct serve_settings, rest, "rest", 'b', "ADDRESS",
			"where applications reach the REST endpoint: an address of loopback, or none"),
	OPT_TEXT(struct serve_settings, features, "features", 'f', "WORD",
			"what the REST endpoint offers: resource, attestation or all; "
			"agent.guest_components_rest_api without this option"),
	OPT_TEXT(struct serve_settings, agent_grpc, "aa-grpc", 0, "ADDRESS",
			"serve the attestation agent by gRPC, too: 127.0.0.1:50002"),
	OPT_TEXT(struct serve_settings, hub_grpc, "cdh-grpc", 0, "ADDRESS",
			"serve the data hub by gRPC, too: 127.0.0.1:50000"),
	OPT_TEXT(struct serve_settings, keyprovider_grpc, "keyprovider-grpc", 0, "ADDRESS",
			"serve the key provider by gRPC, too, for skopeo: 127.0.0.1:48888"),
	OPT_TEXT(struct serve_settings, user, "user", 'u', "NAME",
			"become this user once the sockets are made; secure mounts, and evidence of TDX and "
			"SEV-SNP, "
			"are not available then"),
	OPT_ENUM(struct serve_settings, mode, "socket-mode", 0, "MODE",
			"who may connect to the unix sockets; with 0666, nobody can mount", mode_words),
	SETTINGS_OPTIONS(struct serve_settings),
	OPT_END,
};

static const struct opt_example examples[] = {
	{ "in a guest that was started with init-data",
			"cocoon-guest serve --initdata /run/confidential-containers/initdata/initdata.toml" },
	{ "keys from files, for skopeo --decryption-key provider:attestation-agent:offline_fs_kbc::null",
			"cocoon-guest serve --aa-socket none --cdh-socket none --rest none "
			"--resources keys.json --keyprovider-grpc 127.0.0.1:48888" },
	OPT_EXAMPLE_END,
};

const struct opt_verb serve_verb = {
	.name = "serve",
	.summary = "serves attestation, resources and secrets to this guest",
	.description = "One daemon in the place of attestation-agent, confidential-data-hub and "
		       "api-server-rest: "
		       "their ttrpc sockets, the REST endpoint and, where it is asked for, gRPC on "
		       "loopback.\n\n"
		       "Which of them are served follows agent.guest_components_procs of the kernel's "
		       "command "
		       "line, unless an option says otherwise. The configuration is that of the init-data "
		       "document, if there is one, after its digest was compared with what the hardware was "
		       "started with; else files, the kernel's command line, and AA_KBC_PARAMS.\n\n"
		       "SIGTERM and SIGINT end it once the calls that run are answered, within five seconds. "
		       "With NOTIFY_SOCKET, "
		       "systemd is told when it is ready.",
	.options = options,
	.examples = examples,
	.size = sizeof(struct serve_settings),
	.run = run,
};
