/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest for fuzz targets: a hub with a store of two resources in memory, an agent with the sample attester and a
 * device. It cannot mount and reaches no network. Once in a process.
 */
#ifndef COCOON_FUZZ_GUEST_SCENE_H
#define COCOON_FUZZ_GUEST_SCENE_H

#include "base/clock.h"
#include "base/log.h"
#include "guest/agent.h"
#include "guest/config.h"
#include "guest/hub.h"
#include "guest/services.h"
#include "tee/attester.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* JWK of a public key of tests, and a short text */
#define GUEST_STORE                                                                                          \
	"{\"a/b/c\":\"dGV4dA==\",\"default/signing-key/cocoon-test\":\""                                     \
	"eyJrdHkiOiJFQyIsImNydiI6IlAtMjU2IiwiYWxnIjoiRVMyNTYiLCJ1c2UiOiJzaWciLCJ4IjoiVWFkWUNET0pqcUd4Zzh2WE" \
	"5RcEFtUWVNYnZIQjRZNlhETmRvTURYeVhuMCIsInkiOiJBUkJTSnhLd3RhZlA4SUZvVklhWVNwVG1neDdheEc1ellQcWRnMHA2" \
	"Z2FFIn0=\"}"

static inline struct services *guest_scene(void)
{
	static const struct config config = { .kbc = CONFIG_OFFLINE_FS_KBC };
	static const struct attester_options attester = { .kind = "sample", .sample_device = true };
	static char path[32];
	static const char *const files[] = { path, NULL };
	static const struct hub_options hub = {
		.config = &config, .clock = &clock_real, .root = "/nowhere", .offline_files = files
	};
	static struct agent_options agent = { .config = &config };
	static struct services services;

	if (services.hub)
		return &services;
	int fd = memfd_create("store", 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (write(fd, GUEST_STORE, sizeof(GUEST_STORE) - 1) < 0 ||
			attester_open(&attester, &agent.attester, NULL) < 0)
		abort();
	const struct eventlog_options eventlog = { .attester = agent.attester, .folder = "/nowhere" };
	if (eventlog_open(&eventlog, &agent.eventlog, NULL) < 0 || hub_open(&hub, &services.hub, NULL) < 0 ||
			agent_open(&agent, &services.agent, NULL) < 0)
		abort();
	log_set_level(LOG_ERROR);
	return &services;
}

#endif
