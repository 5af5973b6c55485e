/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of guest/config share; nobody else includes this. */
#ifndef COCOON_GUEST_CONFIG_OWN_H
#define COCOON_GUEST_CONFIG_OWN_H

#include "guest/config.h"

#include <jansson.h>

struct config_load {
	const struct config_sources *sources;
	struct config *config;
	bool has_entry;       /* the file that is read is an entry of the document */
	const char *kbc_from; /* who named the broker, for messages; NULL: nobody yet */
};

void config_set(char **slot, const char *text) __attribute__((nonnull(1)));
int config_add_credential(struct config *config, struct span path, struct span uri, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));

int config_read_aa(struct config_load *load, const json_t *doc, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
int config_read_cdh(struct config_load *load, const json_t *doc, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
int config_read_cmdline(struct config_load *load, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));
int config_read_environment(struct config_load *load, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));

#endif
