/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options by which guest's commands that do the work themselves (serve, and --in-process) are set up, what the
 * environment and the kernel's command line add, and the parts that come of it: the one place where the program reads
 * either.
 *
 *     settings_process()   first, before any thread: libraries, locked memory, no core dumps, no new privileges
 *     settings_load()      evidence and configuration: what needs the rights that the process was started with
 *     settings_open()      the rest
 */
#ifndef COCOON_GUEST_SETTINGS_H
#define COCOON_GUEST_SETTINGS_H

#include "base/opt.h"
#include "guest/config.h"

struct agent;
struct attester;
struct err;
struct eventlog;
struct hub;
struct kbs_client;

/* where everybody expects them in a guest */
#define SETTINGS_AGENT_SOCKET "unix:///run/confidential-containers/attestation-agent/attestation-agent.sock"
#define SETTINGS_HUB_SOCKET   "unix:///run/confidential-containers/cdh.sock"

/* The field `settings` of the settings of each such command. */
struct settings_options {
	const char *initdata;
	const char *aa_config;
	const char *cdh_config;
	const char *cmdline;
	struct opt_list resources;
	const char *root;
	const char *attester;
	const char *tpm;
	int64_t ak_handle;
	const char *tsm;
	const char *eventlog;
	bool sample_device;
	bool older;
	int log_level;
};

/* the words of --log-level; the first leaves it to the configuration */
extern const char *const settings_log_words[];

#define SETTINGS_OPTIONS(structure)                                                                          \
	OPT_TEXT(structure, settings.initdata, "initdata", 0, "FILE",                                        \
			"the init-data document, plain TOML; it is compared with the hardware before "       \
			"anything of it is used"),                                                           \
			OPT_TEXT(structure, settings.aa_config, "aa-config", 0, "FILE",                      \
					"aa.toml or .json; counts where the document holds none"),           \
			OPT_TEXT(structure, settings.cdh_config, "cdh-config", 'c', "FILE",                  \
					"cdh.toml or .json; counts where the document holds none"),          \
			OPT_TEXT(structure, settings.cmdline, "kernel-command-line", 0, "FILE",              \
					"the kernel's command line; /proc/cmdline without this option"),     \
			OPT_LIST(structure, settings.resources, "resources", 0, "FILE",                      \
					"resources of offline_fs_kbc, in place of the two files of guests; " \
					"may be repeated"),                                                  \
			OPT_TEXT(structure, settings.root, "root", 0, "DIR",                                 \
					"where credentials and local keys lie; "                             \
					"/run/confidential-containers/cdh without this option"),             \
			OPT_TEXT(structure, settings.attester, "attester", 0, "KIND",                        \
					"tdx, snp, tpm or sample; what is there without this option"),       \
			OPT_TEXT(structure, settings.tpm, "tpm", 0, "DEVICE",                                \
					"/dev/tpm0, device:/dev/tpm0 or swtpm:path=SOCKET"),                 \
			OPT_INT(structure, settings.ak_handle, "ak-handle", 0, "NUMBER", 0, UINT32_MAX,      \
					"the persistent handle of the attestation key in the TPM; "          \
					"2164326402 (0x81010002) without this option"),                      \
			OPT_TEXT(structure, settings.tsm, "tsm", 0, "DIR",                                   \
					"the folder of reports; /sys/kernel/config/tsm/report without this " \
					"option"),                                                           \
			OPT_TEXT(structure, settings.eventlog, "eventlog", 0, "DIR",                         \
					"where the event log lies; /run/attestation-agent without this "     \
					"option"),                                                           \
			OPT_FLAG(structure, settings.sample_device, "sample-device", 0,                      \
					"offer evidence of a device that proves nothing, for tests"),        \
			OPT_FLAG(structure, settings.older, "older-brokers", 0,                              \
					"speak the protocol versions of older key brokers, too"),            \
			OPT_ENUM(structure, settings.log_level, "log-level", 0, "LEVEL",                     \
					"what to log; configured: as the configuration says",                \
					settings_log_words)

#define SETTINGS_FILES (OPT_LIST_MAX + 1)

struct settings {
	struct config config;
	struct attester *attester;
	struct kbs_client *kbs;
	struct eventlog *eventlog;
	struct hub *hub;
	struct agent *agent;
	char *eventlog_file;
	const char *files[SETTINGS_FILES];
};
#define SETTINGS_NONE                 \
	{                             \
		.config = CONFIG_NONE \
	}

int settings_process(struct err *err) __attribute__((warn_unused_result));
int settings_load(const struct settings_options *options, struct settings *out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
int settings_open(const struct settings_options *options, struct settings *settings, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
void settings_clear(struct settings *settings) __attribute__((nonnull));
#define auto_settings __attribute__((cleanup(settings_clear)))

/* What the environment says; NULL: nothing. */
const char *settings_environment(const char *name) __attribute__((nonnull));

#endif
