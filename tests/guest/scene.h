/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest without a TEE and without a network, for the tests of guest: a hub with an offline store, an agent with the
 * sample attester.
 *
 *     scene_open(&scene, store, false);       store: object path → base64
 *     scene.hub, scene.agent, scene.services
 */
#ifndef COCOON_TESTS_GUEST_SCENE_H
#define COCOON_TESTS_GUEST_SCENE_H

#include "base/alloc.h"
#include "base/b64.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/own.h"
#include "codec/json.h"
#include "crypto/secret.h"
#include "guest/agent.h"
#include "guest/config.h"
#include "guest/hub.h"
#include "guest/services.h"
#include "tee/attester.h"
#include "tee/eventlog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
/* cmocka wants the three above */
#include <cmocka.h>

#define COUNT(a)  (sizeof(a) / sizeof((a)[0]))
#define SCENE_MAX ((size_t)1024 * 1024)

struct scene {
	char folder[64];
	char *store;
	const char *files[2];
	struct config config;
	struct attester *attester;
	struct eventlog *eventlog;
	struct hub *hub;
	struct agent *agent;
	struct services services;
};

/* A test that expects success: the reason otherwise. */
static inline void must(int result, const struct err *err)
{
	if (result < 0)
		fail_msg("%s", err->text);
}

static inline json_t *scene_recording(const char *path)
{
	auto_free char *whole = xasprintf("tests/vectors/%s", path);
	struct err err = ERR_NONE;
	json_t *doc = NULL;

	must(json_read_file(whole, SCENE_MAX, &doc, &err), &err);
	return doc;
}

static inline void scene_write(const char *path, struct span bytes)
{
	struct err err = ERR_NONE;

	must(fs_write_atomic(path, bytes, 0600, &err), &err);
}

static inline void scene_open_parts(struct scene *scene, bool with_device)
{
	const struct attester_options attester = { .kind = "sample", .sample_device = with_device };
	const struct hub_options hub = { .config = &scene->config,
		.clock = &clock_real,
		.root = scene->folder,
		.offline_files = scene->files };
	struct err err = ERR_NONE;

	must(attester_open(&attester, &scene->attester, &err), &err);
	const struct eventlog_options eventlog = { .attester = scene->attester, .folder = scene->folder };
	must(eventlog_open(&eventlog, &scene->eventlog, &err), &err);
	must(hub_open(&hub, &scene->hub, &err), &err);
	const struct agent_options agent = {
		.config = &scene->config, .attester = scene->attester, .eventlog = scene->eventlog
	};
	must(agent_open(&agent, &scene->agent, &err), &err);
	scene->services = (struct services){ .hub = scene->hub, .agent = scene->agent, .can_mount = true };
}

static inline void scene_open(struct scene *scene, const json_t *store, bool with_device)
{
	auto_free char *text = store ? json_text(store, false) : xstrdup("{}");

	*scene = (struct scene){ .config = { .kbc = CONFIG_OFFLINE_FS_KBC } };
	snprintf(scene->folder, sizeof(scene->folder), "/tmp/cocoon-guest-XXXXXX");
	assert_non_null(mkdtemp(scene->folder));
	scene->store = xasprintf("%s/store.json", scene->folder);
	scene->files[0] = scene->store;
	scene_write(scene->store, span_of(text));
	scene_open_parts(scene, with_device);
	/* refusals are what is tested, and are logged */
	log_set_level(LOG_ERROR);
}

static inline void scene_close(struct scene *scene)
{
	agent_free(scene->agent);
	hub_free(scene->hub);
	eventlog_free(scene->eventlog);
	attester_free(scene->attester);
	unlink(scene->store);
	rmdir(scene->folder);
	free(scene->store);
}

#endif
