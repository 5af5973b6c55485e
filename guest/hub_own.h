/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of guest/hub share; nobody else includes this. */
#ifndef COCOON_GUEST_HUB_OWN_H
#define COCOON_GUEST_HUB_OWN_H

#include "guest/hub.h"

#include <jansson.h>
#include <pthread.h>

struct kms;

struct hub {
	struct hub_options options;
	const char *root;
	pthread_mutex_t offline; /* one reader of the files at a time: each takes a good part of the locked memory */
};

/* A provider's client, with credentials below the hub's root. */
int hub_kms(const struct hub *hub, const char *provider, const json_t *settings, struct kms **out,
		struct err *err) __attribute__((nonnull(1, 2, 4), warn_unused_result));

/* What a sealed string or a key packet says is no mistake of who asks to open it. Always -1. */
int hub_blame_text(struct err *err);

#endif
