/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/settings.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/log.h"
#include "crypto/init.h"
#include "guest/agent.h"
#include "guest/hub.h"
#include "initdata/kparams.h"
#include "kbs/client.h"
#include "net/http.h"
#include "tee/attester.h"
#include "tee/eventlog.h"

#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define CMDLINE  "/proc/cmdline"
#define LOG_NAME "eventlog"
/* callers wait for 50 s: they get the reason, not a timeout */
#define DEADLINE 45000

const char *const settings_log_words[] = { "configured", "debug", "info", "warn", "error", NULL };

const char *settings_environment(const char *name)
{
	return getenv(name);
}

int settings_process(struct err *err)
{
	const struct rlimit none = { .rlim_cur = 0, .rlim_max = 0 };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || setrlimit(RLIMIT_CORE, &none) < 0)
		return err_errno(err, ERR_IO, "giving up what is not needed");
	return crypto_init(true, err) < 0 || http_global_init(err) < 0 ? -1 : 0;
}

/* ---- configuration ------------------------------------------------------------------------------------- */

/* "trace", or a filter such as "info,kbs=debug", of which the part without a name counts */
static enum log_level level_of(const char *text)
{
	struct span rest = span_of(text), word = SPAN_NONE;

	while (span_next(&rest, ',', &word)) {
		word = span_trim(word);
		if (span_is(word, "trace") || span_is(word, "debug"))
			return LOG_DEBUG;
		if (span_is(word, "warn"))
			return LOG_WARN;
		if (span_is(word, "error") || span_is(word, "off"))
			return LOG_ERROR;
	}
	return LOG_INFO;
}

static int read_cmdline(const char *given, struct buf *out, struct err *err)
{
	if (fs_read(given ? given : CMDLINE, out, err) < 0)
		return err_wrap(err, "the kernel command line");
	while (out->len && (out->ptr[out->len - 1] == '\n' || !out->ptr[out->len - 1]))
		buf_cut(out, out->len - 1);
	return 0;
}

static int open_attester(const struct settings_options *options, struct settings *out, struct err *err)
{
	if (options->eventlog)
		out->eventlog_file = xasprintf("%s/" LOG_NAME, options->eventlog);
	const struct attester_options attester = { .kind = options->attester,
		.sample_device = options->sample_device,
		.tsm = options->tsm,
		.eventlog = out->eventlog_file,
		.tpm = options->tpm,
		.ak_handle = (uint32_t)options->ak_handle };
	return attester_open(&attester, &out->attester, err);
}

int settings_load(const struct settings_options *options, struct settings *out, struct err *err)
{
	auto_buf struct buf cmdline = BUF_MAX(KPARAMS_TEXT_MAX);

	if (options->log_level)
		log_set_level((enum log_level)(options->log_level - 1));
	if (read_cmdline(options->cmdline, &cmdline, err) < 0 || open_attester(options, out, err) < 0)
		return -1;
	const struct config_sources sources = { .initdata_file = options->initdata,
		.aa_file = options->aa_config,
		.cdh_file = options->cdh_config,
		.cmdline = buf_text(&cmdline),
		.environment = (const char *const *)environ };
	if (config_load(&sources, out->attester, &out->config, err) < 0)
		return -1;
	if (!options->log_level)
		log_set_level(level_of(out->config.log_level));
	return 0;
}

/* ---- parts --------------------------------------------------------------------------------------------- */

static int open_kbs(const struct settings_options *options, struct settings *settings, struct err *err)
{
	const struct config *config = &settings->config;
	const struct kbs_client_options kbs = { .url = config->kbs_url,
		.cert = span_of(config->kbs_cert),
		.key = config->kbs_key,
		.attester = settings->attester,
		.initdata = span_of(config->initdata),
		.older = options->older,
		.clock = &clock_real,
		.deadline = DEADLINE };

	return config->kbs_url ? kbs_client_open(&kbs, &settings->kbs, err) : 0;
}

static int open_hub(const struct settings_options *options, struct settings *settings, struct err *err)
{
	for (size_t i = 0; i < options->resources.count; i++)
		settings->files[i] = options->resources.items[i];
	const struct hub_options hub = { .config = &settings->config,
		.kbs = settings->kbs,
		.clock = &clock_real,
		.root = options->root,
		.offline_files = options->resources.count ? settings->files : NULL };
	return hub_open(&hub, &settings->hub, err);
}

int settings_open(const struct settings_options *options, struct settings *settings, struct err *err)
{
	const struct eventlog_options eventlog = { .attester = settings->attester,
		.folder = options->eventlog,
		.enabled = settings->config.eventlog,
		.init_pcr = settings->config.init_pcr };

	if (open_kbs(options, settings, err) < 0 || eventlog_open(&eventlog, &settings->eventlog, err) < 0 ||
			open_hub(options, settings, err) < 0)
		return -1;
	const struct agent_options agent = { .config = &settings->config,
		.attester = settings->attester,
		.eventlog = settings->eventlog,
		.kbs = settings->kbs };
	return agent_open(&agent, &settings->agent, err);
}

void settings_clear(struct settings *settings)
{
	agent_free(settings->agent);
	hub_free(settings->hub);
	eventlog_free(settings->eventlog);
	kbs_client_free(settings->kbs);
	attester_free(settings->attester);
	config_clear(&settings->config);
	free(settings->eventlog_file);
	*settings = (struct settings)SETTINGS_NONE;
}
